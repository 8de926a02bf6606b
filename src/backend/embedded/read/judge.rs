//! What changed about an issue: gathers what `change` looks at.
//! It uses `rusqlite` and `change`.
//! It never decides itself.

use std::collections::HashMap;

use rusqlite::params;

use super::{
    known::Known,
    pool::Snapshot,
    releases::Releases,
    scope::{Bounds, Want},
};
use crate::{
    backend::embedded::{
        pack::{Cell, DAY_US, day_of, hour_of, moment},
        write::BY_SESSIONS,
    },
    change::{Day, History, InRelease, classify},
    model::{Change, ChangeReason, Timestamp},
    store::StoreError,
};

/// Days that are looked back for growth.
const DAYS: i64 = 60;

/// How much a project was used: sessions, or all events where there are no sessions.
#[derive(Default)]
struct Use {
    by_sessions: bool,
    by_release: HashMap<u32, u64>,
    by_day: HashMap<i64, u64>,
    first_day: Option<i64>,
}

/// Judges the issues of a scope, one after another.
pub(super) struct Judge {
    /// By project.
    uses: HashMap<u64, Use>,
    /// By project: the releases, with the places of their numbers; the counts are those of the issue at hand.
    releases: HashMap<u64, (Vec<InRelease>, HashMap<u32, usize>)>,
    since: HashMap<u64, usize>,
    start: Option<Timestamp>,
    as_of: i64,
}

/// An issue's history in numbers.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) change: Change,
    pub(super) why: ChangeReason,
}

