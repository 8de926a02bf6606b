//! The list of issues: who is in it, in which order, with exact counts for the page that is shown.
//! It uses `change`.
//! It never counts exactly what bounds can rank.

mod subject;

use std::{cmp::Ordering, collections::HashMap};

use roaring::RoaringBitmap;

use super::{
    cell::DayCount,
    facts::{Counts, Facts, KnownIssue},
    judge::{Judge, Judged},
    named::meant_issue,
    releases::{Releases, first_and_last, known_releases},
    scope::{EventFilter, ResolvedScope, resolve},
    terms::{Filter, Of, ready},
    time::moment,
};
use crate::{
    change::{Weight, impact},
    model::{Change, ChangeReason, Issue, Status},
    store::{Field, IssueFacts, IssueQuery, IssueRef, IssueSort, Page, Scope, StoreError, Term, Test},
};
pub(crate) use subject::Subject;

/// An issue that may be listed.
struct Candidate<K> {
    known: K,
    /// Its exact history up to the scope's end.
    history: Vec<DayCount>,
    judged: Judged,
    most: Counts,
    exact: Option<Counts>,
    /// The issue's row, once a condition needs it.
    issue: Option<Issue>,
}

/// What the issues of one answer have in common.
struct Listing<'q, T> {
    bounds: ResolvedScope,
    releases: Releases,
    since: Option<RoaringBitmap>,
    filter: Filter<'q, T>,
    /// Active users by project, in the scope.
    active: HashMap<u64, u64>,
}

/// Answers `SignalStore::issues`.
pub(crate) fn issues<F: Facts>(facts: &mut F, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
    let bounds = resolve(facts, &query.scope)?;
    let releases = known_releases(facts, &bounds)?;
    let since = query.since.as_ref().map(|names| releases.named(names)).transpose()?;
    let filter = ready(facts, &query.filter, Of::Issues, &bounds, &releases)?;
    let active = facts.active_in(&bounds, since.as_ref())?;
    let listing = Listing { bounds, releases, since, filter, active };
    let mut found = candidates(facts, &listing, query)?;
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
    let page = page(facts, &listing, query, found)?;
    let more = query.skip.saturating_add(page.len()) < total;
    let items = page.into_iter().map(|found| shown(facts, &listing.bounds, &listing.releases, &listing.active, found));
    let items = items.collect::<Result<_, _>>()?;
    Ok(Page { items, total: Some(total as u64), more, warnings: Vec::new(), by_change })
}

/// Answers `SignalStore::issue`.
pub(crate) fn issue<F: Facts>(facts: &mut F, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
    let bounds = resolve(facts, scope)?;
    let known = meant_issue(facts, issue, &bounds)?;
    let history = facts.history(&known, &bounds)?;
    let releases = known_releases(facts, &bounds)?;
    let mut judge = Judge::new(facts, &bounds, &releases, None)?;
    let judged = judge.judge(facts, &known, &history)?;
    let onset = judge.onset(facts, &known)?;
    let counts = facts.count(&known, &EventFilter::of(&bounds, None), None)?;
    let candidate = Candidate { known, history, judged, most: counts, exact: Some(counts), issue: None };
    let active = facts.active_in(&bounds, None)?;
    Ok(IssueFacts { onset, ..shown(facts, &bounds, &releases, &active, candidate)? })
}

fn candidates<F: Facts>(
    facts: &mut F,
    listing: &Listing<'_, F::Test>,
    query: &IssueQuery,
) -> Result<Vec<Candidate<F::IssueRow>>, StoreError> {
    let Listing { bounds, releases, since, filter, .. } = listing;
    let want = EventFilter::of(bounds, since.as_ref());
    let mut judge = Judge::new(facts, bounds, releases, since.as_ref())?;
    let mut found = Vec::new();
    for known in facts.known_issues(bounds)? {
        facts.go_on()?;
        if !cheap_conditions_hold(&known, query, filter) {
            continue;
        }
        let history = facts.history(&known, bounds)?;
        let most = most(&known, &history, &want);
        if most.events == 0 {
            continue;
        }
        let exact = match &filter.event {
            Some(test) => Some(facts.count(&known, &want, Some(test))?),
            None => None,
        };
        if exact.is_some_and(|counts| counts.events == 0) {
            continue;
        }
        let judged = judge.judge(facts, &known, &history)?;
        let mut candidate = Candidate { known, history, judged, most, exact, issue: None };
        if conditions_hold(facts, listing, &want, &mut candidate)? {
            found.push(candidate);
        }
    }
    Ok(found)
}

fn conditions_hold<F: Facts>(
    facts: &mut F,
    listing: &Listing<'_, F::Test>,
    want: &EventFilter<'_>,
    candidate: &mut Candidate<F::IssueRow>,
) -> Result<bool, StoreError> {
    for term in &listing.filter.issue {
        if condition_holds(facts, listing, want, candidate, term)? == term.negated {
            return Ok(false);
        }
    }
    Ok(true)
}

fn condition_holds<F: Facts>(
    facts: &mut F,
    listing: &Listing<'_, F::Test>,
    want: &EventFilter<'_>,
    candidate: &mut Candidate<F::IssueRow>,
    term: &Term,
) -> Result<bool, StoreError> {
    match &term.test {
        Test::Status(status) => return Ok(candidate.known.status() == *status),
        Test::Change(change) => return Ok(candidate.judged.change == *change),
        Test::Field { field: Field::TimesSeen | Field::UserCount, .. } => {
            count_exactly(facts, want, listing.filter.event.as_ref(), candidate)?;
        }
        _ => {}
    }
    let slug = listing.bounds.slug(candidate.known.project()).unwrap_or_default();
    let issue = match candidate.issue.take() {
        Some(issue) => issue,
        None => facts.issue_text(&candidate.known, slug, candidate.unhandled())?,
    };
    let issue: &Issue = candidate.issue.insert(issue);
    let counts = candidate.exact.unwrap_or(candidate.most);
    let subject = Subject { issue, history: &candidate.history, counts, releases: &listing.releases };
    subject.fulfils(term, &listing.bounds)
}

