//! The counted questions of the rules, answered from one snapshot.
//! It uses the rooms beside it.
//! It never decides anything.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    engine::{known::IssueRow, pool::Snapshot},
    issues::filter::EventTest,
};
use crate::{
    answers::{
        self, Active, Counts, Crashed, DayCount, EventFilter, Facts, KnownIssue, ReleaseRow, Releases, ResolvedScope,
        SpokenOf, Traffic,
    },
    backend::embedded::write::Word,
    change::Series,
    model::{Deploy, EventId, Issue, Level, Resolution, SessionCounts, Status, Untrusted},
    store::{Field, IssueFacts, IssueQuery, IssueRef, Op, Page, ReleaseFacts, ReleaseQuery, Scope, StoreError, Term},
};

impl KnownIssue for IssueRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn project(&self) -> u64 {
        self.project
    }

    fn level(&self) -> Level {
        self.level
    }

    fn status(&self) -> Status {
        self.status
    }

    fn resolution(&self) -> Option<&Resolution> {
        self.resolution.as_ref()
    }

    fn most_users(&self) -> u64 {
        self.folded_users + self.tail.iter().filter(|fact| fact.user != 0).count() as u64
    }
}

impl Snapshot<'_> {
    /// Answers `SignalStore::issues`.
    pub(in crate::backend::embedded) fn issues(&mut self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        answers::issues(self, query)
    }

    /// Answers `SignalStore::issue`.
    pub(in crate::backend::embedded) fn issue(
        &mut self,
        issue: &IssueRef,
        scope: &Scope,
    ) -> Result<IssueFacts, StoreError> {
        answers::issue(self, issue, scope)
    }

    /// Answers `SignalStore::releases`.
    pub(in crate::backend::embedded) fn releases(
        &mut self,
        query: &ReleaseQuery,
    ) -> Result<Vec<ReleaseFacts>, StoreError> {
        answers::releases(self, query)
    }
}

// Each answers by the method of the same name in the room of its kind.
impl Facts for Snapshot<'_> {
    type IssueRow = IssueRow;
    type Test = EventTest;

    fn go_on(&self) -> Result<(), StoreError> {
        Snapshot::go_on(self)
    }

    fn project_slugs(&self) -> Result<Vec<(u64, String)>, StoreError> {
        Snapshot::project_slugs(self)
    }

    fn environment_names(&self) -> Result<Vec<(u32, String)>, StoreError> {
        self.words(Word::Environment, 0)
    }

    fn environment_name(&self, env: u32) -> Result<Untrusted, StoreError> {
        self.word(env)
    }

    fn release_rows(&self, bounds: &ResolvedScope) -> Result<Vec<ReleaseRow>, StoreError> {
        Snapshot::release_rows(self, bounds)
    }

    fn deploys(&self, rels: &[u32], bounds: &ResolvedScope) -> Result<Vec<Deploy>, StoreError> {
        Snapshot::deploys(self, rels, bounds)
    }

    fn spoken_of(&self, bounds: &ResolvedScope) -> Result<Vec<SpokenOf>, StoreError> {
        Snapshot::spoken_of(self, bounds)
    }

    fn known_issues(&mut self, bounds: &ResolvedScope) -> Result<Vec<IssueRow>, StoreError> {
        Snapshot::known_issues(self, bounds)
    }

    fn known_issue(&mut self, id: i64, bounds: &ResolvedScope) -> Result<Option<IssueRow>, StoreError> {
        Snapshot::known_issue(self, id, bounds)
    }

    fn issue_with_short_id(&self, short_id: &str, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
        Snapshot::issue_with_short_id(self, short_id, bounds)
    }

    fn issue_of_event(&self, event: EventId, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
        Snapshot::issue_of_event(self, event, bounds)
    }

    fn short_ids(&self, bounds: &ResolvedScope) -> Result<Vec<String>, StoreError> {
        Snapshot::short_ids(self, bounds)
    }

    fn issue_text(&self, known: &IssueRow, slug: &str, unhandled: bool) -> Result<Issue, StoreError> {
        Snapshot::issue_text(self, known, slug, unhandled)
    }

    fn history(&mut self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Vec<DayCount>, StoreError> {
        known.history(self, bounds)
    }

    fn cells_from(
        &mut self,
        known: &IssueRow,
        history: &[DayCount],
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError> {
        known.cells_from(self, history, bounds)
    }

    fn count(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
        test: Option<&EventTest>,
    ) -> Result<Counts, StoreError> {
        known.count(self, want, test)
    }

    fn series(
        &mut self,
        known: &IssueRow,
        traffic: Option<&Traffic>,
        bounds: &ResolvedScope,
    ) -> Result<Series, StoreError> {
        Snapshot::series(self, known, traffic, bounds)
    }

    fn event_test(
        &self,
        terms: &[&Term],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<EventTest, StoreError> {
        Snapshot::event_test(self, terms, bounds, releases)
    }

    fn issues_with(&self, text: &Untrusted) -> Result<RoaringBitmap, StoreError> {
        Snapshot::issues_with(self, text)
    }

    fn issues_mentioning(&self, field: &Field, op: Op, values: &[Untrusted]) -> Result<RoaringBitmap, StoreError> {
        Snapshot::issues_mentioning(self, field, op, values)
    }

    fn issues_with_any(&self, field: &Field) -> Result<RoaringBitmap, StoreError> {
        Snapshot::issues_with_any(self, field)
    }

    fn activity(&mut self, bounds: &ResolvedScope) -> Result<Vec<Active>, StoreError> {
        Snapshot::activity(self, bounds)
    }

    fn active_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError> {
        Snapshot::active_users(self, bounds, rels)
    }

    fn crashed_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, Crashed>, StoreError> {
        Snapshot::crashed_users(self, bounds, rels)
    }

    fn active_in(
        &mut self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<HashMap<u64, u64>, StoreError> {
        Snapshot::active_in(self, bounds, rels)
    }

    fn sessions_of(&mut self, rel: u32, bounds: &ResolvedScope) -> Result<SessionCounts, StoreError> {
        Snapshot::sessions_of(self, rel, bounds)
    }

    fn traffic(&mut self, bounds: &ResolvedScope, end: i64) -> Result<HashMap<u64, Traffic>, StoreError> {
        Snapshot::traffic(self, bounds, end)
    }
}
