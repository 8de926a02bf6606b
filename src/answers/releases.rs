//! The releases of a scope, in their order.
//! It uses `release`.
//! It never orders by arrival.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    cell::DayCount,
    facts::Facts,
    near::not_found,
    pattern::{Pattern, allows},
    scope::ResolvedScope,
    time::moment,
};
use crate::{
    model::{Release, Untrusted},
    release::{Version, sort_releases, split_name},
    store::{Op, StoreError},
};

/// A release as the store numbers it.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseRow {
    pub(crate) id: u32,
    pub(crate) project: u64,
    pub(crate) version: String,
    /// First sign of life.
    pub(crate) first: i64,
    /// Last sign of life.
    pub(crate) last: i64,
}

impl ReleaseRow {
    /// Compares as versions where both have one and the package is the same or not named, else as texts.
    fn fits(&self, op: Op, asked: &str) -> bool {
        let ((package, version), (own_package, own_version)) = (split_name(asked), split_name(&self.version));
        if op == Op::Is {
            let pattern = Pattern::new(asked);
            return pattern.fits(&self.version) || (package.is_empty() && pattern.fits(own_version));
        }
        if !package.is_empty() && !package.eq_ignore_ascii_case(own_package) {
            return false;
        }
        match (Version::parse_prefix(version), Version::parse(own_version)) {
            (Some(asked), Some(own)) => allows(op, own.cmp(&asked)),
            _ => false,
        }
    }
}

/// The releases of the scope's projects, project by project, each oldest first.
#[derive(Debug, Default)]
pub(crate) struct Releases {
    pub(crate) list: Vec<ReleaseRow>,
    places: HashMap<u32, usize>,
    /// All numbers of each name.
    by_name: HashMap<String, Vec<u32>>,
    /// Numbers of names that came before, with the first of the name.
    doubles: HashMap<u32, u32>,
}

impl Releases {
    /// Where a release stands; higher is newer.
    pub(crate) fn place(&self, id: u32) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The first number of the same name: one release may be seen in several projects.
    pub(crate) fn one_of_name(&self, id: u32) -> u32 {
        self.doubles.get(&id).copied().unwrap_or(id)
    }

    /// Numbers whose name came before, with the first of the name.
    pub(crate) fn doubles(&self) -> &HashMap<u32, u32> {
        &self.doubles
    }

    /// All numbers of that name.
    pub(crate) fn all_of_name(&self, name: &str) -> Vec<u32> {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn name(&self, id: u32) -> Option<Untrusted> {
        self.place(id).map(|place| self.list[place].version.as_str().into())
    }

    /// The numbers of the releases whose whole name or version fits a condition.
    pub(crate) fn fitting(&self, op: Op, asked: &[Untrusted]) -> RoaringBitmap {
        let fits = |known: &ReleaseRow| asked.iter().any(|asked| known.fits(op, asked.raw()));
        self.list.iter().filter(|known| fits(known)).map(|known| known.id).collect()
    }

    /// The numbers of those names; a name may be one in several projects.
    pub(crate) fn named(&self, names: &[Untrusted]) -> Result<RoaringBitmap, StoreError> {
        let mut ids = RoaringBitmap::new();
        for name in names {
            match self.by_name.get(name.raw()) {
                Some(found) => ids.extend(found.iter().copied()),
                None => return Err(not_found("release", name, self.list.iter().map(|known| known.version.clone()))),
            }
        }
        Ok(ids)
    }
}

impl Releases {
    /// Number and name of the releases after one, up to and including another, project by project, newest first; those
    /// of the other alone where none is given.
    pub(crate) fn between(
        &self,
        after: Option<&Untrusted>,
        upto: &Untrusted,
    ) -> Result<Vec<(u32, String)>, StoreError> {
        for name in [upto].into_iter().chain(after) {
            self.named(std::slice::from_ref(name))?;
        }
        let mut wanted = Vec::new();
        for of_project in self.list.chunk_by(|a, b| a.project == b.project) {
            let place = |name: &Untrusted| of_project.iter().position(|known| known.version == name.raw());
            let Some(last) = place(upto) else { continue };
            let first = after.and_then(place).map_or(last, |after| after + 1);
            let between = of_project.get(first..=last).unwrap_or_default();
            wanted.extend(between.iter().rev().map(|known| (known.id, known.version.clone())));
        }
        Ok(wanted)
    }
}

/// Releases with a sign of life up to the scope's end.
pub(crate) fn known_releases(facts: &impl Facts, bounds: &ResolvedScope) -> Result<Releases, StoreError> {
    Ok(in_order(facts.release_rows(bounds)?))
}

/// Each project's releases in an order of their own: a version of one says nothing of another's.
fn in_order(mut found: Vec<ReleaseRow>) -> Releases {
    found.sort_by_key(|known| known.project);
    let mut list: Vec<ReleaseRow> = Vec::with_capacity(found.len());
    for of_project in found.chunk_by(|a, b| a.project == b.project) {
        let mut sorted: Vec<Release> = of_project.iter().map(release_of).collect();
        sort_releases(&mut sorted);
        let by_name: HashMap<&str, &ReleaseRow> =
            of_project.iter().map(|known| (known.version.as_str(), known)).collect();
        list.extend(
            sorted.iter().filter_map(|release| by_name.get(release.version.raw())).map(|known| (*known).clone()),
        );
    }
    let places = list.iter().enumerate().map(|(place, known)| (known.id, place)).collect();
    let (mut firsts, mut doubles) = (HashMap::new(), HashMap::new());
    for known in &list {
        let first = *firsts.entry(known.version.as_str()).or_insert(known.id);
        if first != known.id {
            doubles.insert(known.id, first);
        }
    }
    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    for known in &list {
        by_name.entry(known.version.clone()).or_default().push(known.id);
    }
    Releases { places, by_name, doubles, list }
}

fn release_of(known: &ReleaseRow) -> Release {
    Release {
        version: known.version.as_str().into(),
        first_seen: moment(known.first),
        last_seen: moment(known.last),
        deploys: Vec::new(),
    }
}

/// The first and the last release of a history, by release order.
pub(crate) fn first_and_last(history: &[DayCount], releases: &Releases) -> (Option<u32>, Option<u32>) {
    let mut seen: Vec<(usize, u32)> =
        history.iter().filter_map(|cell| releases.place(cell.rel).map(|place| (place, cell.rel))).collect();
    seen.sort_unstable();
    (seen.first().map(|(_, id)| *id), seen.last().map(|(_, id)| *id))
}
