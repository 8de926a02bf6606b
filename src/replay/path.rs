//! The way that users took to an error, and what the ways of several have in common.
//! It uses the step model.
//! It never compares texts that one recording masks and another doesn't, where something better names the element.

use super::{Action, Replay, Step, Target};

/// Longest path compared, in steps: those nearest to the error.
const LONGEST: usize = 60;

/// A user's step, as one that others took too can be known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// Number of the step.
    pub n: u32,
    /// Equal for equal steps.
    key: String,
}

/// The user's steps up to a moment, in milliseconds after the replay's start.
pub fn path(replay: &Replay, until_ms: i64) -> Vec<PathStep> {
    let steps = replay.steps.iter().filter(|step| step.at_ms <= until_ms);
    let ways: Vec<PathStep> = steps.filter_map(|step| Some(PathStep { n: step.n, key: key(step)? })).collect();
    let cut = ways.len().saturating_sub(LONGEST);
    ways[cut..].to_vec()
}

/// What makes a step the same as another user's; `None` for what says little: scrolling, resizing, requests.
fn key(step: &Step) -> Option<String> {
    let target = || step.target.as_ref().map(name).unwrap_or_default();
    Some(match &step.action {
        Action::Click(_) => ["click ", &target()].concat(),
        Action::Drag(_) => ["drag ", &target()].concat(),
        Action::Input(_) => ["input ", &target()].concat(),
        Action::Key(key) => ["key ", key.key.raw()].concat(),
        Action::Navigate(navigation) if navigation.caused_by.is_none() => ["go ", &route(navigation.to.raw())].concat(),
        _ => return None,
    })
}

/// What names an element in every user's page.
fn name(target: &Target) -> String {
    let text = |shared: &Option<super::Shared>| shared.as_ref().map(|shared| shared.text.raw().to_owned());
    let by_build = text(&target.test_id).or_else(|| text(&target.name_attribute));
    let by_id = || text(&target.id).filter(|id| !id.bytes().any(|b| b.is_ascii_digit()));
    by_build.or_else(by_id).unwrap_or_else(|| without_places(target.css.raw()))
}

/// A selector without places among siblings and values of data: those differ from user to user.
fn without_places(css: &str) -> String {
    let mut out = String::new();
    let mut rest = css;
    while !rest.is_empty() {
        let (place, test) = (rest.find(":nth-of-type("), rest.find("[data-"));
        let (at, end) = match (place, test) {
            (Some(place), test) if test.is_none_or(|test| place < test) => (place, ")"),
            (_, Some(test)) => (test, "\"]"),
            _ => break,
        };
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once(end).map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

/// The route of an address: its path, with what looks like an id left open.
fn route(url: &str) -> String {
    let path = url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned());
    let parts = path.split('/').map(|part| if part.bytes().any(|b| b.is_ascii_digit()) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// What most of the others did too.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Common {
    /// Numbers of the steps of the first that at least half of the others have in the same order.
    pub steps: Vec<u32>,
    /// How many of the others have all of these.
    pub same: usize,
}

/// Compares one path with others.
pub fn common(first: &[PathStep], others: &[Vec<PathStep>]) -> Common {
    let matched: Vec<Vec<bool>> = others.iter().map(|other| shared(first, other)).collect();
    let half = others.len().div_ceil(2);
    let kept: Vec<usize> =
        (0..first.len()).filter(|at| half > 0 && matched.iter().filter(|m| m[*at]).count() >= half).collect();
    let same = matched.iter().filter(|m| !kept.is_empty() && kept.iter().all(|at| m[*at])).count();
    Common { steps: kept.into_iter().map(|at| first[at].n).collect(), same }
}

/// Which steps of the first are in the longest sequence that both have.
fn shared(a: &[PathStep], b: &[PathStep]) -> Vec<bool> {
    let mut best = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i][j] = if a[i].key == b[j].key { best[i + 1][j + 1] + 1 } else { best[i + 1][j].max(best[i][j + 1]) };
        }
    }
    let mut shared = vec![false; a.len()];
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i].key == b[j].key {
            shared[i] = true;
            (i, j) = (i + 1, j + 1);
        } else if best[i + 1][j] >= best[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(keys: &str) -> Vec<PathStep> {
        keys.chars().zip(1..).map(|(key, n)| PathStep { n, key: key.to_string() }).collect()
    }

    #[test]
    fn what_most_did_in_the_same_order_is_common() {
        let common = common(&ways("abcde"), &[ways("abxde"), ways("bde"), ways("zzz")]);
        assert_eq!(common, Common { steps: vec![2, 4, 5], same: 2 });
        assert_eq!(super::common(&ways("ab"), &[]), Common::default());
    }

    #[test]
    fn places_and_data_say_nothing_of_an_element() {
        assert_eq!(without_places("ul#list > li:nth-of-type(3) > b[data-x=\"4\"].y"), "ul#list > li > b.y");
        assert_eq!(route("https://shop.test/item/42?x=1"), "/item/*");
    }
}
