//! Events as a table: rows, newest first, or groups with aggregates.
//! It uses ClickHouse's SQL.
//! It never opens a body but for a row that is shown.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{
    history::{places, wanted},
    issues::IssueRow,
    moment::Moment,
    values::{Part, part_of},
};
use crate::{
    answers::{self, EventFilter, Facts, Filter, Judge, Of, Releases, ResolvedScope, Subject, known_releases, ready},
    backend::cluster::clickhouse::list,
    model::{Issue, IssueId},
    store::{Aggregate, Page, SearchQuery, SearchRow, StoreError, Test},
};

use super::test::EventTest;

/// The scope, resolved, and the issues that may have a row.
pub(super) struct Searched<'q> {
    pub(super) bounds: ResolvedScope,
    pub(super) releases: Releases,
    filter: Filter<'q, EventTest>,
    pub(super) issues: HashMap<i64, IssueRow>,
}

impl Searched<'_> {
    /// The events that are found, as a condition.
    fn condition(&self) -> String {
        let want = EventFilter { env: None, ..EventFilter::of(&self.bounds, None) };
        let mut at = format!("{}{}", places(&self.bounds), wanted(&want));
        if !self.filter.issue.is_empty() || !self.filter.texts.is_empty() {
            at += &format!(" AND issue IN {}", list(self.issues.keys()));
        }
        if let Some(test) = &self.filter.event {
            at += &format!(" AND {}", test.sql);
        }
        at
    }

    /// An issue as rows show it.
    pub(super) fn issue(&self, id: i64) -> Option<Issue> {
        let known = self.issues.get(&id)?;
        let slug = self.bounds.slug(known.project).unwrap_or_default();
        Some(Issue { project: slug.to_owned(), ..known.text.clone() })
    }
}

impl Moment {
    /// Answers `SignalStore::search`.
    pub(in crate::backend::cluster) fn search(&mut self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let releases = known_releases(self, &bounds)?;
        let filter = ready(self, &query.filter, Of::Events, &bounds, &releases)?;
        let mut searched = Searched { bounds, releases, filter, issues: HashMap::new() };
        searched.issues = self.searched_issues(&searched)?;
        match query.aggregate.is_empty() && query.group_by.is_empty() {
            true => self.table(&searched, query),
            false => self.groups(&searched, query),
        }
    }

    fn searched_issues(&mut self, searched: &Searched<'_>) -> Result<HashMap<i64, IssueRow>, StoreError> {
        let Searched { bounds, releases, filter, .. } = searched;
        let mut judge = match filter.issue.iter().any(|term| matches!(term.test, Test::Change(_))) {
            true => Some(Judge::new(self, bounds, releases, None)?),
            false => None,
        };
        let mut issues = HashMap::new();
        for known in self.known_issues(bounds)? {
            if filter.texts_fit(known.id)
                && (filter.issue.is_empty() || self.issue_fits(searched, &mut judge, &known)?)
            {
                issues.insert(known.id, known);
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
        let history = self.history(known, bounds)?;
        if history.is_empty() {
            return Ok(false);
        }
        let slug = bounds.slug(known.project).unwrap_or_default();
        let issue = self.issue_text(known, slug, history.iter().any(|cell| cell.unhandled > 0))?;
        let counts = self.count(known, &EventFilter::of(bounds, None), None)?;
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

    fn table(&mut self, searched: &Searched<'_>, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let at = searched.condition();
        let total = self.fact::<(u64,)>(&format!("SELECT count() FROM event WHERE {at}"))?.map_or(0, |(n,)| n);
        let sql = format!(
            "SELECT issue, ts, seq FROM event WHERE {at} ORDER BY ts DESC, seq DESC, issue DESC LIMIT {} OFFSET {}",
            query.limit, query.skip
        );
        let mut items = Vec::new();
        for (issue, ts, seq) in self.facts::<(i64, i64, u64)>(&sql)? {
            let Some(known) = searched.issues.get(&issue) else { continue };
            let Some(stored) = self.stored(known, (ts, seq))? else { continue };
            let values = self.row_values(searched, known, &stored, &query.fields)?;
            items.push(SearchRow { event: Some(stored.id), issue: Some(IssueId(issue)), values });
        }
        let more = (query.skip.saturating_add(items.len()) as u64) < total;
        Ok(Page { items, total: Some(total), more, warnings: Vec::new(), by_change: Vec::new() })
    }

    fn groups(&mut self, searched: &Searched<'_>, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let by: Vec<Part> =
            query.group_by.iter().map(|grouper| part_of(searched, grouper)).collect::<Result<_, _>>()?;
        let mut columns: Vec<String> = by.iter().enumerate().map(|(n, part)| format!("{} AS g{n}", part.sql)).collect();
        let keys: Vec<String> = (0..by.len()).map(|n| format!("g{n}")).collect();
        let mut ranks = Vec::new();
        for (n, aggregate) in query.aggregate.iter().enumerate() {
            let sql = match aggregate {
                Aggregate::Count => "count()".to_owned(),
                Aggregate::CountUnique(field) => {
                    let part = part_of(searched, &crate::store::Grouper::Field(field.clone()))?;
                    match part.none {
                        Some(none) => format!("uniqExactIf({0}, {0}!={none})", part.sql),
                        None => format!("uniqExact({})", part.sql),
                    }
                }
                Aggregate::FirstSeen => "min(ts)".to_owned(),
                Aggregate::LastSeen => "max(ts)".to_owned(),
            };
            columns.push(format!("{sql} AS a{n}"));
            ranks.push(format!("a{n}"));
        }
        columns.push("any(issue) AS one".to_owned());
        columns.push("count() AS n".to_owned());
        let grouping = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
        let from = format!("FROM event WHERE {}{grouping} HAVING n>0", searched.condition());
        let total = self.fact::<(u64,)>(&format!("SELECT count() FROM (SELECT {} {from})", columns.join(", ")))?;
        let total = total.map_or(0, |(n,)| n);
        let by_time = by.iter().position(|part| part.is_time).map(|at| format!("g{at}"));
        let rank = format!("{} DESC", ranks.first().map_or("n", String::as_str));
        let order: Vec<String> = by_time.into_iter().chain([rank]).chain(keys).collect();
        let sql = format!(
            "SELECT {} {from} ORDER BY {} LIMIT {} OFFSET {}",
            columns.join(", "),
            order.join(", "),
            query.limit,
            query.skip
        );
        let mut items = Vec::new();
        for row in self.facts::<Vec<Json>>(&sql)? {
            let values = self.group_values(searched, &by, &row, query)?;
            items.push(SearchRow { event: None, issue: None, values });
        }
        let more = (query.skip.saturating_add(items.len()) as u64) < total;
        Ok(Page { items, total: Some(total), more, warnings: Vec::new(), by_change: Vec::new() })
    }
}