fn count_exactly<F: Facts>(
    facts: &mut F,
    want: &EventFilter<'_>,
    test: Option<&F::Test>,
    candidate: &mut Candidate<F::IssueRow>,
) -> Result<Counts, StoreError> {
    let counts = match candidate.exact {
        Some(counts) => counts,
        None => facts.count(&candidate.known, want, test)?,
    };
    candidate.exact = Some(counts);
    Ok(counts)
}

/// The page in order, its counts exact. Whoever can't reach the page by the most it may have is not counted.
fn page<F: Facts>(
    facts: &mut F,
    listing: &Listing<'_, F::Test>,
    query: &IssueQuery,
    mut found: Vec<Candidate<F::IssueRow>>,
) -> Result<Vec<Candidate<F::IssueRow>>, StoreError> {
    let want = EventFilter::of(&listing.bounds, listing.since.as_ref());
    let test = listing.filter.event.as_ref();
    let wanted = query.skip.saturating_add(query.limit);
    found.sort_by(|a, b| {
        let most = |c: &Candidate<F::IssueRow>| c.rank(query, &listing.active, c.exact.unwrap_or(c.most));
        most(b).total_cmp(&most(a)).then_with(|| b.last().cmp(&a.last())).then_with(|| a.known.id().cmp(&b.known.id()))
    });
    // Of equals the one that came first in this order stays first, whatever page is asked for.
    let mut best: Vec<(f64, Candidate<F::IssueRow>)> = Vec::new();
    for mut candidate in found {
        let most = candidate.rank(query, &listing.active, candidate.exact.unwrap_or(candidate.most));
        if best.len() >= wanted && best.get(wanted.saturating_sub(1)).is_none_or(|(rank, _)| *rank >= most) {
            break;
        }
        let counts = count_exactly(facts, &want, test, &mut candidate)?;
        let rank = candidate.rank(query, &listing.active, counts);
        let at = best.partition_point(|(better, _)| better.total_cmp(&rank) != Ordering::Less);
        best.insert(at, (rank, candidate));
        best.truncate(wanted);
    }
    Ok(best.into_iter().skip(query.skip).map(|(_, candidate)| candidate).collect())
}

fn shown<F: Facts>(
    facts: &F,
    bounds: &ResolvedScope,
    releases: &Releases,
    active: &HashMap<u64, u64>,
    candidate: Candidate<F::IssueRow>,
) -> Result<IssueFacts, StoreError> {
    let Candidate { known, history, exact, most, .. } = &candidate;
    let counts = exact.unwrap_or(*most);
    let slug = bounds.slug(known.project()).unwrap_or_default();
    let (first_release, last_release) = first_and_last(history, releases);
    let mut environments: Vec<u32> = history.iter().map(|cell| cell.env).filter(|env| *env != 0).collect();
    environments.sort_unstable();
    environments.dedup();
    let mut environments: Vec<_> =
        environments.into_iter().map(|env| facts.environment_name(env)).collect::<Result<_, _>>()?;
    environments.sort();
    Ok(IssueFacts {
        issue: facts.issue_text(known, slug, candidate.unhandled())?,
        events: counts.events,
        users: counts.users,
        users_known: true,
        active_users: active.get(&known.project()).copied().unwrap_or(0),
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

/// More than any impact; small enough that impacts on top of it keep their digits.
const BROKE: f64 = 1e12;

impl<K: KnownIssue> Candidate<K> {
    fn last(&self) -> i64 {
        self.history.iter().map(|cell| cell.last).max().unwrap_or(i64::MIN)
    }

    fn unhandled(&self) -> bool {
        self.history.iter().any(|cell| cell.unhandled > 0)
    }

    /// What it is sorted by; grows with the counts.
    fn rank(&self, query: &IssueQuery, active: &HashMap<u64, u64>, counts: Counts) -> f64 {
        let active = active.get(&self.known.project()).copied().unwrap_or(0);
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
        match self.known.status() {
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
            status: self.known.status(),
            as_of: query.scope.end.unwrap_or_else(|| moment(self.last())),
        })
    }
}

/// The most that may be counted: whole and cut cells alike; users no more than named events and all users there are.
fn most(known: &impl KnownIssue, history: &[DayCount], want: &EventFilter<'_>) -> Counts {
    let mut most = Counts::default();
    let mut named = 0;
    // The history ends with the scope, so a cell that lasts into the scope has an event in it.
    for cell in history.iter().filter(|cell| want.touches(cell)) {
        most.events += cell.events;
        most.replays += cell.replays;
        named += cell.named;
    }
    most.users = named.min(known.most_users());
    most
}

fn asks_for_status(filter: &[Term]) -> bool {
    filter.iter().any(|term| matches!(term.test, Test::Status(_)))
}

fn cheap_conditions_hold<T>(known: &impl KnownIssue, query: &IssueQuery, filter: &Filter<'_, T>) -> bool {
    (query.status.is_empty() || query.status.contains(&known.status()))
        && query.level.is_none_or(|level| level == known.level())
        && filter.texts_fit(known.id())
}

fn by_change<K>(found: &[Candidate<K>]) -> Vec<(Change, u64)> {
    [Change::New, Change::Regressed, Change::Escalating, Change::Ongoing, Change::Resolved]
        .into_iter()
        .map(|change| (change, found.iter().filter(|found| found.judged.change == change).count() as u64))
        .filter(|(_, n)| *n > 0)
        .collect()
}
