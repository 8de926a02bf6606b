//! Since when and since which release the affected are hit, beside how much the application was used there.
//! It uses `rusqlite` and the packed forms.
//! It never decides whether that stands out.

use std::collections::HashMap;

use rusqlite::params;

use super::super::{
    engine::{
        known::IssueRow,
        pool::Snapshot,
        scope::{EventFilter, ResolvedScope},
    },
    release::releases::Releases,
};
use super::{
    Affected,
    hours::{Traffic, UserDays},
};
use crate::{
    answers::releases_around,
    backend::embedded::{
        pack::{day_of, hour_of, micros},
        write::BY_REQUESTS,
    },
    change::onset,
    model::Onset,
    store::{StoreError, Window, WindowStart},
};

/// The first event in the scope of each who counts: when, and the number of its release.
type Firsts = Vec<(i64, u32)>;

impl Snapshot<'_> {
    /// The windows of one issue: the rise of its rate, and each release with the later ones.
    pub(in crate::backend::embedded::read) fn windows(
        &mut self,
        known: &IssueRow,
        seen: &Affected,
        releases: &Releases,
        bounds: &ResolvedScope,
    ) -> Result<(Option<Onset>, Vec<Window>), StoreError> {
        let firsts = seen.firsts();
        let mut windows = self.release_windows(known, seen, &firsts, releases, bounds)?;
        let Some((user_days, traffic)) = &seen.user_days else { return Ok((None, windows)) };
        let Some(onset) = onset(&user_days.series(traffic)) else { return Ok((None, windows)) };
        let at = micros(onset.at);
        if at > bounds.lo {
            let (used, used_in_all) = traffic.used(at, bounds.lo);
            let users = firsts.iter().filter(|(ts, _)| *ts >= at).count() as u64;
            let (release_before, release_after) = releases_around(self, known.project, bounds, &onset)?;
            let (release_before, release_after) = (release_before.map(Box::new), release_after.map(Box::new));
            let from = WindowStart::Moment { onset, release_before, release_after };
            windows.push(Window { from, users, used, used_in_all });
        }
        Ok((Some(onset), windows))
    }

    fn release_windows(
        &self,
        known: &IssueRow,
        seen: &Affected,
        firsts: &Firsts,
        releases: &Releases,
        bounds: &ResolvedScope,
    ) -> Result<Vec<Window>, StoreError> {
        let (by_events, used) = self.use_by_release(known.project, bounds)?;
        let of = |rel: u32| {
            let own = if by_events { seen.events_of_release(rel) } else { 0 };
            used.get(&rel).copied().unwrap_or(0).saturating_sub(own)
        };
        let used_in_all: u64 = releases.list.iter().map(|release| of(release.id)).sum();
        let mut first_in: HashMap<u32, u64> = HashMap::new();
        firsts.iter().for_each(|(_, rel)| *first_in.entry(*rel).or_default() += 1);
        let (mut windows, mut used, mut users) = (Vec::new(), 0, 0);
        for release in releases.list.iter().rev() {
            used += of(release.id);
            users += first_in.get(&release.id).copied().unwrap_or(0);
            if used < used_in_all && users > 0 {
                let from = WindowStart::Release(release.version.as_str().into());
                windows.push(Window { from, users, used, used_in_all });
            }
        }
        Ok(windows)
    }

    /// Sessions by release, else requests, else events; whether it is events. The scope's first and last day count whole
    /// where it is not sessions.
    fn use_by_release(&self, project: u64, bounds: &ResolvedScope) -> Result<(bool, HashMap<u32, u64>), StoreError> {
        let sessions = "SELECT rel, sum(total) FROM sess JOIN release ON release.id=sess.rel
                        WHERE release.project=?1 AND (?2 IS NULL OR env=?2) AND hour BETWEEN ?3 AND ?4 GROUP BY rel";
        let hours = (hour_of(bounds.lo), hour_of(bounds.hi));
        let used = self.sums_by_release(sessions, params![project, bounds.env, hours.0, hours.1])?;
        if used.values().any(|n| *n > 0) {
            return Ok((false, used));
        }
        let active = "SELECT rel, sum(n) FROM active
                      WHERE project=?1 AND (?2 IS NULL OR env=?2) AND day BETWEEN ?3 AND ?4 AND kind=?5 GROUP BY rel";
        let of_kind = |kind: i64| {
            self.sums_by_release(active, params![project, bounds.env, day_of(bounds.lo), day_of(bounds.hi), kind])
        };
        let (mut events, requests) = (of_kind(0)?, of_kind(BY_REQUESTS)?);
        self.add_unfolded(project, bounds, &mut events)?;
        // A release that sends errors alone is used all the same.
        let all_send = events.iter().all(|(rel, n)| *n == 0 || requests.get(rel).is_some_and(|n| *n > 0));
        match all_send && requests.values().any(|n| *n > 0) {
            true => Ok((false, requests)),
            false => Ok((true, events)),
        }
    }

    fn sums_by_release(&self, sql: &str, key: &[&dyn rusqlite::ToSql]) -> Result<HashMap<u32, u64>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn add_unfolded(
        &self,
        project: u64,
        bounds: &ResolvedScope,
        used: &mut HashMap<u32, u64>,
    ) -> Result<(), StoreError> {
        let (want, projects) = (EventFilter::of(bounds, None), self.projects_of_tail()?);
        for (issue, facts) in self.tails()? {
            if projects.get(&issue) == Some(&project) {
                for fact in facts.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)) {
                    *used.entry(fact.rel).or_default() += 1;
                }
            }
        }
        Ok(())
    }
}

/// What one pass over the events takes along for the windows.
pub(in crate::backend::embedded::read) type Counted = Option<(UserDays, Traffic)>;
