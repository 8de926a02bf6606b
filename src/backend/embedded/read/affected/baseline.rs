//! With whom the affected are compared: users with other events, with sessions, or both.
//! It uses `rusqlite` and the packed forms.
//! It never counts an affected user among them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use roaring::RoaringBitmap;
use rusqlite::params;

use super::super::engine::{
    chunks::Unpack,
    memory::SettledKey,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
use crate::{
    answers::{ALL_RELEASES, ENOUGH, EVENTS_ALONE, EVENTS_AND_REQUESTS, REQUESTS_TOO},
    backend::embedded::{
        pack::{DAY_US, Head, Rest, ValueSets, day_of, decode_sets},
        write::{BY_REQUESTS, BY_SESSIONS},
    },
    store::{AffectedQuery, Baseline, StoreError},
};

/// The baseline.
pub(in crate::backend::embedded::read) struct BaseUsers {
    pub(in crate::backend::embedded::read) kind: Baseline,
    /// All of it.
    pub(in crate::backend::embedded::read) users: RoaringBitmap,
    /// Users with a session, a request or an event, the affected among them.
    pub(in crate::backend::embedded::read) active: u64,
    sets: HashMap<u32, Joined>,
    /// The tags that requests have too, where users of requests are compared; what they lack can't be compared then.
    of_requests: Option<BTreeSet<u32>>,
    pub(in crate::backend::embedded::read) warnings: Vec<&'static str>,
}

impl BaseUsers {
    /// Whether the baseline's users would have that tag if it were true of them.
    pub(in crate::backend::embedded::read) fn compares(&self, tag: u32) -> bool {
        self.of_requests.as_ref().is_none_or(|known| known.contains(&tag))
    }

    /// How many users of the baseline have that value of a tag.
    pub(in crate::backend::embedded::read) fn with(&self, tag: u32, value: u32) -> u64 {
        self.sets.get(&tag).map_or(0, |sets| sets.any(value).intersection_len(&self.users))
    }

    /// The values that a tag has on the first day that shows any.
    pub(in crate::backend::embedded::read) fn values(&self, tag: u32) -> Vec<u32> {
        let sets = self.sets.get(&tag);
        sets.map_or_else(Vec::new, |sets| sets.past.first.keys().chain(sets.late.first.keys()).copied().collect())
    }

    /// Users of the baseline who had that value of a tag on the first day that shows any.
    pub(in crate::backend::embedded::read) fn first_with(&self, tag: u32, value: u32) -> RoaringBitmap {
        let set = self.sets.get(&tag).map(|sets| sets.first(value) & &self.users);
        set.unwrap_or_default()
    }
}

/// Users by value of one tag, the affected and others outside the baseline included.
#[derive(Debug, Default)]
pub(in crate::backend::embedded::read) struct TagUsers {
    /// Ever.
    any: ValueSets,
    /// On the first day; of several values that day the one with the smallest number.
    first: ValueSets,
    /// With any value.
    known: RoaringBitmap,
    /// Whether it had too many values on some day.
    too_many: bool,
}

impl TagUsers {
    /// Takes the next day.
    fn add(&mut self, day: ValueSets) {
        for (value, users) in day {
            let new = &users - &self.known;
            self.known |= &new;
            *self.first.entry(value).or_default() |= new;
            *self.any.entry(value).or_default() |= users;
        }
    }
}

/// Users by value of one tag over days that are settled and kept between answers, and over the days after them.
#[derive(Default)]
struct Joined {
    past: Arc<TagUsers>,
    late: TagUsers,
}

impl Joined {
    fn any(&self, value: u32) -> RoaringBitmap {
        union(self.past.any.get(&value), self.late.any.get(&value))
    }

    fn first(&self, value: u32) -> RoaringBitmap {
        union(self.past.first.get(&value), self.late.first.get(&value))
    }
}

fn union(one: Option<&RoaringBitmap>, other: Option<&RoaringBitmap>) -> RoaringBitmap {
    match (one, other) {
        (Some(one), Some(other)) => one | other,
        (one, other) => one.or(other).cloned().unwrap_or_default(),
    }
}

/// Users by tag, day and value; tag 0 has all users under value 0.
#[derive(Default)]
struct Days {
    sets: HashMap<u32, BTreeMap<i64, ValueSets>>,
    /// Whether a tag had too many values on some day.
    too_many: bool,
}

impl Days {
    fn add(&mut self, tag: u32, day: i64, sets: Option<ValueSets>) {
        let Some(sets) = sets else {
            self.too_many = true;
            return;
        };
        let known = self.sets.entry(tag).or_default().entry(day).or_default();
        for (value, users) in sets {
            *known.entry(value).or_default() |= users;
        }
    }

    fn see(&mut self, head: &Head, rest: &Rest, want: &EventFilter<'_>, tags: &[u32]) {
        for row in 0..head.len() {
            let (user, ts) = (head.user[row], head.ts[row]);
            if user == 0 || !want.takes(ts, head.rel[row], head.env[row]) {
                continue;
            }
            for tag in tags {
                let value = if *tag == 0 { 0 } else { rest.tag(*tag, row) };
                if *tag == 0 || value != 0 {
                    let day = self.sets.entry(*tag).or_default().entry(day_of(ts)).or_default();
                    day.entry(value).or_default().insert(user);
                }
            }
        }
    }

    /// One tag's users over all its days, after those that are known already.
    fn united(&mut self, tag: u32, known: RoaringBitmap) -> TagUsers {
        let mut united = TagUsers { known, too_many: self.too_many, ..TagUsers::default() };
        self.sets.remove(&tag).into_iter().flat_map(BTreeMap::into_values).for_each(|day| united.add(day));
        united
    }
}

impl Snapshot<'_> {
    /// The users that are compared with the affected, by those tags; `asked` are those that must be among them. The scope's
    /// first day counts whole.
    pub(in crate::backend::embedded::read) fn baseline(
        &mut self,
        query: &AffectedQuery,
        bounds: &ResolvedScope,
        tags: &[u32],
        asked: &[u32],
        affected: &RoaringBitmap,
    ) -> Result<BaseUsers, StoreError> {
        let bounds = &bounds.whole_days();
        let mut tags = tags.to_vec();
        tags.push(0);
        tags.sort_unstable();
        tags.dedup();
        let mut sets = self.users_with_events(bounds, &tags)?;
        let mut warnings = Vec::new();
        if sets.values().any(|sets| sets.past.too_many || sets.late.too_many) {
            warnings.push("a tag has so many values that its baseline is not kept");
        }
        if query.since.is_some() {
            warnings.push(ALL_RELEASES);
        }
        let mut with_events = sets.remove(&0).map(|all| all.any(0)).unwrap_or_default();
        let of_requests = self.add_requests(bounds, &tags, asked, (&mut with_events, affected), &mut sets)?;
        if of_requests.is_some() {
            warnings.push(REQUESTS_TOO);
        }
        let with_sessions = self.users_of_kind(bounds, BY_SESSIONS)?;
        let all = &with_events | &with_sessions | self.users_of_kind(bounds, BY_REQUESTS)?;
        let active = all.len();
        let mut users = match query.baseline {
            Baseline::OtherEvents => with_events.clone(),
            Baseline::Sessions => with_sessions,
            Baseline::AllUsers => all,
        };
        users -= affected;
        // Whose tags nobody knows would count as having none of them, and make every value stand out.
        if !users.is_subset(&with_events) {
            warnings.push(if of_requests.is_some() { EVENTS_AND_REQUESTS } else { EVENTS_ALONE });
            users &= with_events;
        }
        Ok(BaseUsers { kind: query.baseline, users, active, sets, of_requests, warnings })
    }

    /// Users by tag. Days before the newest that is folded hardly ever change: what they come to is kept.
    fn users_with_events(&mut self, bounds: &ResolvedScope, tags: &[u32]) -> Result<HashMap<u32, Joined>, StoreError> {
        let last_day = day_of(bounds.hi);
        let cut = bounds.hi != i64::MAX && self.reaches_past(bounds, last_day)?;
        let whole_until = if cut { last_day - 1 } else { last_day };
        let mut late = Days::default();
        let want = EventFilter::of(bounds, None);
        let (projects, mut first_late) = (self.projects_of_tail()?, whole_until.min(self.newest_day(bounds)?));
        for (issue, facts) in self.tails()? {
            if projects.get(&issue).is_some_and(|project| bounds.slug(*project).is_some()) {
                let columns = crate::backend::embedded::pack::Columns::of(&facts);
                late.see(&columns.head, &columns.rest, &want, tags);
                first_late = columns.head.ts.iter().map(|ts| day_of(*ts)).fold(first_late, i64::min);
            }
        }
        let settled = (day_of(bounds.lo), first_late.saturating_sub(1));
        if cut {
            self.last_day(bounds, tags, &mut late)?;
        }
        let mut joined = HashMap::new();
        for tag in tags {
            self.go_on()?;
            let past = self.settled(bounds, *tag, settled)?;
            self.read_days(bounds, *tag, (settled.1.saturating_add(1).max(settled.0), whole_until), &mut late)?;
            let late = late.united(*tag, past.known.clone());
            joined.insert(*tag, Joined { past, late });
        }
        Ok(joined)
    }

    /// Adds users of requests, where few but the affected have an event; gives the tags that are known of requests.
    fn add_requests(
        &self,
        bounds: &ResolvedScope,
        tags: &[u32],
        asked: &[u32],
        (users, affected): (&mut RoaringBitmap, &RoaringBitmap),
        sets: &mut HashMap<u32, Joined>,
    ) -> Result<Option<BTreeSet<u32>>, StoreError> {
        let others = users.len() - users.intersection_len(affected);
        if others >= affected.len().max(ENOUGH) {
            return Ok(None);
        }
        let mut days = Days::default();
        for tag in tags {
            self.request_days(bounds, *tag, &mut days)?;
        }
        let found = days.sets.remove(&0).unwrap_or_default();
        let with_requests =
            found.into_values().flat_map(BTreeMap::into_values).fold(RoaringBitmap::new(), |a, b| a | b);
        let known: BTreeSet<u32> = days.sets.keys().copied().collect();
        if (&with_requests - &*users - affected).is_empty() || !asked.iter().all(|tag| known.contains(tag)) {
            return Ok(None);
        }
        *users |= with_requests;
        for (tag, days) in days.sets {
            let joined = sets.entry(tag).or_default();
            days.into_values().for_each(|day| joined.late.add(day));
        }
        Ok(Some(known))
    }

    /// A tag's users by requests; none where it had too many values on some day.
    fn request_days(&self, bounds: &ResolvedScope, tag: u32, into: &mut Days) -> Result<(), StoreError> {
        let sql = "SELECT day, sets FROM base_request
                   WHERE project=?1 AND tag=?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR env=?5)";
        let mut statement = self.conn.prepare_cached(sql)?;
        for (project, _) in &bounds.projects {
            let mut rows = statement.query(params![project, tag, day_of(bounds.lo), day_of(bounds.hi), bounds.env])?;
            while let Some(row) = rows.next()? {
                match decode_sets(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)? {
                    Some(sets) => into.add(tag, row.get(0)?, Some(sets)),
                    None => {
                        into.sets.remove(&tag);
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The newest day that is folded.
    fn newest_day(&self, bounds: &ResolvedScope) -> Result<i64, StoreError> {
        let mut newest = i64::MIN;
        for (project, _) in &bounds.projects {
            let sql = "SELECT max(day) FROM base WHERE project=?1 AND tag=0";
            let day: Option<i64> = self.conn.prepare_cached(sql)?.query_row([project], |row| row.get(0))?;
            newest = newest.max(day.unwrap_or(i64::MIN));
        }
        Ok(newest)
    }

    /// A tag's users over folded days, from memory if none of their rows was written since.
    fn settled(&self, bounds: &ResolvedScope, tag: u32, days: (i64, i64)) -> Result<Arc<TagUsers>, StoreError> {
        let key =
            SettledKey { projects: bounds.projects.iter().map(|(id, _)| *id).collect(), env: bounds.env, tag, days };
        // A row that is written again gets a new number, the highest.
        let sql = "SELECT coalesce(max(rowid), 0), count(*) FROM base
                   WHERE project=?1 AND tag=?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR env=?5)";
        let mut stamp = Vec::new();
        for project in &key.projects {
            let rows = params![project, tag, days.0, days.1, bounds.env];
            stamp.push(self.conn.prepare_cached(sql)?.query_row(rows, |row| Ok((row.get(0)?, row.get(1)?)))?);
        }
        if let Some(kept) = self.memory.get(&key, &stamp) {
            return Ok(kept);
        }
        let mut read = Days::default();
        self.read_days(bounds, tag, days, &mut read)?;
        let users = Arc::new(read.united(tag, RoaringBitmap::new()));
        self.memory.keep(key, stamp, users.clone());
        Ok(users)
    }

    fn read_days(&self, bounds: &ResolvedScope, tag: u32, days: (i64, i64), into: &mut Days) -> Result<(), StoreError> {
        let sql = "SELECT day, sets FROM base
                   WHERE project=?1 AND tag=?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR env=?5)";
        let mut statement = self.conn.prepare_cached(sql)?;
        for (project, _) in &bounds.projects {
            let mut rows = statement.query(params![project, tag, days.0, days.1, bounds.env])?;
            while let Some(row) = rows.next()? {
                let sets = decode_sets(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                into.add(tag, row.get(0)?, sets);
            }
        }
        Ok(())
    }

    /// Whether there are events of the day that lie after the scope's end.
    fn reaches_past(&self, bounds: &ResolvedScope, day: i64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS(SELECT 1 FROM active WHERE project=?1 AND day=?2 AND kind=0 AND last>?3)";
        for (project, _) in &bounds.projects {
            if self.conn.prepare_cached(sql)?.query_row(params![project, day, bounds.hi], |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The part of the last day that lies before the scope's end, from the chunks of all issues.
    fn last_day(&mut self, bounds: &ResolvedScope, tags: &[u32], days: &mut Days) -> Result<(), StoreError> {
        let start = day_of(bounds.hi).saturating_mul(DAY_US);
        let part = ResolvedScope { lo: start.max(bounds.lo), ..bounds.clone() };
        let want = EventFilter::of(&part, None);
        for known in self.known_issues(&part)? {
            if known.cells.iter().any(|cell| want.touches(cell)) {
                self.each_chunk(known.id, want.lo, want.hi, Unpack::All, |head, rest| {
                    if let Some(rest) = rest {
                        days.see(head, rest, &want, tags);
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Users with a session, or with a request or another sign of use. The scope's last day counts whole.
    fn users_of_kind(&self, bounds: &ResolvedScope, kind: i64) -> Result<RoaringBitmap, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT users FROM active WHERE project=?1 AND kind=?2 AND day BETWEEN ?3 AND ?4
             AND (?5 IS NULL OR env=?5) AND first<=?6",
        )?;
        let mut users = RoaringBitmap::new();
        for (project, _) in &bounds.projects {
            let days = params![project, kind, day_of(bounds.lo), day_of(bounds.hi), bounds.env, bounds.hi];
            let mut rows = statement.query(days)?;
            while let Some(row) = rows.next()? {
                let set = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                users |= crate::backend::embedded::pack::decode_users(set)?;
            }
        }
        Ok(users)
    }
}
