//! The list of issues: who is in it, in which order, with exact counts for the page that is shown.
//! It uses the packed forms.
//! It never counts exactly what bounds can rank.

pub(super) mod count;
pub(super) mod echo;
pub(super) mod filter;
pub(super) mod judge;
pub(super) mod mentions;

use std::{cmp::Ordering, collections::HashMap};

use roaring::RoaringBitmap;

use super::{
    engine::{
        known::Known,
        pattern::{allows, count_of, text_fits, times_of},
        pool::Snapshot,
        scope::{Bounds, Want},
    },
    release::releases::{Releases, first_and_last},
};
use crate::{
    backend::embedded::pack::{Cell, moment},
    change::{Weight, impact},
    model::{Change, ChangeReason, Issue, Status},
    store::{Field, IssueFacts, IssueQuery, IssueRef, IssueSort, Page, Scope, StoreError, Term, Test},
};
use count::Counts;
use filter::{EventTest, Filter, Of, levels_of, truth_of};
use judge::{Judge, Judged};
use mentions::OLDER;

/// An issue that may be listed.
pub(in crate::backend::embedded::read) struct Candidate {
    pub(in crate::backend::embedded::read) known: Known,
    /// Its exact history up to the scope's end.
    pub(in crate::backend::embedded::read) history: Vec<Cell>,
    judged: Judged,
    most: Counts,
    exact: Option<Counts>,
    /// The issue's row, once a condition needs it.
    issue: Option<Issue>,
}

/// What the issues of one answer have in common.
struct Listing<'q> {
    bounds: Bounds,
    releases: Releases,
    since: Option<RoaringBitmap>,
    filter: Filter<'q>,
    /// Active users by project, in the scope.
    active: HashMap<u64, u64>,
}

