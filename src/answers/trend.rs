//! Buckets of time that fit a period.

use super::time::{DAY_US, HOUR_US};

/// Sizes of buckets; past a week its multiples.
const SIZES: [i64; 4] = [HOUR_US, 6 * HOUR_US, DAY_US, 7 * DAY_US];
/// 1970 began on a Thursday; weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY_US;

/// The smallest size with which the period fits into so many buckets, and where its buckets begin.
pub(crate) fn size_for(lo: i64, hi: i64, most: i64) -> (i64, i64) {
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
