//! With whom the affected are compared: users with other events, with sessions, or both.
//! It uses ClickHouse's SQL.
//! It never counts an affected user among them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{
        history::{DAY, between, places},
        moment::Moment,
    },
    Asked,
};
use crate::{
    answers::{ALL_RELEASES, DAY_US, ENOUGH, EVENTS_ALONE, EVENTS_AND_REQUESTS, REQUESTS_TOO, day_of},
    backend::cluster::clickhouse::texts,
    store::{AffectedQuery, Baseline, StoreError},
};

/// The baseline.
pub(super) struct Base {
    pub(super) kind: Baseline,
    /// All of it: a question for users.
    pub(super) users: String,
    pub(super) size: u64,
    /// Users with a session, a request or an event, the affected among them.
    pub(super) active: u64,
    /// Rows of (user, tag, value, day, late) of events and, where they are compared too, of requests.
    rows: String,
    /// The tags that requests have too, where users of requests are compared; what they lack can't be compared then.
    of_requests: Option<BTreeSet<String>>,
    pub(super) warnings: Vec<&'static str>,
}

impl Base {
    /// Whether the baseline's users would have that tag if it were true of them.
    pub(super) fn compares(&self, tag: &str) -> bool {
        self.of_requests.as_ref().is_none_or(|known| known.contains(tag))
    }
}

impl Moment {
    /// The users that are compared with the affected, by those tags; `must` are those that have to be among them. The
    /// scope's first day counts whole.
    pub(super) fn baseline(
        &self,
        query: &AffectedQuery,
        asked: &Asked,
        tags: &[String],
        must: &[String],
    ) -> Result<Base, StoreError> {
        let bounds = &asked.bounds.whole_days();
        let at = places(bounds);
        let times = between("ts", bounds.lo, bounds.hi);
        let events = format!("SELECT user FROM event WHERE {at}{times} AND user!=0");
        let listed = texts(tags.iter().map(String::as_str));
        let mut rows = format!(
            "SELECT user, tag, value, {DAY} AS day, 0 AS late FROM event
               ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
             WHERE {at}{times} AND user!=0 AND tag IN {listed}"
        );
        let mut warnings = Vec::new();
        if query.since.is_some() {
            warnings.push(ALL_RELEASES);
        }
        let (first, last) = (day_of(bounds.lo), day_of(bounds.hi));
        let day_of_request = "toInt64(floor(at / 86400000000))";
        let of_days = format!("{at}{} AND user!=0", between(day_of_request, first, last));
        let mut with_events = events.clone();
        let of_requests = self.of_requests(asked, &events, &of_days, (tags, must))?;
        if of_requests.is_some() {
            with_events += &format!(" UNION ALL SELECT user FROM request WHERE {of_days} AND operation!=''");
            rows += &format!(
                " UNION ALL SELECT user, tag, value, {day_of_request} AS day, 1 AS late FROM request
                    ARRAY JOIN mapKeys(tags) AS tag, mapValues(tags) AS value
                  WHERE {of_days} AND operation!='' AND tag IN {listed}"
            );
            warnings.push(REQUESTS_TOO);
        }
        let sessions = self.users_of_sessions(&at, (first, last), bounds.hi);
        let requests = format!(
            "SELECT user FROM request WHERE {of_days} AND at<={}",
            if bounds.hi == i64::MAX {
                bounds.hi
            } else {
                day_of(bounds.hi).saturating_add(1).saturating_mul(DAY_US) - 1
            }
        );
        let all = format!("{with_events} UNION ALL {sessions} UNION ALL {requests}");
        let count = |users: &str| {
            let sql = format!("SELECT uniqExact(user) FROM ({users})");
            Ok::<_, StoreError>(self.fact::<(u64,)>(&sql)?.map_or(0, |(n,)| n))
        };
        let active = count(&all)?;
        let wanted = match query.baseline {
            Baseline::OtherEvents => with_events.clone(),
            Baseline::Sessions => sessions,
            Baseline::AllUsers => all,
        };
        let mut users = format!("SELECT user FROM ({wanted}) WHERE user NOT IN ({})", asked.hit);
        // Whose tags nobody knows would count as having none of them, and make every value stand out.
        let known = format!("SELECT user FROM ({users}) WHERE user IN ({with_events})");
        let (every, of_known) = (count(&users)?, count(&known)?);
        if of_known < every {
            warnings.push(if of_requests.is_some() { EVENTS_AND_REQUESTS } else { EVENTS_ALONE });
            users = known;
        }
        Ok(Base { kind: query.baseline, users, size: of_known, active, rows, of_requests, warnings })
    }

