//! Events as a table: rows, newest first, or groups with aggregates.
//! It uses the packed forms.
//! It never opens a body but for a row that is shown.

mod searched;
mod table;

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    engine::{chunks::Unpack, known::IssueRow, pool::Snapshot, scope::EventFilter},
    issues::filter::Of,
};
use crate::{
    answers::{Judge, Subject},
    model::IssueId,
    store::{Page, SearchQuery, SearchRow, StoreError, Test},
};
use searched::Searched;
use table::{Grouping, Table};

impl Snapshot<'_> {
    /// Answers `SignalStore::search`.
    pub(in crate::backend::embedded) fn search(&mut self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let releases = self.known_releases(&bounds)?;
        let filter = self.filter(&query.filter, Of::Events, &bounds, &releases)?;
        let mut searched = Searched { bounds, releases, filter, issues: Vec::new() };
        searched.issues = self.searched_issues(&searched)?;
        match query.aggregate.is_empty() && query.group_by.is_empty() {
            true => self.rows(&searched, query),
            false => self.groups(&searched, query),
        }
    }

    fn searched_issues(&mut self, searched: &Searched<'_>) -> Result<Vec<IssueRow>, StoreError> {
        let Searched { bounds, releases, filter, .. } = searched;
        let want = EventFilter::of(bounds, None);
        let mut judge = match filter.issue.iter().any(|term| matches!(term.test, Test::Change(_))) {
            true => Some(Judge::new(self, bounds, releases, None)?),
            false => None,
        };
        let mut issues = Vec::new();
        for known in self.known_issues(bounds)? {
            let touched = known.cells.iter().any(|cell| want.touches(cell)) || !known.tail.is_empty();
            if !touched || !filter.texts_fit(known.id) {
                continue;
            }
            if filter.issue.is_empty() || self.issue_fits(searched, &mut judge, &known)? {
                issues.push(known);
            }
        }
        Ok(issues)
    }

    fn issue_fits(
        &mut self,
        searched: &Searched<'_>,
        judge: &mut Option<Judge>,
        known: &IssueRow,
    ) -> Result<bool, StoreError> {
        let Searched { bounds, releases, filter, .. } = searched;
        let history = known.history(self, bounds)?;
        if history.is_empty() {
            return Ok(false);
        }
        let slug = bounds.slug(known.project).unwrap_or_default();
        let issue = self.issue_text(known, slug, history.iter().any(|cell| cell.unhandled > 0))?;
        let counts = known.count(self, &EventFilter::of(bounds, None), None)?;
        let subject = Subject { issue: &issue, history: &history, counts, releases };
        for term in &filter.issue {
            let holds = match (&term.test, judge.as_mut()) {
                (Test::Change(change), Some(judge)) => judge.judge(self, known, &history)?.change == *change,
                _ => subject.fulfils(term, bounds)?,
            };
            if holds == term.negated {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Shows each event that is found.
    pub(in crate::backend::embedded::read) fn each_found(
        &mut self,
        searched: &Searched<'_>,
        with_rest: bool,
        mut see: impl FnMut(
            &IssueRow,
            &crate::backend::embedded::pack::Head,
            Option<&crate::backend::embedded::pack::Rest>,
            usize,
        ),
    ) -> Result<(), StoreError> {
        let want = EventFilter::of(&searched.bounds, None);
        let test = searched.filter.event.as_ref();
        let with_rest = with_rest || test.is_some_and(super::issues::filter::EventTest::needs_rest);
        for known in &searched.issues {
            self.each_part(known, want.lo, want.hi, Unpack::with_rest(with_rest), |head, rest| {
                for row in 0..head.len() {
                    let taken = want.takes(head.ts[row], head.rel[row], head.env[row]);
                    if taken && test.is_none_or(|test| test.holds(head, rest, row)) {
                        see(known, head, rest, row);
                    }
                }
            })?;
        }
        Ok(())
    }

    fn rows(&mut self, searched: &Searched<'_>, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let wanted = query.skip.saturating_add(query.limit);
        let mut newest: BinaryHeap<Reverse<(i64, i64, i64)>> = BinaryHeap::new();
        let mut total = 0;
        self.each_found(searched, false, |known, head, _, row| {
            total += 1;
            newest.push(Reverse((head.ts[row], head.seq[row], known.id)));
            if newest.len() > wanted {
                newest.pop();
            }
        })?;
        let found = newest.into_sorted_vec();
        let mut table = Table::default();
        let mut items = Vec::new();
        for Reverse((_, seq, issue)) in found.into_iter().skip(query.skip) {
            let values = self.row_values(searched, &mut table, seq, issue, &query.fields)?;
            items.push(SearchRow { event: Some(self.id_of(seq)?), issue: Some(IssueId(issue)), values });
        }
        let more = (query.skip.saturating_add(items.len()) as u64) < total;
        Ok(Page { items, total: Some(total), more, warnings: Vec::new(), by_change: Vec::new() })
    }

    fn groups(&mut self, searched: &Searched<'_>, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let mut grouping = Grouping::new(self, searched, query)?;
        let with_rest = grouping.needs_rest();
        self.each_found(searched, with_rest, |known, head, rest, row| grouping.see(known, head, rest, row))?;
        let (total, groups) = grouping.sorted(query);
        let page: Vec<_> = groups.into_iter().skip(query.skip).take(query.limit).collect();
        let more = query.skip.saturating_add(page.len()) < total;
        let mut items = Vec::new();
        for group in page {
            let values = self.group_values(searched, &grouping, group, query)?;
            items.push(SearchRow { event: None, issue: None, values });
        }
        Ok(Page { items, total: Some(total as u64), more, warnings: Vec::new(), by_change: Vec::new() })
    }
}
