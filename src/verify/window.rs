//! Which time is looked at: from when the baseline counts, when the fix arrived, and where both sides end.

use crate::model::{FixHistory, Sign, Timestamp};

/// Longest baseline before the deploy, in hours.
const LONGEST_H: i64 = 14 * 24;
/// A day with so few signs of the new side, long before the next, is a clock gone wrong or somebody's trial.
const STRAY: u64 = 2;
/// How long before, in seconds.
const LONG_BEFORE_S: i64 = 72 * 3_600;
/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// The time that is looked at, in whole hours since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First session or event of the new side.
    pub deploy: Timestamp,
    /// First hour that counts.
    pub start: i64,
    /// First hour after the deploy began; its own hour counts as after.
    pub deploy_hour: i64,
    /// First hour that counts no more: sessions that SDKs count come by the hour, so both sides end at a whole one.
    pub cut: i64,
    /// Whether older signal would have been used but is gone.
    pub cut_short: bool,
}

impl Window {
    /// The window of a history as of a moment; `None` while nothing of the new side is to be seen.
    pub fn of(history: &FixHistory, as_of: Timestamp) -> Option<Self> {
        Some(Self::from_deploy(arrival(&history.signs, 0)?, history, as_of))
    }

    /// The widest window that a history allows whose signs are known by day alone: once the hours are known,
    /// [`Window::of`] gives one that lies within it.
    pub fn by_day(history: &FixHistory, as_of: Timestamp) -> Option<Self> {
        let first = arrival(&history.signs, DAY_S)?.as_second().div_euclid(DAY_S) * DAY_S;
        Some(Self::from_deploy(Timestamp::from_second(first).ok()?, history, as_of))
    }

    fn from_deploy(deploy: Timestamp, history: &FixHistory, as_of: Timestamp) -> Self {
        let deploy_hour = hour(deploy);
        let (longest, cut) = (deploy_hour - LONGEST_H, hour(as_of));
        // The first hit opened the window, so it is not counted: its hour is left out, with the use in it.
        let opened = history.first_hit.map_or(longest, |first| hour(first) + 1);
        let whole = history.whole_from.map_or(i64::MIN, |from| hour(from) + i64::from(from.as_second() % 3_600 != 0));
        let start = longest.max(opened).max(whole);
        Self { deploy, start, deploy_hour, cut, cut_short: whole == start && whole > longest.max(opened) }
    }

    /// Hours since the deploy.
    pub fn elapsed_h(&self) -> i64 {
        (self.cut - self.deploy_hour).max(0)
    }

    /// Hours of the baseline before the deploy.
    pub fn before_h(&self) -> i64 {
        (self.deploy_hour - self.start).max(0)
    }
}

/// When the new side arrived: its first sign, strays left out. Gaps between signs may be shorter by `unsure_s` seconds.
fn arrival(signs: &[Sign], unsure_s: i64) -> Option<Timestamp> {
    let mut rest = signs;
    while let [first, next, ..] = rest {
        let gap = next.first.as_second() - first.first.as_second();
        if first.n > STRAY || gap - unsure_s <= LONG_BEFORE_S {
            break;
        }
        rest = &rest[1..];
    }
    rest.first().map(|sign| sign.first)
}

/// Whole hours since 1970.
pub(super) fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}
