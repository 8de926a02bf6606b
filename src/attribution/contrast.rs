//! How much more often a condition holds among the affected: lift with its interval, and likelihood gained.

use super::LEAST_LIFT;

/// Standard deviations that hold 95 % of a normal distribution.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

/// How many times as often a condition holds among the affected as in the baseline, with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    /// Best estimate.
    pub ratio: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Lift {
    /// Whether the contrast is large enough to be named. Where none of the baseline meets the condition the lower end
    /// speaks of the half user that stands in for none, so above 1 will do: the exact test has said the rest.
    pub(super) fn is_large(self, others: u64) -> bool {
        if others == 0 { self.low > 1.0 } else { self.low >= LEAST_LIFT }
    }
}

/// Lift of a condition that `hits` of `affected` users and `others` of `baseline` users meet; `None` where one side is
/// empty or nobody meets it. The interval is that of Katz, Baptista, Azen and Pike, *Obtaining confidence intervals for
/// the risk ratio in cohort studies*, 1978; where the baseline has none, half a user stands in for it.
pub fn lift(hits: u64, affected: u64, others: u64, baseline: u64) -> Option<Lift> {
    if affected == 0 || baseline == 0 || hits + others == 0 {
        return None;
    }
    let (k, n) = (hits as f64, affected as f64);
    let (b, m) = if others == 0 { (0.5, baseline as f64 + 0.5) } else { (others as f64, baseline as f64) };
    let ratio = (k / n) / (b / m);
    if hits == 0 {
        let (k, n) = (0.5, n + 0.5);
        let high = (k / n) / (b / m) * (TWO_SIDED_95 * spread(k, n, b, m)).exp();
        return Some(Lift { ratio, low: 0.0, high });
    }
    let factor = (TWO_SIDED_95 * spread(k, n, b, m)).exp();
    Some(Lift { ratio, low: ratio / factor, high: ratio * factor })
}

fn spread(k: f64, n: f64, b: f64, m: f64) -> f64 {
    (1.0 / k - 1.0 / n + 1.0 / b - 1.0 / m).max(0.0).sqrt()
}

/// Log-likelihood gained by giving the `marked` users inside a condition, `hits` of them affected, a rate of their own:
/// of all `all` users `affected` are affected. This ranks conditions: significance alone would reward whatever is
/// large, lift whatever is tiny.
pub fn gain(hits: u64, affected: u64, marked: u64, all: u64) -> f64 {
    let outside = (affected.saturating_sub(hits), all.saturating_sub(marked));
    likelihood(hits, marked) + likelihood(outside.0, outside.1) - likelihood(affected, all)
}

fn likelihood(part: u64, whole: u64) -> f64 {
    let term = |count: u64| if count == 0 { 0.0 } else { count as f64 * (count as f64 / whole as f64).ln() };
    term(part) + term(whole.saturating_sub(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifts_at_the_edges_are_numbers() {
        assert_eq!(lift(0, 0, 0, 10), None);
        assert_eq!(lift(3, 3, 0, 0), None);
        assert_eq!(lift(0, 9, 0, 10), None);
        let none_hit = lift(0, 10, 50, 100).unwrap();
        assert!(none_hit.ratio == 0.0 && none_hit.low == 0.0 && none_hit.high.is_finite(), "{none_hit:?}");
        let all = lift(10, 10, 100, 100).unwrap();
        assert_eq!((all.ratio, all.low, all.high), (1.0, 1.0, 1.0));
    }

    #[test]
    fn a_condition_that_tells_nothing_gains_nothing() {
        assert!(gain(12, 60, 180, 900).abs() < 1e-9);
        assert!(gain(0, 0, 0, 0) == 0.0 && gain(60, 60, 900, 900).is_finite());
    }
}
