//! Histories and exact counts of issues.
//! It uses ClickHouse's SQL.
//! It never adds up users: distinct ones are counted for each question.

use std::collections::HashMap;

use super::{issues::IssueRow, moment::Moment, test::EventTest};
use crate::{
    answers::{Counts, DAY_US, DayCount, EventFilter, ResolvedScope, day_of},
    backend::cluster::clickhouse::list,
    store::StoreError,
};

/// Issues that are named one by one; more are those of their projects.
const NAMED: usize = 500;

/// The UTC day of an event, counted from 1970.
pub(super) const DAY: &str = "toInt64(floor(ts / 86400000000))";
/// Its hour.
pub(super) const HOUR: &str = "toInt64(floor(ts / 3600000000))";

/// An issue and one of its cells, as ClickHouse tells it.
type CellRow = (i64, i64, u32, u32, u64, u64, u64, u64, i64, i64);

fn cell_of((issue, day, rel, env, events, named, replays, unhandled, first, last): CellRow) -> (i64, DayCount) {
    (issue, DayCount { rel, env, day, events, named, unhandled, replays, first, last })
}

/// The scope's projects and environment as a condition.
pub(super) fn places(bounds: &ResolvedScope) -> String {
    let projects = list(bounds.projects.iter().map(|(id, _)| id));
    format!("project IN {projects}{}", environment(bounds.env))
}

/// An environment as a condition that follows others.
pub(super) fn environment(env: Option<u32>) -> String {
    env.map_or(String::new(), |env| format!(" AND env={env}"))
}

/// A time as a condition that follows others.
pub(super) fn between(column: &str, lo: i64, hi: i64) -> String {
    let lo = if lo == i64::MIN { String::new() } else { format!(" AND {column}>={lo}") };
    let hi = if hi == i64::MAX { String::new() } else { format!(" AND {column}<={hi}") };
    lo + &hi
}

/// What `want` takes, as a condition that follows others.
pub(super) fn wanted(want: &EventFilter<'_>) -> String {
    let rels = want.rels.map_or(String::new(), |rels| format!(" AND rel IN {}", list(rels)));
    format!("{}{}{rels}", between("ts", want.lo, want.hi), environment(want.env))
}

impl Moment {
    /// The exact histories of issues up to the end of the scope and of its environment.
    pub(super) fn histories(
        &self,
        ids: &[i64],
        bounds: &ResolvedScope,
    ) -> Result<HashMap<i64, Vec<DayCount>>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut at = places(bounds);
        if ids.len() <= NAMED {
            at += &format!(" AND issue IN {}", list(ids));
        }
        let (whole, cut) = match bounds.hi {
            i64::MAX => (String::new(), None),
            hi => {
                let day = day_of(hi);
                (format!(" AND day<{day}"), Some(between("ts", day.saturating_mul(DAY_US), hi)))
            }
        };
        let mut sql = format!(
            "SELECT issue, day, rel, env, sum(events), sum(named), sum(replays), sum(unhandled), min(first), max(last)
             FROM cell WHERE {at}{whole} GROUP BY issue, day, rel, env"
        );
        if let Some(cut) = cut {
            sql += &format!(
                " UNION ALL SELECT issue, {DAY} AS day, rel, env, count(), countIf(user!=0), countIf(replayed),
                    countIf(unhandled), min(ts), max(ts) FROM event WHERE {at}{cut} GROUP BY issue, day, rel, env"
            );
        }
        let mut found: HashMap<i64, Vec<DayCount>> = HashMap::new();
        for (issue, cell) in self.facts::<CellRow>(&sql)?.into_iter().map(cell_of) {
            found.entry(issue).or_default().push(cell);
        }
        found.values_mut().for_each(|cells| cells.sort_unstable_by_key(DayCount::key));
        Ok(found)
    }

    /// The part of an exact history that lies within the scope, exact at its start too.
    pub(super) fn cells_from(
        &mut self,
        known: &IssueRow,
        history: &[DayCount],
        bounds: &ResolvedScope,
    ) -> Result<Vec<DayCount>, StoreError> {
        let want = EventFilter::of(bounds, None);
        let (mut cells, cut): (Vec<DayCount>, Vec<DayCount>) =
            history.iter().filter(|cell| want.touches(cell)).partition(|cell| want.holds(cell));
        if cut.is_empty() {
            return Ok(cells);
        }
        let day = day_of(bounds.lo);
        let end = day.saturating_add(1).saturating_mul(DAY_US) - 1;
        let mut at = format!("{}{}", places(bounds), between("ts", bounds.lo, bounds.hi.min(end)));
        if !self.many {
            at += &format!(" AND issue={}", known.id);
        }
        if !self.cut.contains_key(&at) {
            let sql = format!(
                "SELECT issue, {DAY} AS day, rel, env, count(), countIf(user!=0), countIf(replayed), countIf(unhandled),
                   min(ts), max(ts) FROM event WHERE {at} GROUP BY issue, day, rel, env"
            );
            let mut found: HashMap<i64, Vec<DayCount>> = HashMap::new();
            for (issue, cell) in self.facts::<CellRow>(&sql)?.into_iter().map(cell_of) {
                found.entry(issue).or_default().push(cell);
            }
            self.cut.insert(at.clone(), found);
        }
        let counted = self.cut.get(&at).and_then(|found| found.get(&known.id));
        let keys: Vec<_> = cut.iter().map(DayCount::key).collect();
        cells.extend(counted.into_iter().flatten().filter(|cell| keys.contains(&cell.key())));
        Ok(cells)
    }

    /// Counts what `want` takes and `test` holds for.
    pub(super) fn count(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
        test: Option<&EventTest>,
    ) -> Result<Counts, StoreError> {
        let mut at = format!("project={}{}", known.project, wanted(want));
        if let Some(test) = test {
            at += &format!(" AND {}", test.sql);
        }
        if !self.many {
            at += &format!(" AND issue={}", known.id);
        }
        if !self.counted.contains_key(&at) {
            let sql = format!(
                "SELECT issue, count(), uniqExactIf(user, user!=0), countIf(replayed) FROM event WHERE {at} GROUP BY issue"
            );
            let counts = self.facts::<(i64, u64, u64, u64)>(&sql)?.into_iter();
            let counts = counts.map(|(issue, events, users, replays)| (issue, Counts { events, users, replays }));
            self.counted.insert(at.clone(), counts.collect());
        }
        Ok(self.counted.get(&at).and_then(|counts| counts.get(&known.id)).copied().unwrap_or_default())
    }
}
