//! Evidence on the ratio of two rates, valid at any poll.
//!
//! Given exposures, the new side's hits of a stratum are binomial (Przyborowski and Wilenski, *Homogeneity of results
//! in testing samples from Poisson series*, 1940); strata share the ratio. The evidence against a ratio is the mixture
//! over a grid of others, divided by its likelihood: a test martingale whatever the rates (Robbins, 1970; Hendriksen,
//! de Heide and Grünwald, 2021), so that by Ville's inequality the chance that it ever passes `1/α` under the true
//! ratio is at most `α` (Howard, Ramdas, McAuliffe and Sekhon, 2021).

/// Weight of the hypothesis that nothing is left: it makes silence strong early.
const ATOM: f64 = 0.25;
/// Ratios of the mixture: 10^(-2 + j/10), j = 0…40.
const GRID: i32 = 41;
/// Edges are looked for within this factor on both sides of 1.
const FARTHEST: f64 = 1e9;
/// Halvings of a bracket; more change no digit.
const HALVINGS: usize = 200;
/// Further exposure is not looked for past so many baselines.
const MOST_BASELINES: f64 = 10_000.0;

/// Hits and exposure of control and new side in one stratum, each divided by its side's design effect.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Stratum {
    /// Control: hits.
    pub k0: f64,
    /// Control: exposure.
    pub n0: f64,
    /// New side: hits.
    pub k1: f64,
    /// New side: exposure.
    pub n1: f64,
}

/// The ratio of the new side's rate to the control's: estimate and the interval that holds at any poll.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Most likely ratio; `None` without hits on the control.
    pub ratio: Option<f64>,
    /// Lower end, 0 or more.
    pub low: f64,
    /// Upper end; `None`: unbounded.
    pub high: Option<f64>,
}

impl Interval {
    /// Upper end, infinite where unbounded.
    pub fn high_or_infinite(&self) -> f64 {
        self.high.unwrap_or(f64::INFINITY)
    }

    /// By how much the rate fell, as shares of the old rate: estimate, lower end, upper end; `None` where unbounded.
    pub fn reduction(&self) -> (Option<f64>, Option<f64>, Option<f64>) {
        (self.ratio.map(|r| 1.0 - r), self.high.map(|r| 1.0 - r), Some(1.0 - self.low))
    }
}

/// The strata that say something, and the mixture over them.
#[derive(Clone, Debug)]
pub struct Evidence {
    strata: Vec<Stratum>,
    log_mixture: f64,
}

impl Evidence {
    /// Takes strata; those without exposure on either side drop out. A hit is exposure too.
    pub fn of(strata: &[Stratum]) -> Self {
        let whole = |s: &Stratum| Stratum { n0: s.n0.max(s.k0), n1: s.n1.max(s.k1), ..*s };
        let strata: Vec<Stratum> = strata.iter().map(whole).filter(|s| s.n0 > 0.0 && s.n1 > 0.0).collect();
        let mut evidence = Self { strata, log_mixture: 0.0 };
        evidence.log_mixture = evidence.mixture();
        evidence
    }

    fn mixture(&self) -> f64 {
        let share = libm::log((1.0 - ATOM) / f64::from(GRID));
        let grid = (0..GRID).map(|j| libm::pow(10.0, -2.0 + f64::from(j) / 10.0));
        let mut terms = vec![libm::log(ATOM) + self.log_likelihood(0.0)];
        terms.extend(grid.map(|ratio| share + self.log_likelihood(ratio)));
        let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + libm::log(terms.iter().map(|term| libm::exp(term - most)).sum())
    }

    /// Log-likelihood of a ratio, up to a constant.
    fn log_likelihood(&self, ratio: f64) -> f64 {
        let hits = self.new_hits();
        if ratio <= 0.0 && hits > 0.0 {
            return f64::NEG_INFINITY;
        }
        let of_hits = if hits > 0.0 { hits * libm::log(ratio) } else { 0.0 };
        let spread = |s: &Stratum| (s.k0 + s.k1) * libm::log(s.n0 + ratio * s.n1);
        of_hits - self.strata.iter().filter(|s| s.k0 + s.k1 > 0.0).map(spread).sum::<f64>()
    }

    fn new_hits(&self) -> f64 {
        self.strata.iter().map(|s| s.k1).sum()
    }

    fn control_hits(&self) -> f64 {
        self.strata.iter().map(|s| s.k0).sum()
    }

    /// Natural logarithm of the mixture's likelihood.
    pub fn log_mixture(&self) -> f64 {
        self.log_mixture
    }

    /// Natural logarithm of the evidence against a ratio: the e-value.
    pub fn log_e(&self, ratio: f64) -> f64 {
        self.log_mixture - self.log_likelihood(ratio)
    }

    /// Most likely ratio: 0 without hits on the new side; `None` without hits on the control.
    fn ratio(&self) -> Option<f64> {
        let (k0, k1) = (self.control_hits(), self.new_hits());
        if k0 <= 0.0 {
            return None;
        }
        if k1 <= 0.0 {
            return Some(0.0);
        }
        // The slope of the log-likelihood in ln ratio falls from k1 to -k0.
        let slope = |log_ratio: f64| {
            let ratio = libm::exp(log_ratio);
            let of = |s: &Stratum| s.k1 - (s.k0 + s.k1) * ratio * s.n1 / (s.n0 + ratio * s.n1);
            self.strata.iter().map(of).sum::<f64>()
        };
        let far = libm::log(FARTHEST);
        Some(libm::exp(crossing(-far, far, |x| slope(x) > 0.0)))
    }

    /// All ratios that the evidence doesn't refute at error rate `alpha`, whenever and however often it is looked at.
    pub fn interval(&self, alpha: f64) -> Interval {
        let bar = -libm::log(alpha);
        let stands = |log_ratio: f64| self.log_e(libm::exp(log_ratio)) < bar;
        let far = libm::log(FARTHEST);
        let ratio = self.ratio();
        let peak = match ratio {
            Some(ratio) if ratio > 0.0 => libm::log(ratio),
            Some(_) => -far,
            None => far,
        };
        let low = match self.new_hits() > 0.0 && !stands(-far) {
            true => libm::exp(crossing(-far, peak, |x| !stands(x))),
            false => 0.0,
        };
        let high = match self.control_hits() > 0.0 && !stands(far) {
            true => Some(libm::exp(crossing(peak, far, stands))),
            false => None,
        };
        Interval { ratio, low, high }
    }

    /// The smallest further exposure without hits, spread by `shares` over the strata that were given, at which the
    /// upper end falls to `bar`; `None` where no sensible amount would do.
    pub fn needed(strata: &[Stratum], shares: &[f64], bar: f64, alpha: f64) -> Option<f64> {
        let enough = |more: f64| {
            let grown: Vec<Stratum> =
                strata.iter().zip(shares).map(|(s, share)| Stratum { n1: s.n1 + more * share, ..*s }).collect();
            let evidence = Self::of(&grown);
            evidence.ratio().is_some_and(|ratio| ratio < bar) && evidence.log_e(bar) >= -libm::log(alpha)
        };
        let baseline: f64 = strata.iter().map(|s| s.n0).sum();
        let most = baseline * MOST_BASELINES;
        if enough(0.0) {
            return Some(0.0);
        }
        if baseline <= 0.0 || !enough(most) {
            return None;
        }
        Some(crossing(0.0, most, |more| !enough(more)))
    }
}

/// Where `before` turns false between two ends, at the first of which it holds.
fn crossing(mut low: f64, mut high: f64, before: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            break;
        }
        if before(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.midpoint(high)
}
