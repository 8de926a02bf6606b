//! What was active when: releases and environments by day, with their users; whom crashes hit.
//! It uses ClickHouse's SQL.
//! It never counts events after the scope's end; sessions and requests count by whole hours.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{
    history::{DAY, between, environment, places},
    moment::Moment,
};
use crate::{
    answers::{Active, Activity, Crashed, HOUR_US, ResolvedScope, Traffic, hour_of},
    backend::cluster::clickhouse::list,
    model::{Level, SessionCounts},
    store::StoreError,
};

/// The rank of a session that crashed.
pub(super) const CRASHED: u8 = 4;

/// Project, release, environment, day, n, first, last.
type ActiveRow = (u64, u32, u32, i64, u64, i64, i64);

/// Sessions one by one, each once; `at` bounds them.
fn each_session(at: &str) -> String {
    format!(
        "(SELECT project, rel, env, hour, sid, min(started) AS began, max(user) AS who, max(rank) AS worst
          FROM session WHERE {at} GROUP BY project, rel, env, hour, sid)"
    )
}

/// Every session as a row with its weight: those that SDKs sent, and those that they counted.
pub(super) fn all_sessions(at: &str) -> String {
    format!(
        "(SELECT project, rel, env, hour, began, toUInt64(1) AS n FROM {}
          UNION ALL SELECT project, rel, env, hour, started AS began, well+errored+crashed+abnormal+unhandled AS n
          FROM session_count WHERE {at})",
        each_session(at)
    )
}

fn releases(rels: Option<&RoaringBitmap>) -> String {
    rels.map_or(String::new(), |rels| format!(" AND rel IN {}", list(rels)))
}

impl Moment {
    /// Everything that was active in the scope's projects and environment up to its end, whatever its start.
    pub(super) fn activity(&mut self, bounds: &ResolvedScope) -> Result<Vec<Active>, StoreError> {
        let mut rows = self.active_by_events(bounds)?;
        let (at, hi) = (places(bounds), bounds.hi);
        let day_of_hour = "toInt64(floor(hour / 24))";
        let until = hour_of(hi);
        let whole = if hi == i64::MAX { String::new() } else { format!(" AND hour<={until}") };
        let sessions = format!(
            "SELECT project, rel, env, {day_of_hour} AS day, sum(n), min(began), max(began) FROM {}
             GROUP BY project, rel, env, day",
            all_sessions(&format!("{at}{whole}")),
        );
        let requests = format!(
            "SELECT project, rel, env, toInt64(floor(at / 86400000000)) AS day, countIf(operation!=''), min(at), max(at)
             FROM request WHERE {at}{} GROUP BY project, rel, env, day",
            between("at", i64::MIN, end_of_hour(hi)),
        );
        for (by, sql) in [(Activity::Sessions, sessions), (Activity::Requests, requests)] {
            let found = self.facts::<ActiveRow>(&sql)?.into_iter().filter(|row| row.5 <= hi);
            rows.extend(found.map(|(project, rel, env, day, n, first, last)| Active {
                project,
                rel,
                env,
                day,
                by,
                n,
                first,
                last: last.min(hi),
            }));
        }
        Ok(rows)
    }

    fn active_by_events(&self, bounds: &ResolvedScope) -> Result<Vec<Active>, StoreError> {
        let at = places(bounds);
        let (whole, cut) = match bounds.hi {
            i64::MAX => (String::new(), None),
            hi => {
                let hour = hour_of(hi);
                (format!(" AND hour<{hour}"), Some(between("ts", hour.saturating_mul(HOUR_US), hi)))
            }
        };
        let mut parts = format!(
            "SELECT project, rel, env, toInt64(floor(hour / 24)) AS day, sum(events) AS n, min(first) AS a, max(last) AS b
             FROM active WHERE {at}{whole} GROUP BY project, rel, env, day"
        );
        if let Some(cut) = cut {
            parts += &format!(
                " UNION ALL SELECT project, rel, env, {DAY} AS day, count() AS n, min(ts) AS a, max(ts) AS b
                  FROM event WHERE {at}{cut} GROUP BY project, rel, env, day"
            );
        }
        let sql = format!(
            "SELECT project, rel, env, day, sum(n), min(a), max(b) FROM ({parts}) GROUP BY project, rel, env, day"
        );
        let row = |(project, rel, env, day, n, first, last): ActiveRow| Active {
            project,
            rel,
            env,
            day,
            by: Activity::Events,
            n,
            first,
            last,
        };
        Ok(self.facts(&sql)?.into_iter().map(row).collect())
    }

