//! Exposure by hour and release: from sessions, else from requests, and from events of other issues where neither do.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{Asked, IssueRow, Snapshot, Unpack};
use crate::{
    answers::said_of_sampling,
    backend::embedded::{
        pack::{HOUR_US, Head, Rest, decode_union, decode_users, hour_of},
        write::Word,
    },
    model::{FixHistory, Side, Timestamp, Use},
    store::StoreError,
};

/// Users, and events that name nobody, by hour and place of the release.
type Hourly = HashMap<(i64, usize), (RoaringBitmap, u64)>;

impl Snapshot<'_> {
    /// Adds the use that sessions tell.
    pub(super) fn add_uses(
        &mut self,
        asked: &Asked<'_>,
        as_of: Timestamp,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let hours = asked.hours(as_of);
        let mut uses: BTreeMap<(i64, usize), Use> = BTreeMap::new();
        for (release, rel) in asked.sided.ids.iter().enumerate() {
            let sql = "SELECT hour, total FROM sess WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4";
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows = statement.query(params![rel, asked.bounds.env, hours.start, hours.end])?;
            while let Some(row) = rows.next()? {
                let (hour, total): (i64, i64) = (row.get(0)?, row.get(1)?);
                let part = uses.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() });
                part.sessions += u64::try_from(total).unwrap_or(0);
            }
            for (hour, users) in self.session_users_by_hour(asked, *rel, &hours, None)? {
                uses.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() }).users = users;
            }
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
        uses: &mut BTreeMap<(i64, usize), Use>,
    ) -> Result<Vec<&'static str>, StoreError> {
        let sql = "SELECT hour, users, sessions, n, weight FROM traffic
                   WHERE project=?1 AND rel=?2 AND (?3 IS NULL OR env=?3) AND hour>=?4 AND hour<?5 ORDER BY hour";
        let mut sampled: [(f64, f64); 2] = [(0.0, 0.0); 2];
        for (release, rel) in asked.sided.ids.iter().enumerate() {
            self.go_on()?;
            let mut statement = self.conn.prepare_cached(sql)?;
            let mut rows =
                statement.query(params![asked.known.project, rel, asked.bounds.env, hours.start, hours.end])?;
            let mut of_hour: BTreeMap<i64, (RoaringBitmap, RoaringBitmap, f64)> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let blob = |at: usize| row.get_ref(at)?.as_blob().map_err(rusqlite::Error::from);
                let (users, sessions, weight) = of_hour.entry(row.get(0)?).or_default();
                *users |= decode_users(blob(1)?)?;
                *sessions |= decode_users(blob(2)?)?;
                let (n, stands_for): (f64, f64) = (row.get(3)?, row.get(4)?);
                *weight += stands_for;
                let side = match asked.sided.side(*rel) {
                    Side::Control => 0,
                    Side::New => 1,
                    Side::Neither => continue,
                };
                sampled[side] = (sampled[side].0 + n, sampled[side].1 + stands_for);
            }
            for (hour, (users, sessions, weight)) in of_hour {
                let (users, sessions, requests) = (users.len(), sessions.len(), weight.round() as u64);
                let part = Use { hour, release, users, sessions, requests, ..Use::default() };
                uses.insert((hour, release), part);
            }
        }
        Ok(said_of_sampling(sampled))
    }

    /// Distinct users with a session, by hour; only of those agents, where some are given.
    pub(super) fn session_users_by_hour(
        &self,
        asked: &Asked<'_>,
        rel: u32,
        hours: &std::ops::Range<i64>,
        agents: Option<&[u32]>,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.go_on()?;
        let sql = "SELECT hour, users, agents FROM sess_users
                   WHERE rel=?1 AND (?2 IS NULL OR env=?2) AND hour>=?3 AND hour<?4 ORDER BY hour";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![rel, asked.bounds.env, hours.start, hours.end])?;
        let mut found: Vec<(i64, RoaringBitmap)> = Vec::new();
        while let Some(row) = rows.next()? {
            let column = if agents.is_some() { 2 } else { 1 };
            let blob = row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?;
            let users = agents.map_or_else(|| decode_users(blob), |agents| decode_union(blob, agents))?;
            let hour = row.get(0)?;
            // Environments follow each other within the hour: who is in two of them counts once.
            match found.last_mut() {
                Some((last, before)) if *last == hour => *before |= users,
                _ => found.push((hour, users)),
            }
        }
        Ok(found.into_iter().map(|(hour, users)| (hour, users.len())).collect())
    }

    /// The numbers of the agents that say this of a tag.
    pub(super) fn agents_with(&self, key: &str, value: &str) -> Result<Vec<u32>, StoreError> {
        let wanted = [key, value].join("\t");
        let words = self.words(Word::Agent, 0)?;
        Ok(words.into_iter().filter(|(_, text)| text.lines().any(|line| line == wanted)).map(|(id, _)| id).collect())
    }

    /// Adds the use that events of other issues tell, where sessions are missing or can't be told apart by a condition.
    pub(super) fn add_event_uses(
        &mut self,
        asked: &Asked<'_>,
        as_of: Timestamp,
        history: &mut FixHistory,
    ) -> Result<(), StoreError> {
        let used = |side: Side| -> u64 {
            history
                .uses
                .iter()
                .filter(|part| history.releases[part.release].side == side)
                .map(|part| part.sessions + part.users + part.requests)
                .sum()
        };
        let enough = used(Side::Control) > 0 && (used(Side::New) > 0 || history.signs.is_empty());
        if enough && history.conditions.iter().all(|condition| condition.of_sessions) {
            return Ok(());
        }
        let mut tags = Vec::new();
        for condition in &history.conditions {
            let key = self.word_id(Word::TagKey, 0, condition.tag.raw())?.unwrap_or(0);
            tags.push((key, self.word_id(Word::TagValue, key, condition.value.raw())?.unwrap_or(0)));
        }
        let mut all = Hourly::new();
        let mut having: Vec<Hourly> = vec![Hourly::new(); tags.len()];
        let hours = asked.hours(as_of);
        let (lo, hi) = (hours.start.saturating_mul(HOUR_US), hours.end.saturating_mul(HOUR_US) - 1);
        for known in self.others(asked)? {
            self.each_part(&known, lo, hi, Unpack::with_rest(!tags.is_empty()), |head, rest| {
                see(asked, head, rest, &hours, &tags, &mut all, &mut having);
            })?;
        }
        merge(&mut history.uses, all);
        for (condition, hourly) in history.conditions.iter_mut().zip(having) {
            merge(&mut condition.uses, hourly);
        }
        Ok(())
    }

    /// Other issues of the project, those that began on the new side left out: what they add there has no past.
    fn others(&mut self, asked: &Asked<'_>) -> Result<Vec<IssueRow>, StoreError> {
        let mut others = Vec::new();
        for known in self.known_issues(asked.bounds)? {
            if known.id == asked.known.id {
                continue;
            }
            let cells = known.cells.iter().map(|cell| (cell.first, cell.rel, cell.env));
            let tail = known.tail.iter().map(|fact| (fact.ts, fact.rel, fact.env));
            let older = |(ts, rel, env): (i64, u32, u32)| asked.takes(ts, env) && asked.sided.side(rel) != Side::New;
            if cells.chain(tail).any(older) {
                others.push(known);
            }
        }
        Ok(others)
    }
}

