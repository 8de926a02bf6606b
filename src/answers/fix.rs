//! What every store of our own does alike for the history around a fix: sides of releases, limits, what is said of sampling.
//! It uses `release`.
//! It never judges.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use super::{cell::DayCount, releases::ReleaseRow, time::moment};
use crate::{
    model::{Event, FixRelease, Likeness, Release, Side},
    release::sides,
    store::FixQuery,
};

/// Hours of the last day, for who runs what.
pub(crate) const PRESENT_H: i64 = 24;
/// Newest events on the new side that are named.
pub(crate) const RECURRENCES: usize = 5;
/// Share of the affected users who must have a condition; who decides asks for more.
pub(crate) const SHARED: f64 = 0.9;
/// Fewer affected users show no condition.
pub(crate) const LEAST_USERS: u64 = 8;
/// Most conditions that are handed over.
pub(crate) const MOST_CONDITIONS: usize = 16;
/// Most issues whose stacks are compared with that of the issue, those with most events first.
pub(crate) const MOST_CANDIDATES: usize = 40;
/// Tags that belong to the issue itself or to the release, not to its users, beside those that are no condition anywhere.
pub(crate) const OF_THE_ISSUE: [&str; 2] = ["mechanism", "app.version"];
/// From which factor on between the sides a change of sampling is said.
const RESAMPLED: f64 = 1.25;

/// The releases of the issue's project, by place; the last stands for signal without a release.
pub(crate) struct Sided {
    pub(crate) ids: Vec<u32>,
    pub(crate) list: Vec<FixRelease>,
    places: HashMap<u32, usize>,
    pub(crate) asked: Option<usize>,
}

impl Sided {
    /// Of releases in their order, and the history of the issue, up to `hi`.
    pub(crate) fn new(query: &FixQuery, known: &[ReleaseRow], cells: &[DayCount], hi: i64) -> Self {
        let release = |row: &ReleaseRow| Release {
            version: row.version.as_str().into(),
            first_seen: moment(row.first),
            last_seen: moment(row.last.min(hi)),
            deploys: Vec::new(),
        };
        let releases: Vec<Release> = known.iter().map(release).collect();
        let hit: HashSet<u32> = cells.iter().map(|cell| cell.rel).collect();
        let hit: Vec<bool> = known.iter().map(|row| hit.contains(&row.id)).collect();
        let found = sides(&query.release, &releases, &hit);
        let side = |(release, side): (Release, Side)| FixRelease { version: release.version, side };
        let mut list: Vec<FixRelease> = releases.into_iter().zip(found.sides).map(side).collect();
        list.push(FixRelease { version: "".into(), side: Side::Neither });
        let ids: Vec<u32> = known.iter().map(|row| row.id).chain([0]).collect();
        let places = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        Self { ids, list, places, asked: found.asked }
    }

    pub(crate) fn place(&self, rel: u32) -> Option<usize> {
        self.places.get(&rel).copied()
    }

    pub(crate) fn side(&self, rel: u32) -> Side {
        self.place(rel).map_or(Side::Neither, |place| self.list[place].side)
    }

    /// The numbers of the releases of a side.
    pub(crate) fn of(&self, side: Side) -> RoaringBitmap {
        let of_side = self.ids.iter().zip(&self.list).filter(|(_, release)| release.side == side);
        of_side.map(|(id, _)| *id).collect()
    }
}

/// What an event says of its issue.
pub(crate) fn likeness_of(event: Event) -> Likeness {
    let frames = event.exceptions.iter().flat_map(|exception| &exception.frames);
    let first = event.exceptions.first();
    Likeness {
        functions: frames.filter(|frame| frame.in_app).filter_map(|frame| frame.function.clone()).collect(),
        ty: first.and_then(|exception| exception.ty.clone()),
        value: first.and_then(|exception| exception.value.clone()).or(event.message),
        transaction: event.transaction,
    }
}

/// What is to be said of each side's requests, and how many they stand for.
pub(crate) fn said_of_sampling([before, after]: [(f64, f64); 2]) -> Vec<&'static str> {
    if before.0 == 0.0 || after.0 == 0.0 {
        return Vec::new();
    }
    let times = (after.1 / after.0) / (before.1 / before.0);
    match times {
        _ if times > RESAMPLED => vec![
            "requests of the release with the fix are sampled more thinly than before: errors may be missing for that alone",
        ],
        _ if times < 1.0 / RESAMPLED => {
            vec![
                "requests of the release with the fix are sampled less thinly than before: users before are undercounted",
            ]
        }
        _ => Vec::new(),
    }
}