    /// Users with a session, a request or an event. Its parts are rows of (project, rel, user) for a statement.
    fn active_rows(&self, bounds: &ResolvedScope, rels: Option<&RoaringBitmap>) -> String {
        let bounds = &bounds.whole_days();
        let at = places(bounds) + &releases(rels);
        let (lo, hi) = (bounds.lo, bounds.hi);
        let hours = between("hour", hour_or(lo, i64::MIN), hour_or(hi, i64::MAX));
        // Whole hours of events are kept as sets; the hour that the end cuts is read.
        let cut = hour_of(hi);
        let (whole, edge) = match hi {
            i64::MAX => (hours.clone(), String::new()),
            _ => (
                between("hour", hour_or(lo, i64::MIN), cut - 1),
                format!(
                    " UNION ALL SELECT project, rel, user FROM event WHERE {at}{} AND user!=0",
                    between("ts", lo.max(cut.saturating_mul(HOUR_US)), hi)
                ),
            ),
        };
        format!(
            "SELECT project, rel, arrayJoin(bitmapToArray(groupBitmapMergeState(users))) AS user FROM active
               WHERE {at}{whole} GROUP BY project, rel{edge}
             UNION ALL SELECT project, rel, user FROM session WHERE {at}{hours} AND user!=0
             UNION ALL SELECT project, rel, user FROM session_count WHERE {at}{hours} AND user!=0
             UNION ALL SELECT project, rel, user FROM request WHERE {at}{} AND user!=0",
            between("at", lo, end_of_hour(hi)),
        )
    }

