//! Exact tails of the binomial.

/// The chance of `hits` or more out of `all`, each with the chance `share`.
pub(super) fn upper_tail(hits: u64, all: u64, share: f64) -> f64 {
    if hits == 0 || share >= 1.0 {
        return 1.0;
    }
    if share <= 0.0 || hits > all {
        return 0.0;
    }
    if hits as f64 <= all as f64 * share {
        // At or below the mean: no growth, and the sum would be long.
        return 1.0;
    }
    let mut term = (ln_choose(all, hits) + hits as f64 * share.ln() + (all - hits) as f64 * (-share).ln_1p()).exp();
    let odds = share / (1.0 - share);
    let mut sum = 0.0;
    for k in hits..=all {
        sum += term;
        term *= odds * (all - k) as f64 / (k + 1) as f64;
        if term < sum * 1e-12 {
            break;
        }
    }
    sum.min(1.0)
}

fn ln_choose(all: u64, of: u64) -> f64 {
    ln_factorial(all) - ln_factorial(of) - ln_factorial(all - of)
}

/// Exact sums for small numbers, Stirling's series beyond.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let n = n as f64;
    n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::upper_tail;

    #[test]
    fn tails_agree_with_counting() {
        // Three or four heads of four: 5/16; all of ten sixes: 6^-10; 60 or more heads of 100.
        for (hits, all, share, want) in
            [(3, 4, 0.5, 5.0 / 16.0), (10, 10, 1.0 / 6.0, 6f64.powi(-10)), (60, 100, 0.5, 0.028_443_966_820_490_395)]
        {
            let got = upper_tail(hits, all, share);
            assert!((got / want - 1.0).abs() < 1e-9, "{got} {want}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_tail_is_a_chance_and_falls_with_more_hits(all in 0u64..5000, hits in 0u64..5000, share in 0f64..1.0) {
            let (here, next) = (upper_tail(hits, all, share), upper_tail(hits + 1, all, share));
            proptest::prop_assert!((0.0..=1.0).contains(&here) && next <= here + 1e-9);
        }
    }
}
