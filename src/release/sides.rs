//! Which releases have a fix, and which are a fair control.

use super::{
    name::resolve,
    version::{Version, build_number, split_name},
};
use crate::model::{Release, Side, Untrusted};

/// The sides of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Place of the release that was asked for; `None` where nobody has seen it.
    pub asked: Option<usize>,
    /// The side of each release.
    pub sides: Vec<Side>,
}

/// Sorts releases, which run from oldest to newest, into those that have the fix first shipped in `asked`, those that
/// are a fair control, and others. `hit` tells for each whether the bug was seen in it.
///
/// New: the release asked for and every later one of its package, and every build of the same version, but for builds
/// with a lower number than the one asked for. An asked version
/// that nobody has seen takes its place among the versions of its package: a fleet may skip it. Control: releases of
/// the package before it, from the first on that has the bug. Pre-releases of the asked version may have the fix or
/// not: they are neither.
pub fn sides(asked: &Untrusted, releases: &[Release], hit: &[bool]) -> Sides {
    let found = match resolve(asked, releases) {
        Ok(found) if !only_pre_releases(asked, &releases[found.index]) => Some(found.index),
        _ => None,
    };
    let (package, version) = match found {
        Some(index) => name_of(&releases[index]),
        None => wanted(asked, releases, hit),
    };
    let of_package = |release: &Release| name_of(release).0 == package;
    let older_build = |index: usize| {
        let own = &releases[index];
        let same = name_of(own).1.is_some_and(|own| Some(own) == version) && of_package(own);
        let (own, asked) = (build_of(own.version.raw()), found.and_then(|at| build_of(releases[at].version.raw())));
        same && matches!((own, asked), (Some(own), Some(asked)) if own < asked)
    };
    let older = |index: usize| match (found, &version, name_of(&releases[index]).1) {
        _ if older_build(index) => true,
        // A hotfix of the old line comes later and has no fix.
        (_, Some(asked), Some(own)) if of_package(&releases[index]) => own < *asked,
        (Some(found), _, _) => index < found,
        (None, _, _) => true,
    };
    let any_of_package = (0..releases.len()).any(|i| of_package(&releases[i]) && older(i));
    let relevant = |index: usize| !any_of_package || of_package(&releases[index]);
    let mut sides = vec![Side::Neither; releases.len()];
    let mut bug = false;
    let bug_known = (0..releases.len()).any(|i| hit.get(i) == Some(&true) && relevant(i) && older(i));
    for (index, side) in sides.iter_mut().enumerate().filter(|(index, _)| relevant(*index)) {
        let same_core = match (&version, name_of(&releases[index]).1) {
            (Some(asked), Some(own)) => own.same_core(asked) && !asked.is_pre() && !older_build(index),
            _ => false,
        };
        bug |= hit.get(index) == Some(&true);
        *side = match (older(index), same_core) {
            (false, _) => Side::New,
            (true, true) if name_of(&releases[index]).1.is_some_and(|own| !own.is_pre()) => Side::New,
            (true, true) => Side::Neither,
            (true, false) if bug || !bug_known => Side::Control,
            (true, false) => Side::Neither,
        };
    }
    if found.is_none() && version.is_none() {
        sides.iter_mut().filter(|side| **side == Side::New).for_each(|side| *side = Side::Control);
    }
    Sides { asked: found, sides }
}

/// A whole version was asked for, and only pre-releases of it were seen: it was not.
fn only_pre_releases(asked: &Untrusted, found: &Release) -> bool {
    let asked = Version::parse(split_name(asked.raw().trim()).1);
    match (asked, name_of(found).1) {
        (Some(asked), Some(found)) => asked.is_whole() && !asked.is_pre() && found.is_pre(),
        _ => false,
    }
}

fn name_of(release: &Release) -> (String, Option<Version>) {
    let (package, version) = split_name(release.version.raw());
    (package.to_owned(), Version::parse(version))
}

fn build_of(name: &str) -> Option<Vec<u128>> {
    build_number(split_name(name).1)
}

/// Package and version of a release that nobody has seen; without a package, that of the newest release with the bug.
fn wanted(asked: &Untrusted, releases: &[Release], hit: &[bool]) -> (String, Option<Version>) {
    let (package, version) = split_name(asked.raw().trim());
    let version = Version::parse(version);
    if !package.is_empty() {
        return (package.to_owned(), version);
    }
    let newest = releases.iter().zip(hit).rev().find(|(_, hit)| **hit).map(|(release, _)| release);
    let package = newest.or(releases.last()).map(|release| name_of(release).0);
    (package.unwrap_or_default(), version)
}
