//! How alike two issues are.

use std::collections::BTreeSet;

use crate::model::{Likeness, Untrusted};

/// From here on one may be the other under a new name.
pub const ALIKE: f64 = 0.5;

/// Similarity, 0 to 1: functions 0.6, transaction 0.2, type 0.1, words of the text 0.1.
pub fn similarity(one: &Likeness, other: &Likeness) -> f64 {
    let functions = |of: &Likeness| -> BTreeSet<String> { of.functions.iter().map(|f| f.raw().to_owned()).collect() };
    let same = |a: &Option<Untrusted>, b: &Option<Untrusted>| match (a, b) {
        (Some(a), Some(b)) if a == b => 1.0,
        _ => 0.0,
    };
    0.6 * jaccard(&functions(one), &functions(other))
        + 0.2 * same(&one.transaction, &other.transaction)
        + 0.1 * same(&one.ty, &other.ty)
        + 0.1 * jaccard(&words(one), &words(other))
}

/// Words of three letters and more, in lower case.
fn words(of: &Likeness) -> BTreeSet<String> {
    let text = of.value.as_ref().map_or("", Untrusted::raw);
    let parts = text.split(|c: char| !c.is_alphabetic());
    parts.filter(|word| word.chars().count() >= 3).map(str::to_lowercase).collect()
}

fn jaccard(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count();
    let all = one.len() + other.len() - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}
