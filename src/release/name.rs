//! What somebody means by a release's name.

use super::version::{Version, split_name};
use crate::model::{Release, Untrusted};

/// How many near names are offered.
const NEAR: usize = 5;

/// Nobody has seen such a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The nearest names that exist, best first, five at most.
    pub near: Vec<Untrusted>,
}

/// A release that was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Where it stands in the list that was given.
    pub index: usize,
    /// Releases of other packages that the same words fit; the one that was seen last was taken.
    pub others: Vec<Untrusted>,
}

/// Finds the release among `releases`, which run from oldest to newest.
///
/// In this order: the whole name; `latest` and `previous` (the one before it, of its package where it has one); the
/// version alone; the beginning of a version, which means the first release of it that is not a pre-release (`v2.3`:
/// `2.3.0`), else its first pre-release; the beginning of a hash, seven digits or more. Where several packages fit,
/// the one seen last is taken.
///
/// # Errors
/// [`Unresolved`] when nothing fits.
pub fn resolve(asked: &Untrusted, releases: &[Release]) -> Result<Resolved, Unresolved> {
    let asked = asked.raw().trim();
    let whole = releases
        .iter()
        .position(|r| r.version.raw() == asked)
        .or_else(|| by_quoted(asked, releases))
        .or_else(|| by_long_name(asked, releases));
    let alias = || match asked.to_ascii_lowercase().as_str() {
        "latest" => releases.len().checked_sub(1),
        "previous" => previous(releases),
        _ => None,
    };
    if let Some(index) = whole.or_else(alias) {
        return Ok(Resolved { index, others: Vec::new() });
    }
    let found =
        [by_version, by_prefix, by_hash].iter().find_map(|search| newest_package(search(asked, releases), releases));
    found.ok_or_else(|| Unresolved { near: near(asked, releases) })
}

/// Quotes around a name are a script's, or the caller's.
fn by_quoted(asked: &str, releases: &[Release]) -> Option<usize> {
    let bare = |text: &str| text.trim_matches(['"', '\'']).to_owned();
    let wanted = bare(asked);
    releases.iter().position(|r| bare(r.version.raw()) == wanted)
}

/// A name of more than two hundred characters is kept with a digest in place of its end.
fn by_long_name(asked: &str, releases: &[Release]) -> Option<usize> {
    let begins = |release: &Release| {
        let kept = release.version.raw().rsplit_once('~').map(|(kept, _)| kept);
        asked.chars().count() > 200 && kept.is_some_and(|kept| kept.chars().count() > 150 && asked.starts_with(kept))
    };
    let mut found = (0..releases.len()).filter(|i| begins(&releases[*i]));
    found.next().filter(|_| found.next().is_none())
}

/// The release before the newest: of the same package, if the newest has one with other releases.
fn previous(releases: &[Release]) -> Option<usize> {
    let (newest, rest) = releases.split_last()?;
    let package = split_name(newest.version.raw()).0;
    let same = rest.iter().rposition(|r| split_name(r.version.raw()).0 == package);
    same.or_else(|| rest.len().checked_sub(1))
}

/// The asked package fits the release's, or none was asked for.
fn of_package(asked: &str, release: &Release) -> bool {
    asked.is_empty() || split_name(release.version.raw()).0.eq_ignore_ascii_case(asked)
}

fn version_of(release: &Release) -> Option<Version> {
    Version::parse(split_name(release.version.raw()).1)
}

fn by_version(asked: &str, releases: &[Release]) -> Vec<usize> {
    let (package, version) = split_name(asked);
    let parsed = Version::parse(version);
    let fits = |release: &Release| {
        let (_, own) = split_name(release.version.raw());
        let same = own.eq_ignore_ascii_case(version) || (parsed.is_some() && Version::parse(own) == parsed);
        same && of_package(package, release)
    };
    (0..releases.len()).filter(|i| fits(&releases[*i])).collect()
}

/// For each package, the first release of the version's beginning.
fn by_prefix(asked: &str, releases: &[Release]) -> Vec<usize> {
    let (package, version) = split_name(asked);
    let Some(prefix) = Version::parse_prefix(version) else { return Vec::new() };
    let mut found: Vec<(usize, Version)> = releases
        .iter()
        .enumerate()
        .filter(|(_, release)| of_package(package, release))
        .filter_map(|(i, release)| version_of(release).map(|version| (i, version)))
        .filter(|(_, version)| prefix.is_prefix_of(version))
        .collect();
    found.sort_by(|one, other| one.1.is_pre().cmp(&other.1.is_pre()).then_with(|| one.1.cmp(&other.1)));
    let mut seen: Vec<&str> = Vec::new();
    found.retain(|(i, _)| {
        let package = split_name(releases[*i].version.raw()).0;
        let first = !seen.contains(&package);
        seen.push(package);
        first
    });
    found.into_iter().map(|(i, _)| i).collect()
}

fn by_hash(asked: &str, releases: &[Release]) -> Vec<usize> {
    let (package, hash) = split_name(asked);
    if hash.len() < 7 || !hash.chars().all(|c| c.is_ascii_hexdigit()) {
        return Vec::new();
    }
    let hash = hash.to_ascii_lowercase();
    let fits =
        |r: &Release| split_name(r.version.raw()).1.to_ascii_lowercase().starts_with(&hash) && of_package(package, r);
    (0..releases.len()).filter(|i| fits(&releases[*i])).collect()
}

/// Of several candidates the one seen last. Equal in time: the later in the order.
fn newest_package(found: Vec<usize>, releases: &[Release]) -> Option<Resolved> {
    let index = *found.iter().max_by_key(|i| (releases[**i].last_seen, **i))?;
    let others = found.iter().filter(|i| **i != index).map(|i| releases[*i].version.clone()).collect();
    Some(Resolved { index, others })
}

/// Nearest release names; a version alone is near to the version in a name.
fn near(asked: &str, releases: &[Release]) -> Vec<Untrusted> {
    let names: Vec<Untrusted> = releases.iter().map(|r| r.version.clone()).collect();
    nearest(&asked.into(), &names)
}

/// The names nearest to one that does not exist, best first, five at most; of equally near ones the later in the list.
pub fn nearest(asked: &Untrusted, names: &[Untrusted]) -> Vec<Untrusted> {
    let lower = |text: &str| text.chars().take(60).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let wanted = lower(asked.raw());
    let mut ranked: Vec<(usize, std::cmp::Reverse<usize>)> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let whole = distance(&wanted, &lower(name.raw()));
            (whole.min(distance(&wanted, &lower(split_name(name.raw()).1))), std::cmp::Reverse(i))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(NEAR).map(|(_, i)| names[i.0].clone()).collect()
}

/// How many characters have to change.
fn distance(one: &Vec<char>, other: &Vec<char>) -> usize {
    strsim::generic_levenshtein::<Vec<char>, Vec<char>, &char, &char>(one, other)
}
