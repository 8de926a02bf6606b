//! Oldest to newest.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::version::{Version, build_number, split_name};
use crate::model::{Release, Timestamp};

/// Sorts from oldest to newest.
///
/// Within one package, releases that have versions follow their versions, whenever each was first seen: a late event
/// of an old release doesn't make it newer. Builds of one version (`1.0.0+144150`) follow their numbers where all of
/// them have numbers, as app stores have it; hashes there say nothing. Everything else follows the time it was first seen: hashes, and releases
/// of different packages among each other. Both together can contradict each other (`a@1` seen after `a@2`, a hash
/// between), so a release counts as seen no later than any higher version of its package. That makes the order total.
pub fn sort_releases(releases: &mut [Release]) {
    let mut keyed: Vec<(Key, usize)> = keys(releases).into_iter().enumerate().map(|(i, key)| (key, i)).collect();
    keyed.sort_by(|one, other| one.0.cmp(&other.0));
    let sorted: Vec<Release> = keyed.iter().map(|(_, i)| releases[*i].clone()).collect();
    for (place, release) in releases.iter_mut().zip(sorted) {
        *place = release;
    }
}

/// What a release is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    seen: Timestamp,
    package: String,
    version: Option<Version>,
    build: Option<Vec<u128>>,
    own_seen: Timestamp,
    name: String,
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.seen
            .cmp(&other.seen)
            .then_with(|| self.package.cmp(&other.package))
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| self.build.cmp(&other.build))
            .then_with(|| self.own_seen.cmp(&other.own_seen))
            .then_with(|| self.name.cmp(&other.name))
    }
}

fn keys(releases: &[Release]) -> Vec<Key> {
    let mut keys: Vec<Key> = releases.iter().map(key).collect();
    let mut by_package: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, key) in keys.iter().enumerate().filter(|(_, key)| key.version.is_some()) {
        by_package.entry(key.package.clone()).or_default().push(i);
    }
    for mut members in by_package.into_values() {
        drop_mixed_builds(&mut keys, &members, releases);
        let by_version = |a: &Key, b: &Key| a.version.cmp(&b.version).then_with(|| a.build.cmp(&b.build));
        members.sort_by(|a, b| by_version(&keys[*a], &keys[*b]).then_with(|| keys[*a].cmp(&keys[*b])));
        let mut earliest = Timestamp::MAX;
        for i in members.into_iter().rev() {
            earliest = earliest.min(keys[i].seen);
            keys[i].seen = earliest;
        }
    }
    keys
}

/// Builds of a version of which one has no number are not ordered by number: a hash may be newer.
fn drop_mixed_builds(keys: &mut [Key], members: &[usize], releases: &[Release]) {
    let named = |i: &&usize| releases[**i].version.raw().contains('+') && keys[**i].build.is_none();
    let mixed: Vec<Option<Version>> = members.iter().filter(named).map(|i| keys[*i].version.clone()).collect();
    for i in members {
        if mixed.contains(&keys[*i].version) {
            keys[*i].build = None;
        }
    }
}

fn key(release: &Release) -> Key {
    let name = release.version.raw();
    let (package, version) = split_name(name);
    Key {
        seen: release.first_seen,
        package: package.to_owned(),
        version: Version::parse(version),
        build: build_number(version),
        own_seen: release.first_seen,
        name: name.to_owned(),
    }
}

/// That release and those after it.
pub fn since(releases: &[Release], index: usize) -> &[Release] {
    releases.get(index..).unwrap_or(&[])
}

/// Those before it.
pub fn before(releases: &[Release], index: usize) -> &[Release] {
    releases.get(..index).unwrap_or(releases)
}
