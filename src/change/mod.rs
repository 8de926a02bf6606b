//! What changed about an issue: new, regressed, escalating, ongoing, resolved, and the numbers behind.
//! It uses `model` alone.
//! It never does IO, never reads a clock.
//!
//! The rules, the first that holds:
//!
//! 1. Somebody resolved it. No event since: resolved. An event since, in the release with the fix or a later one:
//!    regressed. Releases older than the one with the fix may go on failing.
//! 2. Never seen before the release (or the period) that was asked for: new.
//! 3. It was gone and came back: absent from releases that were used enough for at least three events at its usual
//!    rate, so that chance leaves them clean less than once in twenty times: regressed.
//! 4. Its rate rose within the last two weeks by more than chance explains, and is still raised: escalating. See `onset`.
//! 5. Else it is ongoing.

mod contrast;
mod impact;
mod onset;
mod series;
mod slower;

pub use impact::{Weight, impact};
pub use onset::{may_have_risen, onset};
pub use series::{Hour, Series};
pub use slower::{Requests, slower};

use crate::model::{Change, ChangeReason, Resolution, Status, Timestamp, Untrusted};

/// Events that clean releases must have been expected to bring, for their being clean to mean anything:
/// at three, chance leaves them clean less than once in twenty times (e^-3).
const EXPECTED: f64 = 3.0;

/// What rose longer ago is the usual rate by now: two weeks, in hours.
const RECENT: usize = 14 * 24;

/// Without a start of the period, an issue is new for so many seconds.
const NEW_FOR_S: i64 = 7 * 24 * 3600;

/// What is known of an issue in one release.
#[derive(Clone, Debug, PartialEq)]
pub struct InRelease {
    /// The release.
    pub release: Untrusted,
    /// Events of the issue.
    pub events: u64,
    /// How much the release was used: sessions, or all events where there are no sessions; one unit for all releases.
    pub exposure: u64,
    /// First event of the issue in it.
    pub first: Option<Timestamp>,
    /// Last event of the issue in it.
    pub last: Option<Timestamp>,
}

/// All that is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct History<'a> {
    /// Every release of the scope, oldest first, those without an event of the issue included.
    pub releases: &'a [InRelease],
    /// Which release was asked for, as an index.
    pub since: Option<usize>,
    /// First moment of the period that was asked for.
    pub start: Option<Timestamp>,
    /// The moment that the answer speaks of.
    pub as_of: Timestamp,
    /// First event of the issue, whatever the scope's start.
    pub first_seen: Timestamp,
    /// Last event of the issue.
    pub last_seen: Timestamp,
    /// What somebody decided.
    pub status: Status,
    /// When it was resolved.
    pub resolution: Option<&'a Resolution>,
    /// First event after the resolution, in the release with the fix or a later one, where the store has looked it
    /// up. Otherwise it is worked out from first and last events of releases, and may be too late.
    pub after_resolution: Option<Timestamp>,
    /// Whole hours up to `as_of`. Without any, nothing escalates.
    pub series: &'a Series,
}

/// Says what changed, and why.
pub fn classify(history: &History<'_>) -> (Change, ChangeReason) {
    if let Some(decided) = of_resolution(history) {
        return decided;
    }
    if let Some(reason) = first_seen(history) {
        return (Change::New, reason);
    }
    if let Some(reason) = returned(history) {
        return (Change::Regressed, reason);
    }
    if let Some(onset) = onset::onset_within(history.series, RECENT).filter(|onset| onset.going_on) {
        return (Change::Escalating, ChangeReason::Grew(onset));
    }
    (Change::Ongoing, steady(history))
}

fn of_resolution(history: &History<'_>) -> Option<(Change, ChangeReason)> {
    let resolution = history.resolution.filter(|_| history.status == Status::Resolved)?;
    let again = history.after_resolution.or_else(|| event_after(history, resolution));
    Some(match again {
        None => (Change::Resolved, ChangeReason::Quiet { resolved_at: resolution.at }),
        Some(again_at) => {
            let in_release = resolution.in_release.clone();
            (Change::Regressed, ChangeReason::SinceResolved { resolved_at: resolution.at, in_release, again_at })
        }
    })
}

