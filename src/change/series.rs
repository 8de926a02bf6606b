//! An issue's counts by hour, and the strata within which like is compared with like.

use crate::model::Timestamp;

const HOUR_S: i64 = 3_600;
/// 1970 began on a Thursday: hours from a Monday's midnight to it.
const SINCE_MONDAY: i64 = 3 * 24;

/// One hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// User-days of the issue that began in it: users with their first event of the UTC day, and events without user.
    pub count: u64,
    /// How much the application was used: sessions, or events of other issues where there are no sessions.
    pub exposure: u64,
}

/// Whole hours, oldest first, without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Where the first begins: a whole hour.
    pub start: Timestamp,
    /// The hours.
    pub hours: Vec<Hour>,
}

impl Default for Series {
    fn default() -> Self {
        Self { start: Timestamp::UNIX_EPOCH, hours: Vec::new() }
    }
}

impl Series {
    /// When the hour at that place begins.
    pub(super) fn moment(&self, at: usize) -> Timestamp {
        let second = self.start.as_second().saturating_add(at as i64 * HOUR_S);
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// The stratum of each hour: the hour of the day, on working days or weekends.
    pub(super) fn strata(&self) -> Vec<usize> {
        let first = self.start.as_second().div_euclid(HOUR_S) + SINCE_MONDAY;
        let stratum = |at: usize| {
            let of_week = (first + at as i64).rem_euclid(7 * 24) as usize;
            of_week % 24 + if of_week >= 5 * 24 { 24 } else { 0 }
        };
        (0..self.hours.len()).map(stratum).collect()
    }

    /// The hour of the UTC day with which it begins.
    pub(super) fn of_day(&self) -> usize {
        self.start.as_second().div_euclid(HOUR_S).rem_euclid(24) as usize
    }

    /// Working days and weekends by the hour.
    pub(super) const STRATA: usize = 48;
}