    /// Users of sessions; those of a day that begins before the scope's end count whole.
    fn users_of_sessions(&self, at: &str, (first, last): (i64, i64), hi: i64) -> String {
        let day = "toInt64(floor(hour / 24))";
        let days = between(day, first, last);
        let one = |table: &str| {
            format!(
                "SELECT user FROM {table} WHERE {at}{days} AND user!=0 AND (project, rel, env, {day}) IN (
                   SELECT project, rel, env, {day} AS day FROM {table} WHERE {at}{days}
                   GROUP BY project, rel, env, day HAVING min(started)<={hi})"
            )
        };
        format!("{} UNION ALL {}", one("session"), one("session_count"))
    }

    /// The tags that are known of requests, where their users are compared too: where few but the affected have an event.
    fn of_requests(
        &self,
        asked: &Asked,
        events: &str,
        of_days: &str,
        (tags, must): (&[String], &[String]),
    ) -> Result<Option<BTreeSet<String>>, StoreError> {
        let sql = format!(
            "SELECT uniqExactIf(user, NOT hits), uniqExactIf(user, hits) FROM (
               SELECT user, user IN ({}) AS hits FROM ({events}))",
            asked.hit
        );
        let (others, affected) = self.fact::<(u64, u64)>(&sql)?.unwrap_or_default();
        if others >= affected.max(ENOUGH) {
            return Ok(None);
        }
        let sql = format!(
            "SELECT DISTINCT tag FROM request ARRAY JOIN mapKeys(tags) AS tag WHERE {of_days} AND operation!='' AND tag IN {}",
            texts(tags.iter().map(String::as_str))
        );
        let known: BTreeSet<String> = self.facts::<(String,)>(&sql)?.into_iter().map(|(tag,)| tag).collect();
        let sql = format!(
            "SELECT count() FROM (SELECT DISTINCT user FROM request WHERE {of_days} AND operation!='')
             WHERE user NOT IN ({events}) AND user NOT IN ({})",
            asked.hit
        );
        let more = self.fact::<(u64,)>(&sql)?.is_some_and(|(n,)| n > 0);
        Ok((more && must.iter().all(|tag| known.contains(tag))).then_some(known))
    }

    /// How many users of the baseline have each value of those tags.
    pub(super) fn shares_of(&self, base: &Base, tags: &[String]) -> Result<HashMap<(String, String), u64>, StoreError> {
        let sql = format!(
            "SELECT tag, value, uniqExact(user) FROM ({}) WHERE tag IN {} AND user IN ({}) GROUP BY tag, value",
            base.rows,
            texts(tags.iter().map(String::as_str)),
            base.users
        );
        let found = self.facts::<(String, String, u64)>(&sql)?.into_iter();
        Ok(found.map(|(tag, value, users)| ((tag, value), users)).collect())
    }

    /// The value that each user of the baseline had on the first day that shows any, by tag; of every `nth` user.
    pub(super) fn first_values(
        &self,
        base: &Base,
        tags: &[String],
        nth: u64,
    ) -> Result<BTreeMap<String, Vec<(u32, String)>>, StoreError> {
        let sql = format!(
            "SELECT tag, user, argMin(value, (late, day, value)) FROM ({}) WHERE tag IN {} AND user%{nth}=0 AND user IN ({})
             GROUP BY tag, user",
            base.rows,
            texts(tags.iter().map(String::as_str)),
            base.users
        );
        let mut found: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
        for (tag, user, value) in self.facts::<(String, u32, String)>(&sql)? {
            found.entry(tag).or_default().push((user, value));
        }
        Ok(found)
    }
}
