//! The slow and plain way to the same numbers: one list of events, counted anew for each question.

use std::collections::{BTreeMap, BTreeSet};

use prodsignal::{
    model::{Release, Timestamp},
    release::sort_releases,
};

use crate::world::Hit;

/// A part of a history.
#[derive(Clone, Debug)]
pub struct Part {
    pub project: Option<&'static str>,
    pub environment: Option<String>,
    pub start: Option<Timestamp>,
    pub end: Timestamp,
    pub since: Option<Vec<String>>,
}

/// Numbers of one issue.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub events: u64,
    pub users: u64,
    pub replays: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub first_release: Option<String>,
    pub last_release: Option<String>,
    pub environments: Vec<String>,
    pub unhandled: bool,
}

impl Part {
    /// Whether the event is of the part's projects and environment and not after its end.
    pub fn known(&self, hit: &Hit) -> bool {
        self.project.is_none_or(|project| project == hit.project)
            && self.environment.as_ref().is_none_or(|wanted| hit.environment.as_ref() == Some(wanted))
            && hit.at <= self.end
    }

    pub fn of_releases(&self, hit: &Hit) -> bool {
        self.since.as_ref().is_none_or(|since| hit.release.as_ref().is_some_and(|release| since.contains(release)))
    }

    pub fn in_period(&self, hit: &Hit) -> bool {
        self.known(hit) && self.start.is_none_or(|start| hit.at >= start)
    }

    pub fn counts(&self, hit: &Hit) -> bool {
        self.in_period(hit) && self.of_releases(hit)
    }
}

/// Each id once: the first that was stored.
pub fn distinct(hits: &[Hit]) -> Vec<Hit> {
    let mut seen = BTreeSet::new();
    hits.iter().filter(|hit| seen.insert((hit.project, hit.id))).cloned().collect()
}

/// Releases of a project, oldest first.
pub fn ordered(hits: &[Hit], project: &str, end: Timestamp) -> Vec<String> {
    let mut firsts: BTreeMap<&str, (Timestamp, Timestamp)> = BTreeMap::new();
    for hit in hits.iter().filter(|hit| hit.project == project) {
        if let Some(release) = &hit.release {
            let seen = firsts.entry(release).or_insert((hit.at, hit.at));
            *seen = (seen.0.min(hit.at), seen.1.max(hit.at));
        }
    }
    let mut releases: Vec<Release> = firsts
        .into_iter()
        .filter(|(_, (first, _))| *first <= end)
        .map(|(version, (first_seen, last_seen))| Release {
            version: version.into(),
            first_seen,
            last_seen,
            deploys: Vec::new(),
        })
        .collect();
    sort_releases(&mut releases);
    releases.into_iter().map(|release| release.version.into_raw()).collect()
}

pub fn users<'h>(hits: impl IntoIterator<Item = &'h Hit>) -> u64 {
    hits.into_iter().filter_map(|hit| hit.user).collect::<BTreeSet<_>>().len() as u64
}

/// The issues of a part, by project and name.
pub fn issues(hits: &[Hit], part: &Part) -> BTreeMap<(&'static str, String), Facts> {
    let mut names: BTreeSet<(&'static str, String)> = BTreeSet::new();
    names.extend(hits.iter().filter(|hit| part.counts(hit)).map(|hit| (hit.project, hit.issue.clone())));
    names.into_iter().map(|(project, issue)| ((project, issue.clone()), facts(hits, part, project, &issue))).collect()
}

pub fn facts(hits: &[Hit], part: &Part, project: &str, issue: &str) -> Facts {
    let own = || hits.iter().filter(|hit| hit.project == project && hit.issue == issue && part.known(hit));
    let counted = || own().filter(|hit| part.counts(hit));
    let order = ordered(hits, project, part.end);
    let mut places: Vec<usize> =
        own().filter_map(|hit| order.iter().position(|name| Some(name) == hit.release.as_ref())).collect();
    places.sort_unstable();
    let environments: BTreeSet<String> = own().filter_map(|hit| hit.environment.clone()).collect();
    Facts {
        events: counted().count() as u64,
        users: users(counted()),
        replays: counted().filter(|hit| hit.replay).count() as u64,
        first_seen: own().map(|hit| hit.at).min().unwrap(),
        last_seen: own().map(|hit| hit.at).max().unwrap(),
        first_release: places.first().map(|place| order[*place].clone()),
        last_release: places.last().map(|place| order[*place].clone()),
        environments: environments.into_iter().collect(),
        unhandled: own().any(|hit| hit.unhandled),
    }
}
