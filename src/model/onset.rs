//! When an issue's rate rose.

use super::Timestamp;

/// A rise of an issue's rate. What is counted are user-days: a user counts once a UTC day, whatever the number of
/// events, and an event without a user counts one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// The hour from which on the rate was higher: the likeliest one.
    pub at: Timestamp,
    /// Earliest hour that is nearly as likely.
    pub low: Timestamp,
    /// Latest hour that is nearly as likely.
    pub high: Timestamp,
    /// User-days since.
    pub recent: u64,
    /// User-days that the time before, in the same hours of the week and at the same traffic, would have given.
    pub expected: f64,
    /// How many times as many as expected; where nothing was expected, half a user-day stands in for it.
    pub ratio: f64,
    /// Natural logarithm of a bound on the chance of such a rise without any change.
    pub ln_chance: f64,
    /// Whether the rate is still raised at the end.
    pub going_on: bool,
}
