//! The verdicts, and how each is read off an interval.

use super::evidence::Interval;

/// What became of the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Its rate fell by at least what was asked for.
    Fixed,
    /// Its rate fell, by less.
    Reduced,
    /// It did not fall by what was asked for.
    NotFixed,
    /// Its rate rose.
    Regressed,
    /// It goes on under another issue.
    Moved,
    /// Too little is known.
    InsufficientExposure,
    /// Nothing runs that has the fix.
    NotDeployed,
}

impl Verdict {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Reduced => "reduced",
            Self::NotFixed => "not_fixed",
            Self::Regressed => "regressed",
            Self::Moved => "moved",
            Self::InsufficientExposure => "insufficient_exposure",
            Self::NotDeployed => "not_deployed",
        }
    }

    /// Read off the interval of the ratio; `bar` is the highest ratio that counts as fixed.
    pub fn of(interval: &Interval, bar: f64) -> Self {
        let (low, high) = (interval.low, interval.high_or_infinite());
        if high <= bar {
            Self::Fixed
        } else if low > 1.0 {
            Self::Regressed
        } else if low > bar && high < 1.0 {
            Self::Reduced
        } else if low > bar {
            Self::NotFixed
        } else {
            Self::InsufficientExposure
        }
    }
}
