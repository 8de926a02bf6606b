//! What would have been seen: an empty answer is worth as much as the power that it had.

use super::{FALSE_DISCOVERY_RATE, contrast::lift, hypergeometric_tail};

/// A condition that would have been found, had it been there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// Share of the affected that meet it.
    pub coverage: f64,
    /// Largest share of the baseline that may meet it.
    pub baseline_share: f64,
}

/// The largest share of the baseline at which a condition that half of the affected (of a handful, all) meet would have been found among
/// `tested` conditions, taking the strictest step of the correction; `None` where not even one that no other user meets.
pub(super) fn power(affected: u64, baseline: u64, tested: u64) -> Option<Power> {
    let hits = affected.div_ceil(2).max(affected.min(5));
    let bar = FALSE_DISCOVERY_RATE / tested.max(1) as f64;
    let seen = |others: u64| {
        hypergeometric_tail(hits, hits + others, affected, affected + baseline) <= bar
            && lift(hits, affected, others, baseline).is_some_and(|lift| lift.is_large(others))
    };
    if affected == 0 || baseline == 0 || !seen(0) {
        return None;
    }
    let (mut found, mut missed) = (0, baseline + 1);
    while missed - found > 1 {
        let middle = found + (missed - found) / 2;
        if middle <= baseline && seen(middle) {
            found = middle;
        } else {
            missed = middle;
        }
    }
    Some(Power { coverage: hits as f64 / affected as f64, baseline_share: found as f64 / baseline as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_users_see_finer_differences() {
        let share = |affected, baseline, tested| power(affected, baseline, tested).map(|power| power.baseline_share);
        assert_eq!(share(0, 100, 1), None);
        assert_eq!(share(8, 0, 1), None);
        let (few, many) = (share(20, 840, 30).unwrap(), share(200, 840, 30).unwrap());
        assert!(few < many && many < 0.4, "{few} {many}");
        assert!(share(60, 840, 1).unwrap() > share(60, 840, 1000).unwrap());
    }
}