/// The first event that the fix should have prevented. A release with the fix that nobody has seen yet prevents none.
fn event_after(history: &History<'_>, resolution: &Resolution) -> Option<Timestamp> {
    if let Some(newest) = resolution.after_release.as_ref().filter(|_| resolution.in_release.is_none()) {
        let newest = history.releases.iter().position(|r| r.release == *newest)?;
        return history.releases[newest + 1..].iter().filter_map(|r| after(r, resolution.at)).min();
    }
    let Some(fixed_in) = &resolution.in_release else {
        let of_releases = history.releases.iter().filter_map(|r| after(r, resolution.at)).min();
        return of_releases.or((history.last_seen > resolution.at).then_some(history.last_seen));
    };
    let from = history.releases.iter().position(|r| r.release == *fixed_in)?;
    history.releases[from..].iter().filter_map(|r| after(r, resolution.at)).min()
}

fn after(release: &InRelease, moment: Timestamp) -> Option<Timestamp> {
    [release.first, release.last].into_iter().flatten().find(|at| *at > moment)
}

fn first_release(history: &History<'_>) -> Option<usize> {
    history.releases.iter().position(|r| r.events > 0)
}

fn first_seen(history: &History<'_>) -> Option<ChangeReason> {
    let first = first_release(history);
    let new = match (history.since, first) {
        (Some(since), Some(first)) => first >= since,
        (Some(_), None) => false,
        (None, _) => match history.start {
            Some(start) => history.first_seen >= start,
            None => history.as_of.as_second().saturating_sub(history.first_seen.as_second()) <= NEW_FOR_S,
        },
    };
    let clean = |first: usize| history.releases[..first].iter().filter(|r| r.exposure > 0).count() as u64;
    new.then(|| ChangeReason::FirstSeen {
        release: first.map(|at| history.releases[at].release.clone()),
        at: history.first_seen,
        clean_releases: first.map_or(0, clean),
    })
}

/// The newest return after releases without the issue, at or after the release asked for, or within the period.
fn returned(history: &History<'_>) -> Option<ChangeReason> {
    let releases = history.releases;
    let asked = |at: usize| match (history.since, history.start) {
        (Some(since), _) => at >= since,
        (None, Some(start)) => releases[at].first.is_some_and(|first| first >= start),
        (None, None) => true,
    };
    let back = (0..releases.len()).filter(|at| releases[*at].events > 0 && asked(*at));
    let sums = Sums::of(releases);
    back.rev().find_map(|back| return_to(releases, &sums, back))
}

fn return_to(releases: &[InRelease], sums: &Sums, back: usize) -> Option<ChangeReason> {
    let last_bad = releases[..back].iter().rposition(|r| r.events > 0)?;
    let used: Vec<&InRelease> = releases[last_bad + 1..back].iter().filter(|r| r.exposure > 0).collect();
    let clean_use: u64 = used.iter().map(|r| r.exposure).sum();
    let expected = sums.usual_rate(last_bad)? * clean_use as f64;
    (expected >= EXPECTED).then(|| ChangeReason::Returned {
        last_bad: releases[last_bad].release.clone(),
        absent: used.iter().map(|r| r.release.clone()).collect(),
        expected,
        back_in: releases[back].release.clone(),
        back_at: releases[back].first,
    })
}

/// Events and use of the releases with both, up to each release: asked for each return, so added up once.
struct Sums(Vec<(u64, u64)>);

impl Sums {
    fn of(releases: &[InRelease]) -> Self {
        let sums = releases.iter().scan((0, 0), |(events, exposure), release| {
            if release.events > 0 && release.exposure > 0 {
                (*events, *exposure) = (*events + release.events, *exposure + release.exposure);
            }
            Some((*events, *exposure))
        });
        Self(sums.collect())
    }

    /// Events for each unit of use, over all releases that have any. What it was up to the last bad release before it was
    /// gone counts alone when it was higher, provided that it rests on more than one event.
    fn usual_rate(&self, last_bad: usize) -> Option<f64> {
        let rate = |sums: Option<&(u64, u64)>, fewest: u64| {
            let (events, exposure) = *sums?;
            (events >= fewest && exposure > 0).then(|| events as f64 / exposure as f64)
        };
        let overall = rate(self.0.last(), 1)?;
        Some(rate(self.0.get(last_bad), 2).map_or(overall, |before| before.max(overall)))
    }
}

fn steady(history: &History<'_>) -> ChangeReason {
    let since_release = first_release(history).map(|at| history.releases[at].release.clone());
    ChangeReason::Steady { since_release, since: history.first_seen }
}