impl Judge {
    /// Gathers what all issues of the scope share.
    pub(super) fn new(
        snapshot: &mut Snapshot<'_>,
        bounds: &Bounds,
        releases: &Releases,
        since: Option<&roaring::RoaringBitmap>,
    ) -> Result<Self, StoreError> {
        let (uses, newest) = uses(snapshot, bounds)?;
        let mut judge = Self {
            uses,
            releases: HashMap::new(),
            since: HashMap::new(),
            start: (bounds.lo != i64::MIN).then(|| moment(bounds.lo)),
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
    pub(super) fn judge(&mut self, known: &Known, history: &[Cell]) -> Judged {
        let (list, places) = self.releases.entry(known.project).or_default();
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
        let days = days_of(self.uses.get(&known.project), history, self.as_of);
        let first = history.iter().map(|cell| cell.first).min().unwrap_or(self.as_of);
        let last = history.iter().map(|cell| cell.last).max().unwrap_or(self.as_of);
        let (change, why) = classify(&History {
            releases: list,
            since: self.since.get(&known.project).copied(),
            start: self.start,
            as_of: moment(self.as_of),
            first_seen: moment(first),
            last_seen: moment(last),
            status: known.status,
            resolution: known.resolution.as_ref(),
            after_resolution: None,
            days: &days,
        });
        Judged { change, why }
    }
}

/// The days up to `as_of`, each with the issue's events and the project's use.
fn days_of(used: Option<&Use>, history: &[Cell], as_of: i64) -> Vec<Day> {
    let today = day_of(as_of);
    let first = history.iter().map(|cell| cell.day).min().unwrap_or(today);
    let first = used.and_then(|used| used.first_day).unwrap_or(first).min(first).max(today - DAYS);
    let mut events = vec![0; usize::try_from(today - first + 1).unwrap_or(0)];
    for cell in history {
        if let Some(day) = usize::try_from(cell.day - first).ok().and_then(|day| events.get_mut(day)) {
            *day += cell.events;
        }
    }
    let day = |(day, events): (i64, u64)| {
        let all = used.and_then(|used| used.by_day.get(&day)).copied().unwrap_or(0);
        let by_sessions = used.is_some_and(|used| used.by_sessions);
        let exposure = if by_sessions { all } else { all.saturating_sub(events) };
        Day { start: moment(day * DAY_US), events, exposure }
    };
    (first..).zip(events).map(day).collect()
}

/// How much each project was used up to the scope's end, and the newest sign of life.
fn uses(snapshot: &mut Snapshot<'_>, bounds: &Bounds) -> Result<(HashMap<u64, Use>, i64), StoreError> {
    let mut rows = active_rows(snapshot, bounds)?;
    let mut newest = rows.iter().map(|row| row.last).max().unwrap_or(0);
    if rows.iter().any(|row| row.last > bounds.hi) {
        cut_rows(snapshot, bounds, &mut rows)?;
    }
    tail_rows(snapshot, bounds, &mut rows, &mut newest)?;
    let mut uses: HashMap<u64, Use> = HashMap::new();
    for row in &rows {
        uses.entry(row.project).or_default().by_sessions |= row.kind == BY_SESSIONS && row.n > 0;
    }
    for row in rows {
        let used = uses.entry(row.project).or_default();
        used.first_day = Some(used.first_day.map_or(row.day, |day| day.min(row.day)));
        if (row.kind == BY_SESSIONS) == used.by_sessions {
            *used.by_release.entry(row.rel).or_default() += row.n;
            *used.by_day.entry(row.day).or_default() += row.n;
        }
    }
    Ok((uses, newest.min(bounds.hi)))
}

/// One row of `active`, without its users.
pub(super) struct Active {
    pub(super) project: u64,
    pub(super) rel: u32,
    pub(super) env: u32,
    pub(super) day: i64,
    pub(super) kind: i64,
    pub(super) n: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What was active in the scope's projects and environment up to its end; rows may reach past it.
pub(super) fn active_rows(snapshot: &Snapshot<'_>, bounds: &Bounds) -> Result<Vec<Active>, StoreError> {
    let sql = "SELECT rel, env, day, kind, n, first, last FROM active
               WHERE project=?1 AND (?2 IS NULL OR env=?2) AND day<=?3 AND first<=?4";
    let mut rows = Vec::new();
    for (project, _) in &bounds.projects {
        let mut statement = snapshot.conn.prepare_cached(sql)?;
        let found = statement.query_map(params![project, bounds.env, day_of(bounds.hi), bounds.hi], |row| {
            Ok(Active {
                project: *project,
                rel: row.get(0)?,
                env: row.get(1)?,
                day: row.get(2)?,
                kind: row.get(3)?,
                n: row.get(4)?,
                first: row.get(5)?,
                last: row.get(6)?,
            })
        })?;
        for row in found {
            rows.push(row?);
        }
    }
    Ok(rows)
}

/// Counts anew what reaches past the scope's end: events by their issues' histories, sessions by whole hours.
pub(super) fn cut_rows(
    snapshot: &mut Snapshot<'_>,
    bounds: &Bounds,
    rows: &mut Vec<Active>,
) -> Result<(), StoreError> {
    let (mut cut, whole): (Vec<Active>, Vec<Active>) = rows.drain(..).partition(|row| row.last > bounds.hi);
    *rows = whole;
    let day = day_of(bounds.hi);
    let today = Bounds { lo: day.saturating_mul(DAY_US), ..bounds.clone() };
    let mut counted: HashMap<(u64, u32, u32), (u64, i64)> = HashMap::new();
    for mut known in snapshot.known_issues(&today)? {
        known.tail.clear();
        for cell in known.history(snapshot, bounds)?.iter().filter(|cell| cell.day == day) {
            let sum = counted.entry((known.project, cell.rel, cell.env)).or_insert((0, cell.last));
            *sum = (sum.0 + cell.events, sum.1.max(cell.last));
        }
    }
    for row in &mut cut {
        (row.n, row.last) = if row.kind == BY_SESSIONS {
            (sessions_until(snapshot, row, bounds.hi)?, bounds.hi)
        } else {
            counted.get(&(row.project, row.rel, row.env)).copied().unwrap_or((0, row.first))
        };
    }
    rows.extend(cut.into_iter().filter(|row| row.n > 0));
    Ok(())
}

fn sessions_until(snapshot: &Snapshot<'_>, row: &Active, hi: i64) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(total), 0) FROM sess WHERE rel=?1 AND env=?2 AND hour BETWEEN ?3 AND ?4";
    let hours = params![row.rel, row.env, row.day * 24, hour_of(hi)];
    Ok(snapshot.conn.prepare_cached(sql)?.query_row(hours, |row| row.get(0))?)
}

/// What is not folded yet, as rows of its own.
pub(super) fn tail_rows(
    snapshot: &Snapshot<'_>,
    bounds: &Bounds,
    rows: &mut Vec<Active>,
    newest: &mut i64,
) -> Result<(), StoreError> {
    let want = Want { lo: i64::MIN, ..Want::of(bounds, None) };
    let projects = snapshot.projects_of_tail()?;
    for (issue, facts) in snapshot.tails()? {
        let Some(project) = projects.get(&issue).filter(|project| bounds.slug(**project).is_some()) else { continue };
        for fact in facts.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)) {
            *newest = (*newest).max(fact.ts);
            rows.push(Active {
                project: *project,
                rel: fact.rel,
                env: fact.env,
                day: day_of(fact.ts),
                kind: 0,
                n: 1,
                first: fact.ts,
                last: fact.ts,
            });
        }
    }
    Ok(())
}

impl Snapshot<'_> {
    /// The project of each issue that has unfolded events.
    pub(super) fn projects_of_tail(&self) -> Result<HashMap<i64, u64>, StoreError> {
        let sql = "SELECT id, project FROM issue WHERE id IN (SELECT DISTINCT issue FROM tail)";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
