//! Whether users are hit within a stretch of time, or in some releases, more than its share of the use explains.

use super::{
    LEAST_AFFECTED, LEAST_LIFT, binomial_bound,
    contrast::{Lift, lift},
};

/// A window is named when so many of the affected are inside.
const LEAST_COVERAGE: f64 = 0.8;

/// A window must be as improbable as this, all windows tried together: use is no count of independent users, so less
/// than overwhelming says nothing.
const CHANCE: f64 = 0.001;

/// A window that marks the affected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowMark {
    /// Share of the affected who were hit first in it.
    pub coverage: f64,
    /// Its share of the use.
    pub used_share: f64,
    /// How many times as often as the use explains.
    pub lift: Lift,
    /// A bound on the chance of it (Chernoff's, of the binomial), times the windows tried.
    pub chance: f64,
    /// What windows are ranked by: the log-likelihood gained.
    pub gain: f64,
}

/// Judges a window in which `hits` of `affected` users were hit first and `used` of `used_in_all` fell, one of `tried`.
/// The first hit of each counts, which under no change lies early: that makes the test of late windows a strict one.
pub fn window(hits: u64, affected: u64, (used, used_in_all): (u64, u64), tried: usize) -> Option<WindowMark> {
    if affected < LEAST_AFFECTED || used_in_all == 0 || used >= used_in_all {
        return None;
    }
    // A moment without any use is as good as one with the least.
    let used_share = used.max(1) as f64 / used_in_all as f64;
    let (coverage, lift) = (hits as f64 / affected as f64, lift(hits, affected, used.max(1), used_in_all)?);
    let bound = binomial_bound(hits, affected, used_share);
    let chance = (bound * tried.max(1) as f64).min(1.0);
    let stands_out = coverage >= LEAST_COVERAGE && chance <= CHANCE && lift.low >= LEAST_LIFT;
    stands_out.then_some(WindowMark { coverage, used_share, lift, chance, gain: -bound.max(f64::MIN_POSITIVE).ln() })
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn a_window_needs_most_of_the_affected_and_little_of_the_use() {
        let found = window(58, 60, (350, 1000), 5).unwrap();
        assert!(found.chance < 1e-9 && (2.7..2.8).contains(&found.lift.ratio), "{found:?}");
        for (hits, affected, used) in
            [(24, 60, (350, 1000)), (58, 60, (900, 1000)), (2, 2, (1, 1000)), (5, 5, (9, 9)), (4, 4, (500, 1000))]
        {
            assert_eq!(window(hits, affected, used, 5), None, "{hits} of {affected}");
        }
        assert_eq!(window(5, 5, (0, 0), 1), None);
    }
}
