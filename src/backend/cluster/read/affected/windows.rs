//! Since when and since which release the affected are hit, beside how much the application was used there.
//! It uses ClickHouse's SQL.
//! It never decides whether that stands out.

use std::collections::HashMap;

use super::{
    super::{
        active::all_sessions,
        history::{between, environment},
        issues::IssueRow,
        moment::Moment,
    },
    Asked,
};
use crate::{
    answers::{ResolvedScope, day_of, hour_of, micros, releases_around},
    change::onset,
    model::Onset,
    store::{StoreError, Window, WindowStart},
};

impl Moment {
    /// The windows of one issue: the rise of its rate, and each release with the later ones.
    pub(super) fn windows(
        &mut self,
        known: &IssueRow,
        asked: &Asked,
    ) -> Result<(Option<Onset>, Vec<Window>), StoreError> {
        let bounds = &asked.bounds;
        let firsts = self.firsts(asked)?;
        let mut windows = self.release_windows(known, asked, &firsts)?;
        let newest = known.history.iter().map(|cell| cell.last).max().unwrap_or(0);
        let end = if bounds.hi == i64::MAX { newest } else { bounds.hi };
        let traffic = self.traffic(bounds, end)?.remove(&known.project).filter(|traffic| traffic.is_some());
        let Some(traffic) = traffic else { return Ok((None, windows)) };
        let Some(onset) = onset(&self.series(known, Some(&traffic), bounds)?) else { return Ok((None, windows)) };
        let at = micros(onset.at);
        if at > bounds.lo {
            let (used, used_in_all) = traffic.used(at, bounds.lo);
            let users = firsts.iter().filter(|(ts, _)| *ts >= at).count() as u64;
            let (before, after) = releases_around(self, known.project, bounds, &onset)?;
            let (release_before, release_after) = (before.map(Box::new), after.map(Box::new));
            let from = WindowStart::Moment { onset, release_before, release_after };
            windows.push(Window { from, users, used, used_in_all });
        }
        Ok((Some(onset), windows))
    }

    /// When and in which release each user's first event of the period was; where none names a user, each event's.
    fn firsts(&self, asked: &Asked) -> Result<Vec<(i64, u32)>, StoreError> {
        let firsts = self.facts(&format!("SELECT ts, first_rel FROM {}", asked.firsts()))?;
        if !firsts.is_empty() {
            return Ok(firsts);
        }
        self.facts(&format!("SELECT ts, {} AS of FROM event WHERE {} AND user=0", asked.release, asked.within))
    }

    fn release_windows(
        &self,
        known: &IssueRow,
        asked: &Asked,
        firsts: &[(i64, u32)],
    ) -> Result<Vec<Window>, StoreError> {
        let (by_events, used) = self.use_by_release(known.project, &asked.bounds)?;
        let mut own: HashMap<u32, u64> = HashMap::new();
        if by_events {
            let sql = format!("SELECT {} AS of, count() FROM event WHERE {} GROUP BY of", asked.release, asked.within);
            own = self.facts::<(u32, u64)>(&sql)?.into_iter().collect();
        }
        let of = |rel: u32| used.get(&rel).copied().unwrap_or(0).saturating_sub(own.get(&rel).copied().unwrap_or(0));
        let used_in_all: u64 = asked.releases.list.iter().map(|release| of(release.id)).sum();
        let mut first_in: HashMap<u32, u64> = HashMap::new();
        firsts.iter().for_each(|(_, rel)| *first_in.entry(*rel).or_default() += 1);
        let (mut windows, mut used, mut users) = (Vec::new(), 0, 0);
        for release in asked.releases.list.iter().rev() {
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
        let at = format!("project={project}{}", environment(bounds.env));
        let sums = |sql: String| Ok::<_, StoreError>(self.facts::<(u32, u64)>(&sql)?.into_iter().collect());
        let hours = between("hour", hour_of(bounds.lo), hour_of(bounds.hi));
        let sessions = all_sessions(&format!("{at}{hours}"));
        let used: HashMap<u32, u64> = sums(format!("SELECT rel, sum(n) FROM {sessions} GROUP BY rel"))?;
        if used.values().any(|n| *n > 0) {
            return Ok((false, used));
        }
        let first = day_of(bounds.lo).saturating_mul(24);
        let last = day_of(bounds.hi).saturating_add(1).saturating_mul(24).saturating_sub(1);
        let days = between("hour", first, last);
        let events: HashMap<u32, u64> =
            sums(format!("SELECT rel, sum(events) FROM active WHERE {at}{days} GROUP BY rel"))?;
        let hour = "toInt64(floor(at / 3600000000))";
        let requests: HashMap<u32, u64> = sums(format!(
            "SELECT rel, countIf(operation!='') FROM request WHERE {at}{} GROUP BY rel",
            between(hour, first, last)
        ))?;
        // A release that sends errors alone is used all the same.
        let all_send = events.iter().all(|(rel, n)| *n == 0 || requests.get(rel).is_some_and(|n| *n > 0));
        match all_send && requests.values().any(|n| *n > 0) {
            true => Ok((false, requests)),
            false => Ok((true, events)),
        }
    }
}
