//! What a store counts for the rules.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    cell::Cell,
    releases::{ReleaseRow, Releases},
    scope::{Bounds, Want},
    traffic::Traffic,
};
use crate::{
    change::Series,
    model::{Deploy, EventId, Issue, Level, Resolution, SessionCounts, Status, Untrusted},
    store::{Field, Op, StoreError, Term},
};

/// An issue as a store has it at hand while one answer is made.
pub(crate) trait KnownIssue {
    /// Its number in the store.
    fn id(&self) -> i64;
    /// Number of its project.
    fn project(&self) -> u64;
    /// Level of its newest event.
    fn level(&self) -> Level;
    /// What somebody decided.
    fn status(&self) -> Status;
    /// When it was resolved.
    fn resolution(&self) -> Option<&Resolution>;
    /// It never had more users than these.
    fn most_users(&self) -> u64;
}

/// What was counted of an issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    /// Distinct, exact.
    pub(crate) users: u64,
    /// Events that a replay shows.
    pub(crate) replays: u64,
}

/// Events or sessions of one release and environment on one UTC day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active {
    pub(crate) project: u64,
    pub(crate) rel: u32,
    pub(crate) env: u32,
    pub(crate) day: i64,
    pub(crate) by_sessions: bool,
    pub(crate) n: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// A release that somebody announced or deployed in one project.
#[derive(Clone, Debug)]
pub(crate) struct SpokenOf {
    pub(crate) id: u32,
    pub(crate) project: u64,
    pub(crate) version: String,
    /// When it was first spoken of.
    pub(crate) said: i64,
}

/// Counted questions about one moment of a store. Projects, releases, environments and users are numbers of the store,
/// 0 stands for none; a release has a number in each project that it was seen in. Times are microseconds since 1970.
///
/// What is answered counts exactly, by the rows that the store holds; a store that can't says so with an error.
pub(crate) trait Facts {
    /// An issue at hand.
    type Known: KnownIssue;
    /// Conditions on events, made ready.
    type Test;

    /// Fails once nobody waits for the answer.
    fn go_on(&self) -> Result<(), StoreError>;

    /// Number and slug of every project, by slug.
    fn project_slugs(&self) -> Result<Vec<(u64, String)>, StoreError>;
    /// Every environment.
    fn environment_names(&self) -> Result<Vec<(u32, String)>, StoreError>;
    /// The name of an environment.
    fn environment_name(&self, env: u32) -> Result<Untrusted, StoreError>;
    /// Releases of the scope's projects with a sign of life up to its end.
    fn release_rows(&self, bounds: &Bounds) -> Result<Vec<ReleaseRow>, StoreError>;
    /// Deploys of releases up to the scope's end, oldest first.
    fn deploys(&self, rels: &[u32], bounds: &Bounds) -> Result<Vec<Deploy>, StoreError>;
    /// Releases of the scope's projects that somebody spoke of within it.
    fn spoken_of(&self, bounds: &Bounds) -> Result<Vec<SpokenOf>, StoreError>;

    /// All issues of the scope's projects that may have an event in it.
    fn known_issues(&mut self, bounds: &Bounds) -> Result<Vec<Self::Known>, StoreError>;
    /// One issue, if it is of one of the scope's projects.
    fn known_issue(&mut self, id: i64, bounds: &Bounds) -> Result<Option<Self::Known>, StoreError>;
    /// The issue of the scope's projects with that short id, the case of letters aside.
    fn issue_with_short_id(&self, short_id: &str, bounds: &Bounds) -> Result<Option<i64>, StoreError>;
    /// The issue of an event of the scope's projects and up to its end.
    fn issue_of_event(&self, event: EventId, bounds: &Bounds) -> Result<Option<i64>, StoreError>;
    /// Short ids of the scope's newest issues.
    fn short_ids(&self, bounds: &Bounds) -> Result<Vec<String>, StoreError>;
    /// What an issue says of itself.
    fn issue_text(&self, known: &Self::Known, slug: &str, unhandled: bool) -> Result<Issue, StoreError>;

    /// All events of an issue by cell, up to the end of the scope and of its environment; exact at the end too.
    fn history(&mut self, known: &Self::Known, bounds: &Bounds) -> Result<Vec<Cell>, StoreError>;
    /// The part of such a history that lies within the scope, exact at its start too.
    fn cells_from(&mut self, known: &Self::Known, history: &[Cell], bounds: &Bounds) -> Result<Vec<Cell>, StoreError>;
    /// Counts what `want` takes and `test` holds for.
    fn count(&mut self, known: &Self::Known, want: &Want<'_>, test: Option<&Self::Test>) -> Result<Counts, StoreError>;
    /// User-days of an issue by hour, beside the traffic of its project.
    fn series(&mut self, known: &Self::Known, traffic: Option<&Traffic>, bounds: &Bounds)
    -> Result<Series, StoreError>;

    /// Makes conditions on events ready, all of which must hold.
    fn event_test(&self, terms: &[&Term], bounds: &Bounds, releases: &Releases) -> Result<Self::Test, StoreError>;
    /// Numbers of the issues whose texts contain that one, or whose events mention it.
    fn issues_with(&self, text: &Untrusted) -> Result<RoaringBitmap, StoreError>;
    /// Issues with an exception or frame of which a condition holds.
    fn issues_mentioning(&self, field: &Field, op: Op, values: &[Untrusted]) -> Result<RoaringBitmap, StoreError>;
    /// Issues whose events mention anything of a field.
    fn issues_with_any(&self, field: &Field) -> Result<RoaringBitmap, StoreError>;
    /// Whether some issue came before mentions were kept.
    fn has_older_issues(&self) -> Result<bool, StoreError>;

    /// Everything that was active in the scope's projects and environment up to its end, whatever its start.
    fn activity(&mut self, bounds: &Bounds) -> Result<Vec<Active>, StoreError>;
    /// Users with a session or an event, by release. The scope's first day counts whole.
    fn active_users(
        &mut self,
        bounds: &Bounds,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError>;
    /// How many users had a session or an event, by project; of those releases alone, if any are given.
    fn active_in(&mut self, bounds: &Bounds, rels: Option<&RoaringBitmap>) -> Result<HashMap<u64, u64>, StoreError>;
    /// Sessions of a release in the scope, by whole hours.
    fn sessions_of(&mut self, rel: u32, bounds: &Bounds) -> Result<SessionCounts, StoreError>;
    /// How much each project was used up to the scope's end; `end` is the moment that the answer speaks of.
    fn traffic(&mut self, bounds: &Bounds, end: i64) -> Result<HashMap<u64, Traffic>, StoreError>;
}
