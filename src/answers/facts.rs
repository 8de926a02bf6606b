//! What a store counts for the rules.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    cell::DayCount,
    releases::{ReleaseRow, Releases},
    scope::{EventFilter, ResolvedScope},
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

/// What tells that a release was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// Its events.
    Events,
    /// Requests, and whatever else names who used it.
    Requests,
    /// Its sessions.
    Sessions,
}

impl Activity {
    /// By key, what its use is best counted by: sessions, if there are any; requests, if each release that has events
    /// has some, so that a newer SDK or setting is not taken for use; else events.
    pub(crate) fn best<K: Eq + std::hash::Hash>(rows: &[Active], key: impl Fn(&Active) -> K) -> HashMap<K, Self> {
        let mut releases: HashMap<K, [RoaringBitmap; 3]> = HashMap::new();
        for row in rows.iter().filter(|row| row.n > 0) {
            releases.entry(key(row)).or_default()[row.by as usize].insert(row.rel);
        }
        let best = |[events, requests, sessions]: &[RoaringBitmap; 3]| match () {
            () if !sessions.is_empty() => Self::Sessions,
            () if !requests.is_empty() && events.is_subset(requests) => Self::Requests,
            () => Self::Events,
        };
        releases.into_iter().map(|(key, seen)| (key, best(&seen))).collect()
    }
}

/// Events, requests or sessions of one release and environment on one UTC day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active {
    pub(crate) project: u64,
    pub(crate) rel: u32,
    pub(crate) env: u32,
    pub(crate) day: i64,
    pub(crate) by: Activity,
    pub(crate) n: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// Whom the crashes of a release hit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crashed {
    pub(crate) users: RoaringBitmap,
    /// There are crashes besides that name no user.
    pub(crate) nameless: bool,
}

impl Crashed {
    /// Adds a crash; user 0 is none.
    pub(crate) fn see(&mut self, user: u32) {
        match user {
            0 => self.nameless = true,
            user => drop(self.users.insert(user)),
        }
    }
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
    type IssueRow: KnownIssue;
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
    fn release_rows(&self, bounds: &ResolvedScope) -> Result<Vec<ReleaseRow>, StoreError>;
    /// Deploys of releases up to the scope's end, oldest first.
    fn deploys(&self, rels: &[u32], bounds: &ResolvedScope) -> Result<Vec<Deploy>, StoreError>;
    /// Releases of the scope's projects that somebody spoke of within it.
    fn spoken_of(&self, bounds: &ResolvedScope) -> Result<Vec<SpokenOf>, StoreError>;

    /// All issues of the scope's projects that may have an event in it.
    fn known_issues(&mut self, bounds: &ResolvedScope) -> Result<Vec<Self::IssueRow>, StoreError>;
    /// One issue, if it is of one of the scope's projects.
    fn known_issue(&mut self, id: i64, bounds: &ResolvedScope) -> Result<Option<Self::IssueRow>, StoreError>;
    /// The issue of the scope's projects with that short id, the case of letters aside.
    fn issue_with_short_id(&self, short_id: &str, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError>;
    /// The issue of an event of the scope's projects and up to its end.
    fn issue_of_event(&self, event: EventId, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError>;
    /// Short ids of the scope's newest issues.
    fn short_ids(&self, bounds: &ResolvedScope) -> Result<Vec<String>, StoreError>;
    /// What an issue says of itself.
    fn issue_text(&self, known: &Self::IssueRow, slug: &str, unhandled: bool) -> Result<Issue, StoreError>;

    /// All events of an issue by cell, up to the end of the scope and of its environment; exact at the end too.
    fn history(&mut self, known: &Self::IssueRow, bounds: &ResolvedScope) -> Result<Vec<DayCount>, StoreError>;
    /// The part of such a history that lies within the scope, exact at its start too.
    fn cells_from(
        &mut self,
        known: &Self::IssueRow,
        history: &[DayCount],
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError>;
    /// Counts what `want` takes and `test` holds for.
    fn count(
        &mut self,
        known: &Self::IssueRow,
        want: &EventFilter<'_>,
        test: Option<&Self::Test>,
    ) -> Result<Counts, StoreError>;
    /// User-days of an issue by hour, beside the traffic of its project.
    fn series(
        &mut self,
        known: &Self::IssueRow,
        traffic: Option<&Traffic>,
        bounds: &ResolvedScope,
    ) -> Result<Series, StoreError>;

    /// Makes conditions on events ready, all of which must hold.
    fn event_test(
        &self,
        terms: &[&Term],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<Self::Test, StoreError>;
    /// Numbers of the issues whose texts contain that one, or whose events mention it.
    fn issues_with(&self, text: &Untrusted) -> Result<RoaringBitmap, StoreError>;
    /// Issues with an exception or frame of which a condition holds.
    fn issues_mentioning(&self, field: &Field, op: Op, values: &[Untrusted]) -> Result<RoaringBitmap, StoreError>;
    /// Issues whose events mention anything of a field.
    fn issues_with_any(&self, field: &Field) -> Result<RoaringBitmap, StoreError>;

    /// Everything that was active in the scope's projects and environment up to its end, whatever its start.
    fn activity(&mut self, bounds: &ResolvedScope) -> Result<Vec<Active>, StoreError>;
    /// Users with a session or an event, by release. The scope's first day counts whole.
    fn active_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError>;
    /// Whom crashes hit in the scope, by release: a session that crashed, or a fatal event that nothing caught, of an
    /// issue that is fatal.
    fn crashed_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, Crashed>, StoreError>;
    /// How many users had a session or an event, by project; of those releases alone, if any are given.
    fn active_in(
        &mut self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<HashMap<u64, u64>, StoreError>;
    /// Sessions of a release in the scope, by whole hours.
    fn sessions_of(&mut self, rel: u32, bounds: &ResolvedScope) -> Result<SessionCounts, StoreError>;
    /// How much each project was used up to the scope's end; `end` is the moment that the answer speaks of.
    fn traffic(&mut self, bounds: &ResolvedScope, end: i64) -> Result<HashMap<u64, Traffic>, StoreError>;
}
