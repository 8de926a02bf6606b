//! The commit that a release was built from.

use std::collections::BTreeMap;

use super::{Oid, git::Git};
use crate::{
    model::Untrusted,
    release::{Version, split_name},
};

/// Announced commits that are looked at.
const TOLD: usize = 50;
/// Digits from which a part of a version may be the beginning of a hash.
const HASH: usize = 7;
/// Words before a version in tags.
const WORDS: [&str; 4] = ["release", "releases", "version", "ver"];

/// A release, and the commits that were announced to be in it, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedRelease {
    /// Its whole name.
    pub version: Untrusted,
    /// Hashes of commits.
    pub told: Vec<Untrusted>,
}

/// By what the commit of a release was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// Commits that were announced with the release.
    Announced,
    /// A tag.
    Tag,
    /// The name of the release has the hash.
    Name,
}

/// The commit: the last of those announced, else the one that a tag or the name itself names.
pub(super) async fn commit_of(
    git: &Git,
    tags: &BTreeMap<String, Oid>,
    release: &NamedRelease,
) -> Option<(Oid, ToldBy)> {
    if let Some(commit) = last(git, &release.told).await {
        return Some((commit, ToldBy::Announced));
    }
    if let Some(tag) = tag_of(tags, release.version.raw())
        && let Some(commit) = commit(git, tag.as_str()).await
    {
        return Some((commit, ToldBy::Tag));
    }
    for hash in hashes(release.version.raw()) {
        if let Some(commit) = commit(git, &hash).await {
            return Some((commit, ToldBy::Name));
        }
    }
    None
}

/// Of announced commits the one from which all others are reached.
async fn last(git: &Git, told: &[Untrusted]) -> Option<Oid> {
    let mut known: Vec<Oid> = Vec::new();
    for hash in told.iter().take(TOLD).map(|hash| hash.raw().trim().to_ascii_lowercase()) {
        if is_hash(&hash)
            && let Some(commit) = commit(git, &hash).await
        {
            known.push(commit);
        }
    }
    if known.len() < 2 {
        return known.pop();
    }
    let words: Vec<&str> = ["merge-base", "--independent"].into_iter().chain(known.iter().map(Oid::as_str)).collect();
    let printed = git.ask(&words, 1 << 16).await?;
    let mut ends = std::str::from_utf8(&printed).ok()?.lines();
    let end = Oid::parse(ends.next()?)?;
    ends.next().is_none().then_some(end)
}

/// The commit that a hash or its beginning names; a tag's description leads to its commit.
async fn commit(git: &Git, hash: &str) -> Option<Oid> {
    let asked = format!("{hash}^{{commit}}");
    let printed = git.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &asked], 1 << 10).await?;
    Oid::parse(std::str::from_utf8(&printed).ok()?.trim())
}

fn is_hash(text: &str) -> bool {
    (HASH..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Parts of a release's name that may be a hash or its beginning: all of the version, or what stands after `+`, `-`, `-g`.
fn hashes(name: &str) -> Vec<String> {
    let version = split_name(name).1.to_ascii_lowercase();
    let parts = version.split(['+', '-', '.', '_']).rev().map(|part| part.strip_prefix('g').unwrap_or(part));
    std::iter::once(version.as_str()).chain(parts).filter(|part| is_hash(part)).map(str::to_owned).take(4).collect()
}

/// The tag of a release: of its whole name, else of its version with its package or none; a tag of another package is none.
fn tag_of<'t>(tags: &'t BTreeMap<String, Oid>, name: &str) -> Option<&'t Oid> {
    if let Some(tag) = tags.get(name) {
        return Some(tag);
    }
    let (package, version) = split_name(name);
    let wanted = Version::parse(version);
    let rank = |tag: &str| -> Option<u8> {
        let (own, said) = taken_apart(tag);
        let same = said == version || (wanted.is_some() && Version::parse(said) == wanted);
        // `@shop/api` of npm is `api` in many tags.
        let short = package.rsplit('/').next().unwrap_or(package);
        match own {
            _ if !same => None,
            own if own.eq_ignore_ascii_case(package) => Some(0),
            own if !short.is_empty() && own.eq_ignore_ascii_case(short) => Some(1),
            "" => Some(2),
            own if WORDS.iter().any(|word| own.eq_ignore_ascii_case(word)) => Some(3),
            _ => None,
        }
    };
    tags.iter().filter_map(|(tag, oid)| Some((rank(tag)?, oid))).min_by_key(|(rank, _)| *rank).map(|(_, oid)| oid)
}

/// `shop-v2.3.0`, `shop/2.3.0`, `shop@2.3.0`, `v2.3.0` → package and version, the `v` aside.
fn taken_apart(tag: &str) -> (&str, &str) {
    let starts = |at: usize| {
        let rest = &tag[at..];
        rest.strip_prefix(['v', 'V']).unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    };
    let places = std::iter::once(0).chain(tag.match_indices(['-', '/', '@', '_']).map(|(at, _)| at + 1));
    let Some(at) = places.into_iter().find(|at| starts(*at)) else { return (tag, "") };
    let version = &tag[at..];
    (tag[..at].trim_end_matches(['-', '/', '@', '_']), version.strip_prefix(['v', 'V']).unwrap_or(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tags: &[&str], name: &str) -> Option<usize> {
        let oid = |at: usize| Oid::parse(&format!("{at:040x}")).unwrap();
        let all = tags.iter().enumerate().map(|(at, tag)| ((*tag).to_owned(), oid(at))).collect();
        tag_of(&all, name).map(|found| (0..tags.len()).find(|at| oid(*at) == *found).unwrap())
    }

    #[test]
    fn tags_are_written_in_many_ways() {
        for tag in [
            "shop@2.3.0",
            "v2.3.0",
            "2.3.0",
            "shop-2.3.0",
            "shop-v2.3.0",
            "shop/v2.3.0",
            "release-2.3.0",
            "release/v2.3.0",
        ] {
            assert_eq!(found(&[tag, "v2.3.1", "other-v2.3.0"], "shop@2.3.0"), Some(0), "{tag}");
        }
        assert_eq!(found(&["api/v1.0.0"], "@shop/api@1.0.0"), Some(0));
    }

    #[test]
    fn the_own_package_goes_before_none_and_another_is_none() {
        assert_eq!(found(&["v2.3.0", "shop-v2.3.0"], "shop@2.3.0"), Some(1));
        assert_eq!(found(&["web-v2.3.0", "v2.3"], "shop@2.3.1"), None);
        assert_eq!(found(&["web-v2.3.0"], "shop@2.3.0"), None);
    }

    #[test]
    fn hashes_stand_in_names() {
        assert_eq!(hashes("shop@4fa2c91e"), ["4fa2c91e", "4fa2c91e"]);
        assert_eq!(hashes("shop@2.3.0-14-g4fa2c91"), ["4fa2c91"]);
        assert_eq!(hashes("2.3.0+4FA2C91"), ["4fa2c91"]);
        assert!(hashes("shop@2.3.0").is_empty() && hashes("--upload-pack=x").is_empty());
    }
}
