//! Requests that became slower, or fail more often, with a release.
//!
//! Durations of both sides are compared by their ranks (Mann and Whitney, 1947, with ties and the normal approximation),
//! so that a few slow ones don't decide. Failures are compared given how many there are in all: those of the new side are
//! hypergeometric, and Chernoff's bound on their number holds for every sample size. What is beyond chance must also be
//! worth a word: see the constants.

use crate::model::Slower;

/// Requests of a side without which nothing is said.
const LEAST: u64 = 5;
/// So many times the median before, and so much longer, milliseconds.
const TIMES: f64 = 1.5;
const LONGER_MS: f64 = 50.0;
/// So many times the share of failures before, and so much more.
const FAILS_TIMES: f64 = 2.0;
const FAILS_MORE: f64 = 0.01;
/// Chance of one false word in an answer, over all requests that are compared.
const FALSE: f64 = 0.05;

/// The requests of one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Requests {
    /// How many.
    pub n: u64,
    /// How many failed.
    pub failed: u64,
    /// How many took about how long, milliseconds, the shortest first.
    pub durations: Vec<(f64, u64)>,
}

impl Requests {
    /// The duration that a share did not exceed; 0 without any.
    pub fn quantile(&self, share: f64) -> f64 {
        let total: u64 = self.durations.iter().map(|(_, n)| n).sum();
        let wanted = (share * total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.durations.iter().find(|(_, n)| {
            seen += n;
            seen >= wanted
        });
        found.map_or(0.0, |(ms, _)| *ms)
    }

    fn rate(&self) -> f64 {
        self.failed as f64 / self.n.max(1) as f64
    }
}

/// What is worse than before; `compared`: how many kinds of requests are.
pub fn slower(before: &Requests, after: &Requests, compared: usize) -> Option<Slower> {
    if before.n < LEAST || after.n < LEAST {
        return None;
    }
    let allowed = FALSE / (2 * compared.max(1)) as f64;
    let medians = [before.quantile(0.5), after.quantile(0.5)];
    let longer = medians[1] >= medians[0] * TIMES && medians[1] - medians[0] >= LONGER_MS;
    let rates = [before.rate(), after.rate()];
    let fails = rates[1] >= rates[0] * FAILS_TIMES && rates[1] - rates[0] >= FAILS_MORE;
    let slower = Slower {
        median_ms: (longer && rank_chance(before, after) <= allowed).then_some(medians),
        p95_ms: [before.quantile(0.95), after.quantile(0.95)],
        failed: (fails && failure_chance(before, after) <= allowed).then_some(rates),
    };
    (slower.median_ms.is_some() || slower.failed.is_some()).then_some(slower)
}

/// The chance of ranks so high after, if nothing changed.
fn rank_chance(before: &Requests, after: &Requests) -> f64 {
    let (mut steps, mut at) = (Vec::new(), (0, 0));
    // Both are sorted: equal durations meet.
    while at.0 < before.durations.len() || at.1 < after.durations.len() {
        let (one, other) = (before.durations.get(at.0), after.durations.get(at.1));
        let ms = one.into_iter().chain(other).map(|(ms, _)| *ms).fold(f64::INFINITY, f64::min);
        let (one, other) = (one.filter(|(of, _)| *of <= ms), other.filter(|(of, _)| *of <= ms));
        steps.push((one.map_or(0.0, |(_, n)| *n as f64), other.map_or(0.0, |(_, n)| *n as f64)));
        at = (at.0 + usize::from(one.is_some()), at.1 + usize::from(other.is_some()));
    }
    let (mut below, mut u, mut ties) = (0.0, 0.0, 0.0);
    for (a, b) in &steps {
        u += b * (below + a / 2.0);
        below += a;
        let t = a + b;
        ties += t * t * t - t;
    }
    let (m, n): (f64, f64) = (steps.iter().map(|(a, _)| a).sum(), steps.iter().map(|(_, b)| b).sum());
    let all = m + n;
    let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)).max(1.0));
    if variance <= 0.0 {
        return 1.0;
    }
    above((u - m * n / 2.0 - 0.5) / variance.sqrt())
}

/// The chance that a standard normal variable is above `z`: by its continued fraction beyond 1, else by Simpson's rule.
fn above(z: f64) -> f64 {
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z > 1.0 {
        let fraction = (1..=60).rev().fold(z, |below, k| z + f64::from(k) / below);
        return density(z) / fraction;
    }
    let steps = 200;
    let width = (z.abs().min(8.0)) / f64::from(steps);
    let weight = |k: i32| if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
    let area: f64 = (0..=steps).map(|k| weight(k) * density(f64::from(k) * width)).sum::<f64>() * width / 3.0;
    if z >= 0.0 { 0.5 - area } else { 0.5 + area }
}

/// Chernoff's bound on so many failures after, of all there are (Hoeffding, 1963).
fn failure_chance(before: &Requests, after: &Requests) -> f64 {
    let all = (before.failed + after.failed) as f64;
    let (seen, share) = (after.failed as f64 / all, after.n as f64 / (before.n + after.n) as f64);
    if all == 0.0 || seen <= share {
        return 1.0;
    }
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    (-all * (part(seen, share) + part(1.0 - seen, 1.0 - share))).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(durations: &[(f64, u64)], failed: u64) -> Requests {
        Requests { n: durations.iter().map(|(_, n)| n).sum(), failed, durations: durations.to_vec() }
    }

    #[test]
    fn a_slow_endpoint_is_told_by_few_requests_and_chance_is_not() {
        let fast = requests(&[(70.0, 3), (75.0, 3)], 0);
        let slow = requests(&[(1_700.0, 4), (1_750.0, 6)], 0);
        assert_eq!(slower(&fast, &slow, 12).unwrap().median_ms, Some([70.0, 1_750.0]));
        assert_eq!(slower(&slow, &fast, 12), None);
        let mixed = requests(&[(60.0, 4), (90.0, 3), (160.0, 3)], 0);
        assert_eq!(slower(&fast, &mixed, 12), None);
        assert_eq!(slower(&fast, &requests(&[(1_700.0, 4)], 0), 1), None);
    }

    #[test]
    fn failures_must_be_beyond_chance() {
        let well = requests(&[(10.0, 1_000)], 2);
        assert_eq!(slower(&well, &requests(&[(10.0, 1_000)], 40), 20).unwrap().failed, Some([0.002, 0.04]));
        assert_eq!(slower(&well, &requests(&[(10.0, 30)], 1), 1), None);
    }

    #[test]
    fn the_tail_of_the_normal_distribution_is_known() {
        for (z, chance) in [(0.0, 0.5), (0.5, 0.308_537_5), (-1.0, 0.841_344_7), (1.96, 0.024_997_9), (4.0, 3.167_1e-5)]
        {
            assert!((above(z) / chance - 1.0).abs() < 1e-4, "{z}: {}", above(z));
        }
    }
}
