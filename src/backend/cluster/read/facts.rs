//! The counted questions of the rules.
//! It uses the rooms beside it.
//! It never decides anything.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{issues::IssueRow, moment::Moment, test::EventTest};
use crate::{
    answers::{
        Active, Counts, Crashed, DayCount, EventFilter, Facts, KnownIssue, ReleaseRow, Releases, ResolvedScope,
        SpokenOf, Traffic,
    },
    change::Series,
    model::{Deploy, EventId, Issue, Level, Resolution, SessionCounts, Status, Untrusted},
    store::{Field, Op, StoreError, Term},
};

impl KnownIssue for IssueRow {
    fn id(&self) -> i64 {
        self.id
    }

    fn project(&self) -> u64 {
        self.project
    }

    fn level(&self) -> Level {
        self.text.level
    }

    fn status(&self) -> Status {
        self.text.status
    }

    fn resolution(&self) -> Option<&Resolution> {
        self.text.resolution.as_ref()
    }

    fn most_users(&self) -> u64 {
        // Its named events are as good a bound, and the rules take the smaller.
        u64::MAX
    }
}

// Each answers by the method of the same name in the room of its kind.
impl Facts for Moment {
    type IssueRow = IssueRow;
    type Test = EventTest;

    fn go_on(&self) -> Result<(), StoreError> {
        self.still_asked()
    }

    fn project_slugs(&self) -> Result<Vec<(u64, String)>, StoreError> {
        Moment::project_slugs(self)
    }

    fn environment_names(&self) -> Result<Vec<(u32, String)>, StoreError> {
        Moment::environment_names(self)
    }

    fn environment_name(&self, env: u32) -> Result<Untrusted, StoreError> {
        Moment::environment_name(self, env)
    }

    fn release_rows(&self, bounds: &ResolvedScope) -> Result<Vec<ReleaseRow>, StoreError> {
        Moment::release_rows(self, bounds)
    }

    fn deploys(&self, rels: &[u32], bounds: &ResolvedScope) -> Result<Vec<Deploy>, StoreError> {
        Moment::deploys(self, rels, bounds)
    }

    fn spoken_of(&self, bounds: &ResolvedScope) -> Result<Vec<SpokenOf>, StoreError> {
        Moment::spoken_of(self, bounds)
    }

    fn known_issues(&mut self, bounds: &ResolvedScope) -> Result<Vec<IssueRow>, StoreError> {
        Moment::known_issues(self, bounds)
    }

    fn known_issue(&mut self, id: i64, bounds: &ResolvedScope) -> Result<Option<IssueRow>, StoreError> {
        Moment::known_issue(self, id, bounds)
    }

    fn issue_with_short_id(&self, short_id: &str, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
        Moment::issue_with_short_id(self, short_id, bounds)
    }

    fn issue_of_event(&self, event: EventId, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
        Ok(self.place_of(event, bounds)?.filter(|place| place.ts <= bounds.hi).map(|place| place.issue))
    }

    fn short_ids(&self, bounds: &ResolvedScope) -> Result<Vec<String>, StoreError> {
        Moment::short_ids(self, bounds)
    }

    fn issue_text(&self, known: &IssueRow, slug: &str, unhandled: bool) -> Result<Issue, StoreError> {
        Ok(Issue { project: slug.to_owned(), unhandled, ..known.text.clone() })
    }

    fn history(&mut self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Vec<DayCount>, StoreError> {
        Moment::history(self, known, bounds)
    }

    fn cells_from(
        &mut self,
        known: &IssueRow,
        history: &[DayCount],
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError> {
        Moment::cells_from(self, known, history, bounds)
    }

    fn count(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
        test: Option<&EventTest>,
    ) -> Result<Counts, StoreError> {
        Moment::count(self, known, want, test)
    }

    fn series(
        &mut self,
        known: &IssueRow,
        traffic: Option<&Traffic>,
        bounds: &ResolvedScope,
    ) -> Result<Series, StoreError> {
        Moment::series(self, known, traffic, bounds)
    }

    fn event_test(
        &self,
        terms: &[&Term],
        bounds: &ResolvedScope,
        releases: &Releases,
    ) -> Result<EventTest, StoreError> {
        Moment::event_test(self, terms, bounds, releases)
    }

    fn issues_with(&self, text: &Untrusted) -> Result<RoaringBitmap, StoreError> {
        Moment::issues_with(self, text)
    }

    fn issues_mentioning(&self, field: &Field, op: Op, values: &[Untrusted]) -> Result<RoaringBitmap, StoreError> {
        Moment::issues_mentioning(self, field, op, values)
    }

    fn issues_with_any(&self, field: &Field) -> Result<RoaringBitmap, StoreError> {
        Moment::issues_with_any(self, field)
    }

    fn activity(&mut self, bounds: &ResolvedScope) -> Result<Vec<Active>, StoreError> {
        Moment::activity(self, bounds)
    }

    fn active_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError> {
        Moment::active_users(self, bounds, rels)
    }

    fn crashed_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, Crashed>, StoreError> {
        Moment::crashed_users(self, bounds, rels)
    }

    fn active_in(
        &mut self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<HashMap<u64, u64>, StoreError> {
        Moment::active_in(self, bounds, rels)
    }

    fn sessions_of(&mut self, rel: u32, bounds: &ResolvedScope) -> Result<SessionCounts, StoreError> {
        Moment::sessions_of(self, rel, bounds)
    }

    fn traffic(&mut self, bounds: &ResolvedScope, end: i64) -> Result<HashMap<u64, Traffic>, StoreError> {
        Moment::traffic(self, bounds, end)
    }
}
