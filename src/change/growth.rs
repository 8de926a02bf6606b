//! Whether an issue's rate grew by more than chance explains.
//!
//! The last day and the last seven days are each compared with the time before, as shares of the traffic: given
//! all events of both, how many of them should fall into the recent window if the rate were one and the same
//! (a binomial, exact). Two windows are tried, so each has half of the allowed error. Where two weeks or more lie
//! before, a day is compared with the same weekdays. Counts that vary from day to day more than chance would have it
//! (one user who tries fifty times) are worth less: they are divided by how much more they vary.

use super::tail::upper_tail;
use crate::model::{ChangeReason, Timestamp};

/// How rarely chance may be called growth, both windows together.
const ERROR: f64 = 0.001;

/// Growth below this is not worth a word.
const RATIO: f64 = 2.0;

/// Fewer events than that are no wave.
const FEWEST: u64 = 5;

/// Days before the window without which there is nothing to compare with.
const DAYS_BEFORE: usize = 3;

/// Days in the windows.
const WINDOWS: [usize; 2] = [1, 7];

/// One day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// When it starts.
    pub start: Timestamp,
    /// Events of the issue.
    pub events: u64,
    /// How much the application was used: sessions, or events of other issues where there are no sessions.
    pub exposure: u64,
}

/// The growth, if there is one; of two the more surprising.
pub(super) fn grew(days: &[Day]) -> Option<ChangeReason> {
    let tested = WINDOWS.into_iter().filter_map(|window| test(days, window));
    let best = tested.filter(|found| found.chance < ERROR / WINDOWS.len() as f64);
    let best = best.min_by(|one, other| one.chance.total_cmp(&other.chance))?;
    Some(ChangeReason::Grew { recent: best.recent, expected: best.expected, window_h: best.window as u64 * 24 })
}

struct Found {
    recent: u64,
    expected: f64,
    window: usize,
    chance: f64,
}

fn test(days: &[Day], window: usize) -> Option<Found> {
    let split = days.len().checked_sub(window)?;
    let (all_before, recent_days) = days.split_at(split);
    if all_before.len() < DAYS_BEFORE {
        return None;
    }
    let before = comparable(all_before, window);
    let recent: u64 = recent_days.iter().map(|day| day.events).sum();
    let earlier: u64 = before.iter().map(|day| day.events).sum();
    let (recent_use, earlier_use) = exposures(recent_days, &before)?;
    let expected = earlier as f64 * recent_use / earlier_use;
    if recent < FEWEST || (recent as f64) < RATIO * expected {
        return None;
    }
    let worth = 1.0 / dispersion(all_before);
    let hits = (recent as f64 * worth).floor() as u64;
    let all = hits + (earlier as f64 * worth).ceil() as u64;
    let chance = upper_tail(hits, all, recent_use / (recent_use + earlier_use));
    Some(Found { recent, expected, window, chance })
}

/// The same weekdays, as long as there are two of each; else all days before.
fn comparable(before: &[Day], window: usize) -> Vec<Day> {
    if before.len() < 14 {
        return before.to_vec();
    }
    let same = |at: usize| (before.len() - at - 1) % 7 >= 7 - window.min(7);
    before.iter().enumerate().filter(|(at, _)| same(*at)).map(|(_, day)| *day).collect()
}

/// Traffic of both, in one unit: days where the traffic of either is not known.
fn exposures(recent: &[Day], before: &[Day]) -> Option<(f64, f64)> {
    let total = |days: &[Day]| days.iter().map(|day| day.exposure).sum::<u64>();
    let (one, other) = (total(recent), total(before));
    if before.is_empty() {
        return None;
    }
    if one == 0 || other == 0 {
        return Some((recent.len() as f64, before.len() as f64));
    }
    Some((one as f64, other as f64))
}

/// How many times more the days before vary than they would by chance; at least 1.
fn dispersion(days: &[Day]) -> f64 {
    let known = days.iter().all(|day| day.exposure > 0);
    let weight = |day: &Day| if known { day.exposure as f64 } else { 1.0 };
    let events: f64 = days.iter().map(|day| day.events as f64).sum();
    let uses: f64 = days.iter().map(weight).sum();
    if events == 0.0 || days.len() < 2 {
        return 1.0;
    }
    let squares = days.iter().map(|day| {
        let expected = events * weight(day) / uses;
        (day.events as f64 - expected).powi(2) / expected
    });
    (squares.sum::<f64>() / (days.len() - 1) as f64).max(1.0)
}
