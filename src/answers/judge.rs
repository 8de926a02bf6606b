//! What changed about an issue: gathers what `change` looks at.
//! It uses `change`.
//! It never decides itself.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    cell::DayCount,
    facts::{Activity, Facts, KnownIssue},
    releases::Releases,
    scope::ResolvedScope,
    time::{day_of, moment},
    traffic::Traffic,
};
use crate::{
    change::{History, InRelease, Series, classify, may_have_risen},
    model::{Change, ChangeReason, Onset},
    store::StoreError,
};

/// Days that are looked back for growth.
const DAYS: i64 = 56;

/// How much a project was used: sessions, else requests, else all events.
#[derive(Default)]
struct Use {
    by_release: HashMap<u32, u64>,
    first_day: Option<i64>,
}

/// Judges the issues of a scope, one after another.
pub(crate) struct Judge {
    /// By project.
    uses: HashMap<u64, Use>,
    /// By project: the releases, with the places of their numbers; the counts are those of the issue at hand.
    releases: HashMap<u64, (Vec<InRelease>, HashMap<u32, usize>)>,
    since: HashMap<u64, usize>,
    /// By project, once an issue needs it.
    traffic: Option<HashMap<u64, Traffic>>,
    bounds: ResolvedScope,
    as_of: i64,
}

/// An issue's history in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) change: Change,
    pub(crate) why: ChangeReason,
}

impl Judge {
    /// Gathers what all issues of the scope share.
    pub(crate) fn new(
        facts: &mut impl Facts,
        bounds: &ResolvedScope,
        releases: &Releases,
        since: Option<&RoaringBitmap>,
    ) -> Result<Self, StoreError> {
        let (uses, newest) = uses(facts, bounds)?;
        let mut judge = Self {
            uses,
            releases: HashMap::new(),
            since: HashMap::new(),
            traffic: None,
            bounds: bounds.clone(),
            as_of: if bounds.hi == i64::MAX { newest } else { bounds.hi },
        };
        for known in &releases.list {
            let (list, places) = judge.releases.entry(known.project).or_default();
            if since.is_some_and(|since| since.contains(known.id)) {
                judge.since.entry(known.project).or_insert(list.len());
            }
            let used = judge.uses.get(&known.project).and_then(|used| used.by_release.get(&known.id));
            places.insert(known.id, list.len());
            list.push(InRelease {
                release: known.version.as_str().into(),
                events: 0,
                exposure: used.copied().unwrap_or(0),
                first: None,
                last: None,
            });
        }
        Ok(judge)
    }

    /// Judges one issue by its exact history, which is not empty.
    pub(crate) fn judge<F: Facts>(
        &mut self,
        facts: &mut F,
        known: &F::IssueRow,
        history: &[DayCount],
    ) -> Result<Judged, StoreError> {
        let judged = self.classify(known, history, &Series::default());
        let first_day = self.uses.get(&known.project()).and_then(|used| used.first_day);
        // Hours are read only of those whose days look like a rise: counting them takes a pass over the events.
        if judged.change != Change::Ongoing || !may_have_risen(&days_of(first_day, history, self.as_of)) {
            return Ok(judged);
        }
        let series = self.series(facts, known)?;
        Ok(self.classify(known, history, &series))
    }

    /// When the issue's rate rose, wherever the scope starts.
    pub(crate) fn onset<F: Facts>(&mut self, facts: &mut F, known: &F::IssueRow) -> Result<Option<Onset>, StoreError> {
        Ok(crate::change::onset(&self.series(facts, known)?))
    }

    fn series<F: Facts>(&mut self, facts: &mut F, known: &F::IssueRow) -> Result<Series, StoreError> {
        if self.traffic.is_none() {
            self.traffic = Some(facts.traffic(&self.bounds, self.as_of)?);
        }
        let traffic = self.traffic.as_ref().and_then(|traffic| traffic.get(&known.project()));
        facts.series(known, traffic, &self.bounds)
    }

    fn classify(&mut self, known: &impl KnownIssue, history: &[DayCount], series: &Series) -> Judged {
        let (list, places) = self.releases.entry(known.project()).or_default();
        for release in list.iter_mut() {
            (release.events, release.first, release.last) = (0, None, None);
        }
        for cell in history {
            let Some(release) = places.get(&cell.rel).and_then(|place| list.get_mut(*place)) else { continue };
            let (first, last) = (moment(cell.first), moment(cell.last));
            release.events += cell.events;
            release.first = Some(release.first.map_or(first, |seen| seen.min(first)));
            release.last = Some(release.last.map_or(last, |seen| seen.max(last)));
        }
        let first = history.iter().map(|cell| cell.first).min().unwrap_or(self.as_of);
        let last = history.iter().map(|cell| cell.last).max().unwrap_or(self.as_of);
        let (change, why) = classify(&History {
            releases: list,
            since: self.since.get(&known.project()).copied(),
            start: (self.bounds.lo != i64::MIN).then(|| moment(self.bounds.lo)),
            as_of: moment(self.as_of),
            first_seen: moment(first),
            last_seen: moment(last),
            status: known.status(),
            resolution: known.resolution(),
            after_resolution: None,
            series,
        });
        Judged { change, why }
    }
}

/// Events by day, up to `as_of`, from the first day of the project on.
fn days_of(first_day: Option<i64>, history: &[DayCount], as_of: i64) -> Vec<u64> {
    let today = day_of(as_of);
    let first = history.iter().map(|cell| cell.day).min().unwrap_or(today);
    let first = first_day.unwrap_or(first).min(first).max(today - DAYS);
    let mut events = vec![0; usize::try_from(today - first + 1).unwrap_or(0)];
    for cell in history {
        if let Some(day) = usize::try_from(cell.day - first).ok().and_then(|day| events.get_mut(day)) {
            *day += cell.events;
        }
    }
    events
}

/// How much each project was used up to the scope's end, and the newest sign of life.
fn uses(facts: &mut impl Facts, bounds: &ResolvedScope) -> Result<(HashMap<u64, Use>, i64), StoreError> {
    let rows = facts.activity(bounds)?;
    let newest = rows.iter().map(|row| row.last).max().unwrap_or(0);
    let mut uses: HashMap<u64, Use> = HashMap::new();
    let by = Activity::best(&rows, |row| row.project);
    for row in rows {
        let used = uses.entry(row.project).or_default();
        used.first_day = Some(used.first_day.map_or(row.day, |day| day.min(row.day)));
        if by.get(&row.project) == Some(&row.by) {
            *used.by_release.entry(row.rel).or_default() += row.n;
        }
    }
    Ok((uses, newest.min(bounds.hi)))
}