fn see(
    asked: &Asked<'_>,
    head: &Head,
    rest: Option<&Rest>,
    hours: &std::ops::Range<i64>,
    tags: &[(u32, u32)],
    all: &mut Hourly,
    having: &mut [Hourly],
) {
    for row in 0..head.len() {
        let (ts, rel, user) = (head.ts[row], head.rel[row], head.user[row]);
        let hour = hour_of(ts);
        let Some(place) = asked.sided.place(rel).filter(|_| asked.takes(ts, head.env[row]) && hours.contains(&hour))
        else {
            continue;
        };
        let add = |hourly: &mut Hourly| {
            let (users, anonymous) = hourly.entry((hour, place)).or_default();
            if user == 0 {
                *anonymous += 1;
            } else {
                users.insert(user);
            }
        };
        add(all);
        for ((key, value), hourly) in tags.iter().zip(having.iter_mut()) {
            if *value != 0 && rest.is_some_and(|rest| rest.tag(*key, row) == *value) {
                add(hourly);
            }
        }
    }
}

/// Adds events to uses.
fn merge(uses: &mut Vec<Use>, hourly: Hourly) {
    let mut by_key: BTreeMap<(i64, usize), Use> =
        uses.drain(..).map(|part| ((part.hour, part.release), part)).collect();
    for ((hour, release), (users, anonymous)) in hourly {
        let part = by_key.entry((hour, release)).or_insert(Use { hour, release, ..Use::default() });
        part.events = users.len() + anonymous;
    }
    uses.extend(by_key.into_values());
}
