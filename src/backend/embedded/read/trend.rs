//! Users and events by time, in buckets that fit the period.
//! It uses the packed forms.
//! It never leaves a gap.

use super::{
    scope::Want,
    tally::{Grid, Row},
};
use crate::{
    backend::embedded::pack::{DAY_US, HOUR_US, moment},
    store::TrendBucket,
};

/// Sizes of buckets; past a week its multiples.
const SIZES: [i64; 4] = [HOUR_US, 6 * HOUR_US, DAY_US, 7 * DAY_US];
/// 1970 began on a Thursday; weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY_US;

/// Events by time. They are kept as they come: without a given period, the first and the last of them make it.
pub(super) struct Times {
    lo: i64,
    hi: i64,
    seen: Option<(i64, i64)>,
    events: Vec<(i64, Option<u32>)>,
}

impl Times {
    pub(super) fn new(want: &Want<'_>) -> Self {
        Self { lo: want.lo, hi: want.hi, seen: None, events: Vec::new() }
    }

    pub(super) fn see(&mut self, ts: i64, place: Option<u32>) {
        let (first, last) = self.seen.unwrap_or((ts, ts));
        self.seen = Some((first.min(ts), last.max(ts)));
        self.events.push((ts, place));
    }

    /// The buckets, oldest first; at most `most`.
    pub(super) fn trend(&self, most: usize) -> Vec<TrendBucket> {
        let Some((first, last)) = self.seen else { return Vec::new() };
        let lo = if self.lo == i64::MIN { first } else { self.lo };
        let hi = if self.hi == i64::MAX { last } else { self.hi };
        if most == 0 {
            return Vec::new();
        }
        let (size, offset) = size_for(lo, hi, most as i64);
        let bucket = |ts: i64| (ts - offset).div_euclid(size);
        let start = bucket(lo);
        let mut grid = Grid::default();
        for (ts, place) in &self.events {
            grid.see((bucket(*ts) - start) as u32, *place);
        }
        (0..=bucket(hi) - start)
            .map(|at| {
                let (users, events) = grid.rows.get(&(at as u32)).map_or((0, 0), |row: &Row| (row.users, row.events));
                TrendBucket { start: moment((start + at) * size + offset), users, events }
            })
            .collect()
    }
}

/// The smallest size with which the period fits into so many buckets, and where its buckets begin.
fn size_for(lo: i64, hi: i64, most: i64) -> (i64, i64) {
    let fits = |size: i64, offset: i64| (hi - offset).div_euclid(size) - (lo - offset).div_euclid(size) < most;
    let offset = |size: i64| if size >= 7 * DAY_US { MONDAY } else { 0 };
    if let Some(size) = SIZES.into_iter().find(|size| fits(*size, offset(*size))) {
        return (size, offset(size));
    }
    let mut weeks = 2;
    while !fits(weeks * 7 * DAY_US, MONDAY) && weeks < 1 << 16 {
        weeks *= 2;
    }
    (weeks * 7 * DAY_US, MONDAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_fit_the_period() {
        let hours = |n: i64| n * HOUR_US;
        assert_eq!(size_for(0, hours(24) - 1, 24).0, HOUR_US);
        assert_eq!(size_for(1, hours(24) + 1, 24).0, 6 * HOUR_US);
        assert_eq!(size_for(0, 14 * DAY_US - 1, 30).0, DAY_US);
        assert_eq!(size_for(0, 90 * DAY_US, 30).0, 7 * DAY_US);
        assert_eq!(size_for(0, 3650 * DAY_US, 30).0, 32 * 7 * DAY_US);
    }
}
