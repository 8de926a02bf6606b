//! Histories made by hand: users of a shop, hour by hour, with known rates.

use prodsignal::model::{FixHistory, FixHit, FixRelease, Issue, IssueId, Level, Side, Sign, Status, Timestamp, Use};

/// 2026-11-02, a Monday, in hours since 1970.
pub const MONDAY: i64 = 1_793_577_600 / 3_600;
/// Hours of baseline before the deploy.
pub const BEFORE: i64 = 10 * 24;

/// Places of the releases.
pub const OLD: usize = 0;
pub const NEW: usize = 1;
pub const OTHER: usize = 2;

/// So many hours and seconds after the first Monday.
pub fn at(hour: i64, second: i64) -> Timestamp {
    Timestamp::from_second((MONDAY + hour) * 3_600 + second).unwrap()
}

/// The hour of the deploy, from the first Monday on.
pub const DEPLOY: i64 = BEFORE;

pub fn issue(id: i64, short_id: &str) -> Issue {
    Issue {
        id: IssueId(id),
        short_id: short_id.to_owned(),
        project: "shop".to_owned(),
        title: "Fault".into(),
        ty: None,
        value: None,
        culprit: None,
        level: Level::Error,
        unhandled: true,
        unattended: false,
        status: Status::Unresolved,
        resolution: None,
        top_frame: None,
    }
}

/// An empty history: an old release, a new one, and one that tells nothing.
pub fn empty() -> FixHistory {
    let release = |version: &str, side| FixRelease { version: version.into(), side };
    FixHistory {
        issue: issue(1, "SHOP-1"),
        releases: vec![
            release("shop@2.2.0", Side::Control),
            release("shop@2.3.0", Side::New),
            release("worker@1.0.0", Side::Neither),
        ],
        asked: "shop@2.3.0".into(),
        asked_seen: true,
        signs: Vec::new(),
        first_hit: None,
        whole_from: None,
        hits: Vec::new(),
        uses: Vec::new(),
        lost: Vec::new(),
        conditions: Vec::new(),
        candidates: Vec::new(),
        returning: None,
        recurrences: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Draws that are the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// In 0..1.
    pub fn draw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.draw() * n as f64) as u64
    }
}

/// How a shop is used and how often it fails.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    pub seed: u64,
    /// Users an hour.
    pub users: u64,
    /// Chance of a failure an hour and user on the old release.
    pub rate: f64,
    /// The same on the new one, as a share of that.
    pub ratio: f64,
    /// Hours after the deploy.
    pub after: i64,
    /// Share of the users who stay on the old release.
    pub stay: f64,
}

impl Default for Shop {
    fn default() -> Self {
        Self { seed: 1, users: 12, rate: 0.06, ratio: 0.0, after: 72, stay: 0.0 }
    }
}

impl Shop {
    /// The history, up to the last whole hour.
    pub fn history(&self) -> FixHistory {
        let mut history = empty();
        let mut dice = Dice::new(self.seed);
        for hour in 0..DEPLOY + self.after {
            let mut counts = [0u64; 2];
            for user in 0..self.users {
                let user = (dice.below(400) * self.users + user) as u32;
                let stays = f64::from(user % 100) < self.stay * 100.0;
                let release = if hour < DEPLOY || stays { OLD } else { NEW };
                counts[release] += 1;
                let rate = if release == NEW { self.rate * self.ratio } else { self.rate };
                if dice.draw() < rate {
                    history.hits.push(hit(hour, 5 + dice.below(3_000) as i64, user, release));
                }
            }
            for (release, users) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
                let hour = MONDAY + hour;
                history.uses.push(Use { hour, release, users, sessions: users, ..Use::default() });
            }
        }
        if self.after > 0 {
            history.signs = vec![Sign { first: at(DEPLOY, 60), n: 1_000 }];
        }
        history.first_hit = history.hits.iter().map(|hit| hit.at).min();
        history
    }

    /// The moment at which the history ends.
    pub fn end(&self) -> Timestamp {
        at(DEPLOY + self.after, 0)
    }
}

pub fn hit(hour: i64, second: i64, user: u32, release: usize) -> FixHit {
    FixHit { at: at(hour, second), user: Some(user), release, group: 0, conditions: 0 }
}
