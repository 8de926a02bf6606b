//! What was active when: releases and environments by day, with their users.
//! It uses `rusqlite` and the packed forms.
//! It never counts what happened after the scope's end.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::engine::{
    chunks::Unpack,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
pub(in crate::backend::embedded::read) use crate::answers::{Active, Activity};
use crate::{
    backend::embedded::{
        pack::{DAY_US, day_of, decode_users, hour_of},
        write::{BY_REQUESTS, BY_SESSIONS},
    },
    store::StoreError,
};

/// The kind of `active` rows of an activity.
fn kind_of(by: Activity) -> i64 {
    match by {
        Activity::Events => 0,
        Activity::Requests => BY_REQUESTS,
        Activity::Sessions => BY_SESSIONS,
    }
}

fn of_kind(kind: i64) -> Activity {
    match kind {
        BY_SESSIONS => Activity::Sessions,
        BY_REQUESTS => Activity::Requests,
        _ => Activity::Events,
    }
}

/// Events of a release and environment that the sums by day can't tell, by (project, release, environment).
type Edge = HashMap<(u64, u32, u32), (u64, i64, i64, RoaringBitmap)>;

impl Snapshot<'_> {
    /// Everything that was active in the scope's projects and environment up to its end, whatever its start.
    pub(in crate::backend::embedded::read) fn activity(
        &mut self,
        bounds: &ResolvedScope,
    ) -> Result<Vec<Active>, StoreError> {
        let (mut rows, cut) = self.whole_rows(bounds)?;
        if !cut.is_empty() {
            let day = day_of(bounds.hi);
            let edge = self.edge(bounds, day.saturating_mul(DAY_US), bounds.hi)?;
            for row in cut {
                rows.extend(self.until_end(row, &edge, bounds.hi)?);
            }
        }
        self.tail_rows(bounds, &mut rows)?;
        Ok(rows)
    }

    /// The stored rows that end before the scope does, and those that don't.
    fn whole_rows(&self, bounds: &ResolvedScope) -> Result<(Vec<Active>, Vec<Active>), StoreError> {
        let sql = "SELECT rel, env, day, kind, n, first, last FROM active
                   WHERE project=?1 AND (?2 IS NULL OR env=?2) AND first<=?3";
        let mut rows = Vec::new();
        for (project, _) in &bounds.projects {
            let mut statement = self.conn.prepare_cached(sql)?;
            let found = statement.query_map(params![project, bounds.env, bounds.hi], |row| {
                Ok(Active {
                    project: *project,
                    rel: row.get(0)?,
                    env: row.get(1)?,
                    day: row.get(2)?,
                    by: of_kind(row.get(3)?),
                    n: row.get(4)?,
                    first: row.get(5)?,
                    last: row.get(6)?,
                })
            })?;
            for row in found {
                rows.push(row?);
            }
        }
        Ok(rows.into_iter().partition(|row| row.last <= bounds.hi))
    }

    /// A row that reaches past the scope's end, counted up to it: events one by one, all else by whole hours.
    fn until_end(&self, row: Active, edge: &Edge, hi: i64) -> Result<Option<Active>, StoreError> {
        let sql = match row.by {
            Activity::Events => {
                let counted = edge.get(&(row.project, row.rel, row.env));
                return Ok(counted.map(|(n, first, last, _)| Active { n: *n, first: *first, last: *last, ..row }));
            }
            Activity::Sessions => {
                "SELECT coalesce(sum(total), 0) FROM sess WHERE rel=?2 AND env=?3 AND hour BETWEEN ?4 AND ?5"
            }
            Activity::Requests => {
                "SELECT coalesce(sum(n), 0) FROM traffic
                 WHERE project=?1 AND rel=?2 AND env=?3 AND hour BETWEEN ?4 AND ?5"
            }
        };
        let hours = params![row.project, row.rel, row.env, row.day * 24, hour_of(hi)];
        let n = self.conn.prepare_cached(sql)?.query_row(hours, |row| row.get(0))?;
        Ok(Some(Active { n, last: hi, ..row }))
    }

    /// Folded events in a short time, by release and environment, from the chunks of all issues.
    fn edge(&mut self, bounds: &ResolvedScope, lo: i64, hi: i64) -> Result<Edge, StoreError> {
        let part = ResolvedScope { lo, hi, ..bounds.clone() };
        let want = EventFilter::of(&part, None);
        let mut edge = Edge::new();
        for known in self.known_issues(&part)? {
            if !known.cells.iter().any(|cell| want.touches(cell)) {
                continue;
            }
            self.each_chunk(known.id, lo, hi, Unpack::Head, |head, _| {
                for row in 0..head.len() {
                    let (ts, rel, env) = (head.ts[row], head.rel[row], head.env[row]);
                    if want.takes(ts, rel, env) {
                        let new = || (0, ts, ts, RoaringBitmap::new());
                        let (n, first, last, users) = edge.entry((known.project, rel, env)).or_insert_with(new);
                        *n += 1;
                        (*first, *last) = ((*first).min(ts), (*last).max(ts));
                        if head.user[row] != 0 {
                            users.insert(head.user[row]);
                        }
                    }
                }
            })?;
        }
        Ok(edge)
    }

    /// What is not folded yet, each event a row of its own.
    fn tail_rows(&self, bounds: &ResolvedScope, rows: &mut Vec<Active>) -> Result<(), StoreError> {
        let want = EventFilter { lo: i64::MIN, ..EventFilter::of(bounds, None) };
        let projects = self.projects_of_tail()?;
        for (issue, facts) in self.tails()? {
            let project = projects.get(&issue).filter(|project| bounds.slug(**project).is_some());
            let Some(project) = project.copied() else { continue };
            for fact in facts.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)) {
                let (ts, day) = (fact.ts, day_of(fact.ts));
                let (rel, env) = (fact.rel, fact.env);
                rows.push(Active { project, rel, env, day, by: Activity::Events, n: 1, first: ts, last: ts });
            }
        }
        Ok(())
    }

    /// The project of each issue that has unfolded events.
    pub(in crate::backend::embedded::read) fn projects_of_tail(&self) -> Result<HashMap<i64, u64>, StoreError> {
        let sql = "SELECT id, project FROM issue WHERE id IN (SELECT DISTINCT issue FROM tail)";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Users with a session, a request or an event, by release. The scope's first day counts whole.
    pub(in crate::backend::embedded::read) fn active_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError> {
        self.active_by(bounds, Some(rels), |_, rel| rel)
    }

    /// How many users had a session, a request or an event, by project; of those releases alone, if any are given.
    pub(in crate::backend::embedded::read) fn active_in(
        &mut self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<HashMap<u64, u64>, StoreError> {
        let users = self.active_by(bounds, rels, |project, _| project)?;
        Ok(users.into_iter().map(|(project, users)| (project, users.len())).collect())
    }

    fn active_by<K: Copy + Eq + std::hash::Hash>(
        &mut self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
        key: impl Fn(u64, u32) -> K,
    ) -> Result<HashMap<K, RoaringBitmap>, StoreError> {
        let bounds = &bounds.whole_days();
        let counts = |rel: u32| rels.is_none_or(|rels| rels.contains(rel));
        let mut users: HashMap<K, RoaringBitmap> = HashMap::new();
        let (whole, cut) = self.whole_rows(bounds)?;
        let sql = "SELECT users FROM active WHERE project=?1 AND rel=?2 AND env=?3 AND day=?4 AND kind=?5";
        let first_day = day_of(bounds.lo);
        for row in whole.iter().filter(|row| counts(row.rel) && row.day >= first_day) {
            let at = params![row.project, row.rel, row.env, row.day, kind_of(row.by)];
            let set: Vec<u8> = self.conn.prepare_cached(sql)?.query_row(at, |row| row.get(0))?;
            *users.entry(key(row.project, row.rel)).or_default() |= decode_users(&set)?;
        }
        let cut: Vec<Active> = cut.into_iter().filter(|row| counts(row.rel)).collect();
        if cut.iter().any(|row| row.by == Activity::Events) {
            let lo = day_of(bounds.hi).saturating_mul(DAY_US).max(bounds.lo);
            for ((project, rel, _), (_, _, _, set)) in self.edge(bounds, lo, bounds.hi)? {
                if counts(rel) {
                    *users.entry(key(project, rel)).or_default() |= set;
                }
            }
        }
        for row in cut.iter().filter(|row| row.by != Activity::Events && row.day >= first_day) {
            *users.entry(key(row.project, row.rel)).or_default() |= self.users_until(row, bounds.hi)?;
        }
        let (want, projects) = (EventFilter::of(bounds, rels), self.projects_of_tail()?);
        for (issue, facts) in self.tails()? {
            let Some(project) = projects.get(&issue).filter(|project| bounds.slug(**project).is_some()) else {
                continue;
            };
            for fact in facts.iter().filter(|fact| fact.user != 0 && want.takes(fact.ts, fact.rel, fact.env)) {
                users.entry(key(*project, fact.rel)).or_default().insert(fact.user);
            }
        }
        Ok(users)
    }

    /// Users with a folded event of those releases, up to the scope's end, whatever its start.
    pub(in crate::backend::embedded::read) fn active_users_by_events(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<RoaringBitmap, StoreError> {
        let (whole, cut) = self.whole_rows(bounds)?;
        let wanted = |row: &&Active| row.by == Activity::Events && rels.contains(row.rel);
        let sql = "SELECT users FROM active WHERE project=?1 AND rel=?2 AND env=?3 AND day=?4 AND kind=0";
        let mut users = RoaringBitmap::new();
        for row in whole.iter().filter(wanted) {
            let key = params![row.project, row.rel, row.env, row.day];
            let set: Vec<u8> = self.conn.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
            users |= decode_users(&set)?;
        }
        if cut.iter().any(|row| wanted(&row)) {
            let edge = self.edge(bounds, day_of(bounds.hi).saturating_mul(DAY_US), bounds.hi)?;
            let of_rels = edge.into_iter().filter(|((_, rel, _), _)| rels.contains(*rel));
            of_rels.for_each(|(_, (_, _, _, set))| users |= set);
        }
        Ok(users)
    }

    /// Users of sessions or requests on the row's day, up to the hour of `hi`.
    fn users_until(&self, row: &Active, hi: i64) -> Result<RoaringBitmap, StoreError> {
        let sql = match row.by {
            Activity::Requests => {
                "SELECT users FROM traffic WHERE project=?1 AND rel=?2 AND env=?3 AND hour BETWEEN ?4 AND ?5"
            }
            _ => "SELECT users FROM sess_users WHERE rel=?2 AND env=?3 AND hour BETWEEN ?4 AND ?5",
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![row.project, row.rel, row.env, row.day * 24, hour_of(hi)])?;
        let mut users = RoaringBitmap::new();
        while let Some(row) = rows.next()? {
            users |= decode_users(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        Ok(users)
    }
}