impl Snapshot<'_> {
    /// Answers `SignalStore::issues`.
    pub(in crate::backend::embedded) fn issues(&mut self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let releases = self.known_releases(&bounds)?;
        let since = query.since.as_ref().map(|names| releases.named(names)).transpose()?;
        let filter = self.filter(&query.filter, Of::Issues, &bounds, &releases)?;
        let active = self.active_in(&bounds, since.as_ref())?;
        let listing = Listing { bounds, releases, since, filter, active };
        let mut found = self.candidates(&listing, query)?;
        if query.since.is_some() && query.status.is_empty() && !asks_for_status(&query.filter) {
            found.retain(|candidate| !candidate.is_set_aside());
        }
        let by_change = by_change(&found);
        let broke_alone = query.since.is_some() && query.sort == IssueSort::Impact && query.filter.is_empty();
        if !query.change.is_empty() {
            found.retain(|candidate| query.change.contains(&candidate.judged.change));
        } else if broke_alone {
            found.retain(Candidate::broke);
        }
        let total = found.len();
        let page = self.page(&listing, query, found)?;
        let more = query.skip.saturating_add(page.len()) < total;
        let items =
            page.into_iter().map(|found| self.facts(&listing.bounds, &listing.releases, &listing.active, found));
        let items = items.collect::<Result<_, _>>()?;
        let older = total == 0 && !query.filter.is_empty() && self.has_older_issues()?;
        let warnings = if older { vec![OLDER] } else { Vec::new() };
        Ok(Page { items, total: Some(total as u64), more, warnings, by_change })
    }

    /// Answers `SignalStore::issue`.
    pub(in crate::backend::embedded) fn issue(
        &mut self,
        issue: &IssueRef,
        scope: &Scope,
    ) -> Result<IssueFacts, StoreError> {
        let bounds = self.bounds(scope)?;
        let known = self.meant_issue(issue, &bounds)?;
        let history = known.history(self, &bounds)?;
        let releases = self.known_releases(&bounds)?;
        let mut judge = Judge::new(self, &bounds, &releases, None)?;
        let judged = judge.judge(self, &known, &history)?;
        let onset = judge.onset(self, &known)?;
        let counts = known.count(self, &Want::of(&bounds, None), None)?;
        let candidate = Candidate { known, history, judged, most: counts, exact: Some(counts), issue: None };
        let active = self.active_in(&bounds, None)?;
        Ok(IssueFacts { onset, ..self.facts(&bounds, &releases, &active, candidate)? })
    }

    fn candidates(&mut self, listing: &Listing<'_>, query: &IssueQuery) -> Result<Vec<Candidate>, StoreError> {
        let Listing { bounds, releases, since, filter, .. } = listing;
        let want = Want::of(bounds, since.as_ref());
        let mut judge = Judge::new(self, bounds, releases, since.as_ref())?;
        let mut found = Vec::new();
        for known in self.known_issues(bounds)? {
            if !cheap_conditions_hold(&known, query, filter) {
                continue;
            }
            let history = known.history(self, bounds)?;
            let most = most(&known, &history, &want);
            if most.events == 0 {
                continue;
            }
            let exact = match &filter.event {
                Some(test) => Some(known.count(self, &want, Some(test))?),
                None => None,
            };
            if exact.is_some_and(|counts| counts.events == 0) {
                continue;
            }
            let judged = judge.judge(self, &known, &history)?;
            let mut candidate = Candidate { known, history, judged, most, exact, issue: None };
            if self.conditions_hold(listing, &want, &mut candidate)? {
                found.push(candidate);
            }
        }
        Ok(found)
    }

    fn conditions_hold(
        &mut self,
        listing: &Listing<'_>,
        want: &Want<'_>,
        candidate: &mut Candidate,
    ) -> Result<bool, StoreError> {
        for term in &listing.filter.issue {
            if self.condition_holds(listing, want, candidate, term)? == term.negated {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn condition_holds(
        &mut self,
        listing: &Listing<'_>,
        want: &Want<'_>,
        candidate: &mut Candidate,
        term: &Term,
    ) -> Result<bool, StoreError> {
        match &term.test {
            Test::Status(status) => return Ok(candidate.known.status == *status),
            Test::Change(change) => return Ok(candidate.judged.change == *change),
            Test::Field { field: Field::TimesSeen | Field::UserCount, .. } => {
                self.count_exactly(want, listing.filter.event.as_ref(), candidate)?;
            }
            _ => {}
        }
        let slug = listing.bounds.slug(candidate.known.project).unwrap_or_default();
        let issue = match candidate.issue.take() {
            Some(issue) => issue,
            None => self.issue_text(&candidate.known, slug, candidate.unhandled())?,
        };
        let issue: &Issue = candidate.issue.insert(issue);
        let counts = candidate.exact.unwrap_or(candidate.most);
        let subject = Subject { issue, history: &candidate.history, counts, releases: &listing.releases };
        subject.fulfils(term, &listing.bounds)
    }

    fn count_exactly(
        &mut self,
        want: &Want<'_>,
        test: Option<&EventTest>,
        candidate: &mut Candidate,
    ) -> Result<Counts, StoreError> {
        let counts = match candidate.exact {
            Some(counts) => counts,
            None => candidate.known.count(self, want, test)?,
        };
        candidate.exact = Some(counts);
        Ok(counts)
    }

    /// The page in order, its counts exact. Whoever can't reach the page by the most it may have is not counted.
    fn page(
        &mut self,
        listing: &Listing<'_>,
        query: &IssueQuery,
        mut found: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, StoreError> {
        let want = Want::of(&listing.bounds, listing.since.as_ref());
        let test = listing.filter.event.as_ref();
        let wanted = query.skip.saturating_add(query.limit);
        found.sort_by(|a, b| {
            let most = |c: &Candidate| c.rank(query, &listing.active, c.exact.unwrap_or(c.most));
            most(b).total_cmp(&most(a)).then_with(|| b.last().cmp(&a.last())).then_with(|| a.known.id.cmp(&b.known.id))
        });
        // Of equals the one that came first in this order stays first, whatever page is asked for.
        let mut best: Vec<(f64, Candidate)> = Vec::new();
        for mut candidate in found {
            let most = candidate.rank(query, &listing.active, candidate.exact.unwrap_or(candidate.most));
            if best.len() >= wanted && best.get(wanted.saturating_sub(1)).is_none_or(|(rank, _)| *rank >= most) {
                break;
            }
            let counts = self.count_exactly(&want, test, &mut candidate)?;
            let rank = candidate.rank(query, &listing.active, counts);
            let at = best.partition_point(|(better, _)| better.total_cmp(&rank) != Ordering::Less);
            best.insert(at, (rank, candidate));
            best.truncate(wanted);
        }
        Ok(best.into_iter().skip(query.skip).map(|(_, candidate)| candidate).collect())
    }

    fn facts(
        &self,
        bounds: &Bounds,
        releases: &Releases,
        active: &HashMap<u64, u64>,
        candidate: Candidate,
    ) -> Result<IssueFacts, StoreError> {
        let Candidate { known, history, exact, most, .. } = &candidate;
        let counts = exact.unwrap_or(*most);
        let slug = bounds.slug(known.project).unwrap_or_default();
        let (first_release, last_release) = first_and_last(history, releases);
        let mut environments: Vec<u32> = history.iter().map(|cell| cell.env).filter(|env| *env != 0).collect();
        environments.sort_unstable();
        environments.dedup();
        let mut environments: Vec<_> = environments.into_iter().map(|env| self.word(env)).collect::<Result<_, _>>()?;
        environments.sort();
        Ok(IssueFacts {
            issue: self.issue_text(known, slug, candidate.unhandled())?,
            events: counts.events,
            users: counts.users,
            users_known: true,
            active_users: active.get(&known.project).copied().unwrap_or(0),
            first_seen: history.iter().map(|cell| cell.first).min().map(moment),
            last_seen: history.iter().map(|cell| cell.last).max().map(moment),
            first_release: first_release.and_then(|id| releases.name(id)),
            last_release: last_release.and_then(|id| releases.name(id)),
            environments,
            replays: counts.replays,
            change: candidate.judged.change,
            onset: match &candidate.judged.why {
                ChangeReason::Grew(onset) => Some(*onset),
                _ => None,
            },
            why: candidate.judged.why,
        })
    }
}

/// More than any impact; small enough that impacts on top of it keep their digits.
const BROKE: f64 = 1e12;

impl Candidate {
    fn last(&self) -> i64 {
        self.history.iter().map(|cell| cell.last).max().unwrap_or(i64::MIN)
    }

    fn unhandled(&self) -> bool {
        self.history.iter().any(|cell| cell.unhandled > 0)
    }

    /// What it is sorted by; grows with the counts.
    fn rank(&self, query: &IssueQuery, active: &HashMap<u64, u64>, counts: Counts) -> f64 {
        let active = active.get(&self.known.project).copied().unwrap_or(0);
        match query.sort {
            IssueSort::LastSeen => self.last() as f64,
            IssueSort::FirstSeen => self.history.iter().map(|cell| cell.first).min().unwrap_or(i64::MIN) as f64,
            IssueSort::Events => counts.events as f64,
            IssueSort::Users => counts.users as f64 + counts.events as f64 * 1e-9,
            // What broke since a release comes before what was broken already, whichever way it broke.
            IssueSort::Impact if query.since.is_some() && self.broke() => self.impact(query, counts, active) + BROKE,
            IssueSort::Impact => self.impact(query, counts, active),
        }
    }

    fn broke(&self) -> bool {
        matches!(self.judged.change, Change::New | Change::Regressed | Change::Escalating)
    }

    /// Somebody decided that it need not be looked at, and nothing speaks against it.
    fn is_set_aside(&self) -> bool {
        match self.known.status {
            Status::Ignored => true,
            Status::Resolved => self.judged.change != Change::Regressed,
            Status::Unresolved => false,
        }
    }

    fn impact(&self, query: &IssueQuery, counts: Counts, active: u64) -> f64 {
        impact(&Weight {
            users: counts.users,
            events: counts.events,
            active,
            change: self.judged.change,
            why: &self.judged.why,
            unhandled: self.unhandled(),
            status: self.known.status,
            as_of: query.scope.end.unwrap_or_else(|| moment(self.last())),
        })
    }
}

/// The most that may be counted: whole and cut cells alike; users no more than named events and all users there are.
fn most(known: &Known, history: &[Cell], want: &Want<'_>) -> Counts {
    let mut most = Counts::default();
    let mut named = 0;
    // The history ends with the scope, so a cell that lasts into the scope has an event in it.
    for cell in history.iter().filter(|cell| want.touches(cell)) {
        most.events += cell.events;
        most.replays += cell.replays;
        named += cell.named;
    }
    let tail = known.tail.iter().filter(|fact| fact.user != 0).count() as u64;
    most.users = named.min(known.folded_users + tail);
    most
}

fn asks_for_status(filter: &[Term]) -> bool {
    filter.iter().any(|term| matches!(term.test, Test::Status(_)))
}

fn cheap_conditions_hold(known: &Known, query: &IssueQuery, filter: &Filter<'_>) -> bool {
    (query.status.is_empty() || query.status.contains(&known.status))
        && query.level.is_none_or(|level| level == known.level)
        && filter
            .texts
            .iter()
            .all(|(negated, ids)| u32::try_from(known.id).is_ok_and(|id| ids.contains(id)) != *negated)
}

fn by_change(found: &[Candidate]) -> Vec<(Change, u64)> {
    [Change::New, Change::Regressed, Change::Escalating, Change::Ongoing, Change::Resolved]
        .into_iter()
        .map(|change| (change, found.iter().filter(|found| found.judged.change == change).count() as u64))
        .filter(|(_, n)| *n > 0)
        .collect()
}

/// An issue as conditions see it.
pub(in crate::backend::embedded::read) struct Subject<'a> {
    pub(in crate::backend::embedded::read) issue: &'a Issue,
    pub(in crate::backend::embedded::read) history: &'a [Cell],
    pub(in crate::backend::embedded::read) counts: Counts,
    pub(in crate::backend::embedded::read) releases: &'a Releases,
}

impl Subject<'_> {
    /// Whether a condition on issues holds, its negation aside.
    pub(in crate::backend::embedded::read) fn fulfils(&self, term: &Term, bounds: &Bounds) -> Result<bool, StoreError> {
        let (field, op, values) = match &term.test {
            Test::Field { field, op, values } => (field, *op, values),
            Test::Has(field) => return Ok(self.has(field)),
            Test::Status(status) => return Ok(self.issue.status == *status),
            Test::Text(_) | Test::Change(_) => return Ok(true),
        };
        if let Some(text) = self.text(field) {
            return Ok(values.iter().any(|value| text_fits(op, value.raw(), text)));
        }
        match field {
            Field::Level => Ok(levels_of(op, values)?.contains(&self.issue.level)),
            Field::Unhandled => Ok(truth_of(values)? == self.issue.unhandled),
            Field::FirstRelease => {
                let first = first_and_last(self.history, self.releases).0;
                Ok(first.is_some_and(|first| self.releases.fitting(op, values).contains(first)))
            }
            Field::TimesSeen | Field::UserCount => {
                let own = if *field == Field::TimesSeen { self.counts.events } else { self.counts.users };
                self.any(values, |text| Ok(allows(op, own.cmp(&count_of(text)?))))
            }
            Field::FirstSeen | Field::LastSeen => {
                let times = self.history.iter();
                let own = if *field == Field::FirstSeen {
                    times.map(|cell| cell.first).min()
                } else {
                    times.map(|cell| cell.last).max()
                };
                let now = (bounds.hi != i64::MAX).then_some(bounds.hi);
                self.any(values, |text| {
                    let (lo, hi) = times_of(op, text, now)?;
                    Ok(own.is_some_and(|own| (lo..=hi).contains(&own)))
                })
            }
            _ => Ok(false),
        }
    }

    fn any(
        &self,
        values: &[crate::model::Untrusted],
        mut holds: impl FnMut(&str) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        for value in values {
            if holds(value.raw())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The text of a field that has one; empty where it is missing.
    fn text(&self, field: &Field) -> Option<&str> {
        Some(match field {
            Field::Issue => &self.issue.short_id,
            Field::Project => &self.issue.project,
            Field::Title => self.issue.title.raw(),
            Field::Type => self.issue.ty.as_ref().map_or("", |text| text.raw()),
            Field::Value => self.issue.value.as_ref().map_or("", |text| text.raw()),
            Field::Culprit => self.issue.culprit.as_ref().map_or("", |text| text.raw()),
            _ => return None,
        })
    }

    fn has(&self, field: &Field) -> bool {
        match field {
            Field::FirstRelease => first_and_last(self.history, self.releases).0.is_some(),
            _ => self.text(field).is_none_or(|text| !text.is_empty()),
        }
    }
}
