//! Fisher's exact test, one-sided, and the control of the false discovery rate.

use libm::lgamma;

/// P(X ≥ `hits`) where X is hypergeometric: of `all` users `marked` have the value, and `drawn` of all are affected.
/// Fisher's exact test (1922), one-sided; terms by ln Γ, so that counts of millions neither overflow nor lose digits.
pub fn hypergeometric_tail(hits: u64, marked: u64, drawn: u64, all: u64) -> f64 {
    let (marked, drawn) = (marked.min(all), drawn.min(all));
    let most = marked.min(drawn);
    let least = (marked + drawn).saturating_sub(all);
    if hits <= least {
        return 1.0;
    }
    if hits > most {
        return 0.0;
    }
    let ln_choose = |n: u64, k: u64| lgamma(n as f64 + 1.0) - lgamma(k as f64 + 1.0) - lgamma((n - k) as f64 + 1.0);
    let first = ln_choose(marked, hits) + ln_choose(all - marked, drawn - hits) - ln_choose(all, drawn);
    // Each further term follows from the one before; relative to the first they sum without underflow.
    let (mut term, mut sum) = (1.0, 1.0);
    for x in hits..most {
        let up = (marked - x) as f64 * (drawn - x) as f64;
        let down = (x + 1) as f64 * (all + x + 1 - marked - drawn) as f64;
        term *= up / down;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    (first + f64::ln(sum)).exp().min(1.0)
}

/// P(X ≥ `hits`) where X is binomial: of `all` users each is inside with the chance `share`. A bound (Chernoff), tight
/// enough where it matters: at small chances.
pub fn binomial_bound(hits: u64, all: u64, share: f64) -> f64 {
    if hits == 0 || hits as f64 <= all as f64 * share {
        return 1.0;
    }
    let part = hits as f64 / all as f64;
    let term = |of: f64, to: f64| if of == 0.0 { 0.0 } else { of * (of / to).ln() };
    (-(all as f64) * (term(part, share) + term(1.0 - part, 1.0 - share))).exp()
}

/// q-values in the order of the p-values given: the least false discovery rate at which each is a finding.
/// Benjamini and Hochberg, *Controlling the false discovery rate*, 1995.
pub fn benjamini_hochberg(chances: &[f64]) -> Vec<f64> {
    false_discovery_rates(&chances.iter().map(|p| (*p, 1.0)).collect::<Vec<_>>())
}

/// The same for conditions with more than one name, each given as (p-value, names). Every name is a test that was made,
/// but one finding: of the two ways to count, the one that invents less.
pub(super) fn false_discovery_rates(chances: &[(f64, f64)]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].0.total_cmp(&chances[*b].0));
    let tests: f64 = chances.iter().map(|(_, names)| names).sum();
    let mut q_values = vec![1.0; chances.len()];
    let mut least = 1.0f64;
    for (rank, i) in order.iter().enumerate().rev() {
        least = least.min(chances[*i].0 * tests / (rank + 1) as f64);
        q_values[*i] = least;
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_fishers_tea() {
        // Eight cups, four with milk first, all four named right: 1/70; three or more: 17/70.
        assert!((hypergeometric_tail(4, 4, 4, 8) - 1.0 / 70.0).abs() < 1e-12);
        assert!((hypergeometric_tail(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-12);
        assert_eq!(hypergeometric_tail(0, 4, 4, 8), 1.0);
        assert_eq!(hypergeometric_tail(5, 4, 4, 8), 0.0);
        assert_eq!(hypergeometric_tail(0, 0, 0, 0), 1.0);
    }

    #[test]
    fn large_counts_keep_their_digits() {
        let p = hypergeometric_tail(60, 1_000_000, 60, 4_000_000);
        assert!(p > 0.0 && (p.ln() - 60.0 * 0.25f64.ln()).abs() < 0.01, "{p}");
    }

    #[test]
    fn a_second_name_is_a_test_and_no_finding() {
        assert_eq!(false_discovery_rates(&[(0.01, 2.0), (0.03, 1.0)]), [0.03, 0.045]);
    }

    #[test]
    fn q_values_follow_the_ranks() {
        let q = benjamini_hochberg(&[0.04, 0.01, 0.03, 0.02]);
        assert!(q.iter().all(|q| (q - 0.04).abs() < 1e-12), "{q:?}");
        assert_eq!(benjamini_hochberg(&[]), Vec::<f64>::new());
        assert_eq!(benjamini_hochberg(&[1.0, 0.001])[1], 0.002);
    }
}