    /// Users with a session, a request or an event, by release. The scope's first day counts whole.
    pub(super) fn active_users(
        &self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, RoaringBitmap>, StoreError> {
        let sql =
            format!("SELECT rel, groupUniqArray(user) FROM ({}) GROUP BY rel", self.active_rows(bounds, Some(rels)));
        let sets = self.facts::<(u32, Vec<u32>)>(&sql)?.into_iter();
        Ok(sets.map(|(rel, users)| (rel, users.into_iter().collect())).collect())
    }

    /// How many users had a session, a request or an event, by project; of those releases alone, if any are given.
    pub(super) fn active_in(
        &self,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<HashMap<u64, u64>, StoreError> {
        let sql = format!("SELECT project, uniqExact(user) FROM ({}) GROUP BY project", self.active_rows(bounds, rels));
        Ok(self.facts::<(u64, u64)>(&sql)?.into_iter().collect())
    }

    /// Users with a session that crashed, or with a fatal event that nothing caught of an issue that is fatal.
    pub(super) fn crashed_users(
        &mut self,
        bounds: &ResolvedScope,
        rels: &RoaringBitmap,
    ) -> Result<HashMap<u32, Crashed>, StoreError> {
        let mut users: HashMap<u32, Crashed> = HashMap::new();
        let fatal = self.fatal_issues(bounds)?;
        let at = places(bounds) + &releases(Some(rels));
        let events = format!(
            "SELECT DISTINCT rel, user FROM event WHERE {at}{} AND unhandled AND level={} AND issue IN {}",
            between("ts", bounds.lo, bounds.hi),
            Level::Fatal as u8,
            list(&fatal),
        );
        let hours = between("hour", hour_or(bounds.lo, i64::MIN), hour_or(bounds.hi, i64::MAX));
        let sessions = format!(
            "SELECT DISTINCT rel, who FROM {} WHERE worst={CRASHED}{}",
            each_session(&format!("{at}{hours}")),
            between("began", bounds.lo, bounds.hi),
        );
        for sql in [events, sessions] {
            for (rel, user) in self.facts::<(u32, u32)>(&sql)? {
                users.entry(rel).or_default().see(user);
            }
        }
        Ok(users)
    }

    /// Issues whose newest event is fatal.
    fn fatal_issues(&self, bounds: &ResolvedScope) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM issue WHERE project=ANY($1) AND level=$2 AND last>=$3 AND first<=$4";
        let projects = super::registry::projects_of(bounds);
        let rows = self.rows(sql, &[&projects, &(Level::Fatal as i16), &bounds.lo, &bounds.hi])?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Sessions of a release in the scope, by whole hours.
    pub(super) fn sessions_of(&self, rel: u32, bounds: &ResolvedScope) -> Result<SessionCounts, StoreError> {
        let hours = between("hour", hour_or(bounds.lo, i64::MIN), hour_or(bounds.hi, i64::MAX));
        let at = format!("rel={rel}{}{hours}", environment(bounds.env));
        let sql = format!(
            "SELECT sum(total), sum(e), sum(c), sum(a), sum(u) FROM (
               SELECT count() AS total, countIf(worst=1) AS e, countIf(worst=4) AS c, countIf(worst=3) AS a,
                 countIf(worst=2) AS u FROM {}
               UNION ALL SELECT sum(well+errored+crashed+abnormal+unhandled), sum(errored), sum(crashed), sum(abnormal),
                 sum(unhandled) FROM session_count WHERE {at})",
            each_session(&at),
        );
        let found = self.fact::<(u64, u64, u64, u64, u64)>(&sql)?.unwrap_or_default();
        let (total, errored, crashed, abnormal, unhandled) = found;
        Ok(SessionCounts { total, errored, crashed, abnormal, unhandled })
    }

    /// The traffic of each project up to the scope's end; `end` is the moment that the answer speaks of.
    pub(super) fn traffic(&self, bounds: &ResolvedScope, end: i64) -> Result<HashMap<u64, Traffic>, StoreError> {
        let (end, env) = (hour_of(end), environment(bounds.env));
        let mut all = HashMap::new();
        for (project, _) in &bounds.projects {
            let mut traffic = Traffic::until(end, self.first_hour(*project)?);
            let hours = format!("project={project}{env} AND hour>={} AND hour<{end}", traffic.first);
            let times = format!("{env} AND at>={} AND at<{}", traffic.first * HOUR_US, end * HOUR_US);
            for (by, sql) in [
                (Activity::Events, format!("SELECT hour, sum(events) FROM active WHERE {hours} GROUP BY hour")),
                (
                    Activity::Requests,
                    format!(
                        "SELECT toInt64(floor(at / 3600000000)) AS hour, toUInt64(round(sum(weight))) FROM request
                         WHERE project={project} AND operation!=''{times} GROUP BY hour"
                    ),
                ),
                (Activity::Sessions, format!("SELECT hour, sum(n) FROM {} GROUP BY hour", all_sessions(&hours))),
            ] {
                for (hour, n) in self.facts::<(i64, u64)>(&sql)? {
                    traffic.add(by, hour, n);
                }
            }
            traffic.choose();
            all.insert(*project, traffic);
        }
        Ok(all)
    }

    /// The first hour of a project that has anything.
    fn first_hour(&self, project: u64) -> Result<Option<i64>, StoreError> {
        let sql = format!(
            "SELECT min(at) FROM (
               SELECT min(hour) AS at FROM active WHERE project={project} HAVING count()>0
               UNION ALL SELECT min(hour) FROM session WHERE project={project} HAVING count()>0
               UNION ALL SELECT min(hour) FROM session_count WHERE project={project} HAVING count()>0
               UNION ALL SELECT toInt64(floor(min(at) / 3600000000)) FROM request WHERE project={project} HAVING count()>0)
             HAVING count()>0"
        );
        Ok(self.fact::<(i64,)>(&sql)?.map(|(hour,)| hour))
    }
}

/// The hour of a bound; that of none where there is none.
fn hour_or(at: i64, none: i64) -> i64 {
    if at == none { none } else { hour_of(at) }
}

/// The last moment of the hour that a bound lies in.
fn end_of_hour(hi: i64) -> i64 {
    if hi == i64::MAX { hi } else { hour_of(hi).saturating_add(1).saturating_mul(HOUR_US) - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_end_with_their_last_microsecond() {
        assert_eq!(end_of_hour(0), HOUR_US - 1);
        assert_eq!(end_of_hour(-1), -1);
        assert_eq!(end_of_hour(i64::MAX), i64::MAX);
        assert_eq!(hour_or(i64::MIN, i64::MIN), i64::MIN);
    }
}
