//! The nearest names that exist, for whoever named what doesn't.
//! It uses `model` alone.
//! It never offers more than five.

use crate::{model::Untrusted, store::StoreError};

/// How many names are offered.
const MOST: usize = 5;
/// Longer names are compared by their beginnings: the cost grows with the square.
const LONGEST: usize = 64;

/// There is no such `what`; these are the nearest names.
pub(crate) fn not_found(what: &'static str, asked: &Untrusted, names: impl IntoIterator<Item = String>) -> StoreError {
    let wanted = folded(asked.raw());
    let mut ranked: Vec<(usize, String)> =
        names.into_iter().map(|name| (distance(&wanted, &folded(&name)), name)).collect();
    ranked.sort();
    ranked.dedup();
    let near = ranked.into_iter().take(MOST).map(|(_, name)| name.into()).collect();
    StoreError::NotFound { what, asked: asked.clone(), near }
}

fn folded(name: &str) -> Vec<char> {
    name.chars().take(LONGEST).flat_map(char::to_lowercase).collect()
}

/// How many characters have to change; less where one contains the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let contained = |a: &[char], b: &[char]| a.len() >= 2 && b.windows(a.len()).any(|part| part == a);
    if contained(one, other) || contained(other, one) {
        return one.len().abs_diff(other.len()).min(1);
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_five_at_most() {
        let names = ["shop", "shop-eu", "billing", "docs", "web", "api", "mail"].map(str::to_owned);
        let StoreError::NotFound { near, .. } = not_found("project", &"shp".into(), names) else { panic!() };
        assert_eq!(near.len(), 5);
        assert_eq!(near[0].raw(), "shop");
    }
}
