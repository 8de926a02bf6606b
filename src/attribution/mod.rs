//! What the affected have in common: shares of a value among them and among others, tested exactly.
//! It uses nothing else of the crate.
//! It never does IO, never makes sentences.

mod exact;

pub use exact::{benjamini_hochberg, hypergeometric_tail};

/// How common one value is among the affected and the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Of the affected, 0 to 1.
    pub share: f64,
    /// Of the baseline, 0 to 1; `None` without a baseline.
    pub baseline_share: Option<f64>,
    /// How many times as often as in the baseline; `None` where the baseline has none of it.
    pub lift: Option<f64>,
    /// Chance of at least such a share without a cause, corrected for all values tested (Benjamini and Hochberg, 1995).
    pub q_value: Option<f64>,
}

/// Shares of values, each given as users with it: (affected, baseline). `affected` and `baseline` are all users of
/// each side; one row a user, so that one who fails a hundred times counts once.
pub fn shares(values: &[(u64, u64)], affected: u64, baseline: u64) -> Vec<Share> {
    if baseline == 0 || affected == 0 {
        let share = |(k, _): &(u64, u64)| Share { share: ratio(*k, affected), ..Share::default() };
        return values.iter().map(share).collect();
    }
    let tail = |(k, b): &(u64, u64)| hypergeometric_tail(*k, k + b, affected, affected + baseline);
    let chances: Vec<f64> = values.iter().map(tail).collect();
    let corrected = benjamini_hochberg(&chances);
    let share = |((k, b), q): (&(u64, u64), f64)| {
        let (share, baseline_share) = (ratio(*k, affected), ratio(*b, baseline));
        let lift = (baseline_share > 0.0).then(|| share / baseline_share);
        Share { share, baseline_share: Some(baseline_share), lift, q_value: Some(q) }
    };
    values.iter().zip(corrected).map(share).collect()
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
