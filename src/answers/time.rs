//! Moments as whole microseconds since 1970, and the UTC hours and days that they lie in.

use crate::model::Timestamp;

/// Microseconds of a UTC day.
pub(crate) const DAY_US: i64 = 86_400_000_000;
/// Microseconds of an hour.
pub(crate) const HOUR_US: i64 = 3_600_000_000;

/// Microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The moment of so many microseconds since 1970.
pub(crate) fn moment(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// UTC day, counted from 1970.
pub(crate) fn day_of(us: i64) -> i64 {
    us.div_euclid(DAY_US)
}

/// Hour, counted from 1970.
pub(crate) fn hour_of(us: i64) -> i64 {
    us.div_euclid(HOUR_US)
}
