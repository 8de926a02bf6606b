//! Exposure by hour and release: from sessions, else from requests, and from events of other issues where neither do.

use std::collections::BTreeMap;

use super::{super::active::all_sessions, Asked, env_of, within};
use crate::{
    answers::{Facts, HOUR_US, said_of_sampling},
    backend::cluster::{
        clickhouse::{list, text},
        read::{history::between, moment::Moment},
    },
    model::{FixHistory, Side, Timestamp, Use},
    store::StoreError,
};

/// Uses by hour and place of the release.
type Uses = BTreeMap<(i64, usize), Use>;

/// An agent's line that says a tag, as a condition.
pub(super) fn agent_says(tag: &str, value: &str) -> String {
    format!("has(splitByChar('\\n', agent), {})", text(&[tag, value].join("\t")))
}

impl Moment {
    /// Adds the use that sessions tell.
    pub(super) fn add_uses(
        &self,
        asked: &Asked<'_>,
        as_of: Timestamp,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let hours = asked.hours(as_of);
        let at = format!("{}{}", asked.at(), within("hour", &hours));
        let mut uses = Uses::new();
        let sql = format!("SELECT hour, rel, sum(n) FROM {} GROUP BY hour, rel", all_sessions(&at));
        for (hour, rel, sessions) in self.facts::<(i64, u32, u64)>(&sql)? {
            let Some(release) = asked.sided.place(rel) else { continue };
            uses.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() }).sessions = sessions;
        }
        let sql = format!(
            "SELECT hour, rel, uniqExact(user) FROM (
               SELECT hour, rel, user FROM session WHERE {at} AND user!=0
               UNION ALL SELECT hour, rel, user FROM session_count WHERE {at} AND user!=0) GROUP BY hour, rel"
        );
        for (hour, rel, users) in self.facts::<(i64, u32, u64)>(&sql)? {
            let Some(release) = asked.sided.place(rel) else { continue };
            uses.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() }).users = users;
        }
        if uses.values().all(|part| part.sessions == 0 && part.users == 0) {
            history.gaps.extend(self.add_request_uses(asked, &hours, &mut uses)?);
        }
        history.uses = uses.into_values().collect();
        Ok(())
    }

    /// Adds the use that requests tell, where there are no sessions; what is to be said of it.
    fn add_request_uses(
        &self,
        asked: &Asked<'_>,
        hours: &std::ops::Range<i64>,
        uses: &mut Uses,
    ) -> Result<Vec<&'static str>, StoreError> {
        let hour = "toInt64(floor(at / 3600000000))";
        let sql = format!(
            "SELECT {hour} AS hour, rel, uniqExactIf(user, user!=0), uniqExactIf(session, session!=0),
               countIf(operation!=''), sumIf(weight, operation!='') FROM request WHERE {}{} GROUP BY hour, rel",
            asked.at(),
            within(hour, hours)
        );
        let mut sampled: [(f64, f64); 2] = [(0.0, 0.0); 2];
        for (hour, rel, users, sessions, n, weight) in self.facts::<(i64, u32, u64, u64, u64, f64)>(&sql)? {
            let Some(release) = asked.sided.place(rel) else { continue };
            let part = Use { hour, release, users, sessions, requests: weight.round() as u64, ..Use::default() };
            uses.insert((hour, release), part);
            let side = match asked.sided.side(rel) {
                Side::Control => 0,
                Side::New => 1,
                Side::Neither => continue,
            };
            sampled[side] = (sampled[side].0 + n as f64, sampled[side].1 + weight);
        }
        Ok(said_of_sampling(sampled))
    }

    /// Distinct users with a session whose agent says that, by hour and place of the release; only where the sides differ.
    pub(super) fn users_of_agents(&self, asked: &Asked<'_>, says: &str) -> Result<Vec<Use>, StoreError> {
        let Some(window) = asked.window else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT hour, rel, uniqExact(user) FROM session WHERE {}{} AND user!=0 AND {says}
             GROUP BY hour, rel ORDER BY rel, hour",
            asked.at(),
            within("hour", &(window.start..window.cut))
        );
        let mut uses = Uses::new();
        for (hour, rel, users) in self.facts::<(i64, u32, u64)>(&sql)? {
            let Some(release) = asked.sided.place(rel) else { continue };
            if asked.sided.list[release].side != Side::Neither {
                uses.insert((hour, release), Use { hour, release, users, ..Use::default() });
            }
        }
        let mut uses: Vec<Use> = uses.into_values().collect();
        uses.sort_by_key(|part| (part.release, part.hour));
        Ok(uses)
    }

    /// Adds the use that events of other issues tell, where sessions are missing or can't be told apart by a condition.
    pub(super) fn add_event_uses(
        &mut self,
        asked: &Asked<'_>,
        as_of: Timestamp,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let used = |side: Side| -> u64 {
            let of_side = history.uses.iter().filter(|part| history.releases[part.release].side == side);
            of_side.map(|part| part.sessions + part.users + part.requests).sum()
        };
        let enough = used(Side::Control) > 0 && (used(Side::New) > 0 || history.signs.is_empty());
        if enough && history.conditions.iter().all(|condition| condition.of_sessions) {
            return Ok(());
        }
        let others = self.others(asked)?;
        if others.is_empty() {
            return Ok(());
        }
        let hours = asked.hours(as_of);
        let (lo, hi) = (hours.start.saturating_mul(HOUR_US), hours.end.saturating_mul(HOUR_US) - 1);
        let at = format!("{} AND issue IN {}{}", asked.at(), list(others), between("ts", lo, hi.min(asked.bounds.hi)));
        let all = self.events_by_hour(asked, &at)?;
        merge(&mut history.uses, all);
        for condition in &mut history.conditions {
            let (tag, value) = (text(condition.tag.raw()), text(condition.value.raw()));
            let having = self.events_by_hour(asked, &format!("{at} AND tags[{tag}]={value}"))?;
            merge(&mut condition.uses, having);
        }
        Ok(())
    }

    /// Users, and events that name nobody, by hour and place of the release.
    fn events_by_hour(&self, asked: &Asked<'_>, at: &str) -> Result<Vec<(i64, usize, u64)>, StoreError> {
        let sql = format!(
            "SELECT {} AS hour, rel, uniqExactIf(user, user!=0)+countIf(user=0) FROM event WHERE {at} GROUP BY hour, rel",
            super::super::history::HOUR
        );
        let found = self.facts::<(i64, u32, u64)>(&sql)?.into_iter();
        Ok(found.filter_map(|(hour, rel, n)| Some((hour, asked.sided.place(rel)?, n))).collect())
    }

    /// Other issues of the project, those that began on the new side left out: what they add there has no past.
    fn others(&mut self, asked: &Asked<'_>) -> Result<Vec<i64>, StoreError> {
        let mut others = Vec::new();
        for known in Facts::known_issues(self, asked.bounds)? {
            let older = known.history.iter().any(|cell| !asked.is_new(cell.rel));
            if known.id != asked.known.id && older {
                others.push(known.id);
            }
        }
        Ok(others)
    }

    /// Whether any session's agent ever said that.
    pub(super) fn is_said(&self, says: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT count() FROM (SELECT 1 FROM session WHERE {says} LIMIT 1)");
        Ok(self.fact::<(u64,)>(&sql)?.is_some_and(|(n,)| n > 0))
    }

    /// Whether there is a session of those releases, with a user where that is asked.
    pub(super) fn any_session(&self, asked: &Asked<'_>, hours: &str, named: bool) -> Result<bool, StoreError> {
        let user = if named { " AND user!=0" } else { "" };
        let at = format!("rel IN {}{}{hours}{user}", list(&asked.sided.ids), env_of(asked));
        let sql = format!(
            "SELECT count() FROM (SELECT 1 FROM session WHERE {at} LIMIT 1
               UNION ALL SELECT 1 FROM session_count WHERE {at} LIMIT 1)"
        );
        Ok(self.fact::<(u64,)>(&sql)?.is_some_and(|(n,)| n > 0))
    }
}

/// Adds events to uses.
fn merge(uses: &mut Vec<Use>, events: Vec<(i64, usize, u64)>) {
    let mut by_key: Uses = uses.drain(..).map(|part| ((part.hour, part.release), part)).collect();
    for (hour, release, n) in events {
        by_key.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() }).events = n;
    }
    uses.extend(by_key.into_values());
}
