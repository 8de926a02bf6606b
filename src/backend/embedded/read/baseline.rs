//! With whom the affected are compared: users with other events, with sessions, or both.
//! It uses `rusqlite` and the packed forms.
//! It never counts an affected user among them.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;
use rusqlite::params;

use super::{
    pool::Snapshot,
    scope::{Bounds, Want},
};
use crate::{
    backend::embedded::{
        pack::{DAY_US, Head, Rest, ValueSets, day_of, decode_sets},
        write::BY_SESSIONS,
    },
    store::{AffectedQuery, Baseline, StoreError},
};

/// The baseline.
pub(super) struct BaseUsers {
    pub(super) kind: Baseline,
    /// All of it.
    pub(super) users: RoaringBitmap,
    /// Users with a session or an event, the affected among them.
    pub(super) active: u64,
    sets: HashMap<u32, TagUsers>,
    pub(super) warnings: Vec<&'static str>,
}

impl BaseUsers {
    /// How many users of the baseline have that value of a tag.
    pub(super) fn with(&self, tag: u32, value: u32) -> u64 {
        let set = self.sets.get(&tag).and_then(|sets| sets.any.get(&value));
        set.map_or(0, |set| set.intersection_len(&self.users))
    }

    /// The values that a tag has on such a day.
    pub(super) fn values(&self, tag: u32) -> Vec<u32> {
        self.sets.get(&tag).map_or_else(Vec::new, |sets| sets.first.keys().copied().collect())
    }

    /// Users of the baseline who had that value of a tag on the first day that shows any.
    pub(super) fn first_with(&self, tag: u32, value: u32) -> RoaringBitmap {
        let set = self.sets.get(&tag).and_then(|sets| sets.first.get(&value));
        set.map_or_else(RoaringBitmap::new, |set| set & &self.users)
    }
}

/// Users by value of one tag, the affected and others outside the baseline included.
#[derive(Default)]
struct TagUsers {
    /// Ever.
    any: ValueSets,
    /// On the first day; of several values that day the one with the smallest number.
    first: ValueSets,
}

impl TagUsers {
    /// Takes the next day.
    fn add(&mut self, known: &mut RoaringBitmap, day: ValueSets) {
        for (value, users) in day {
            let new = &users - &*known;
            *known |= &new;
            *self.first.entry(value).or_default() |= new;
            *self.any.entry(value).or_default() |= users;
        }
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

    fn see(&mut self, head: &Head, rest: &Rest, want: &Want<'_>, tags: &[u32]) {
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

    fn united(self) -> HashMap<u32, TagUsers> {
        let unite = |days: BTreeMap<i64, ValueSets>| {
            let (mut united, mut known) = (TagUsers::default(), RoaringBitmap::new());
            days.into_values().for_each(|day| united.add(&mut known, day));
            united
        };
        self.sets.into_iter().map(|(tag, days)| (tag, unite(days))).collect()
    }
}

impl Snapshot<'_> {
    /// The users that are compared with the affected, by those tags. The scope's first day counts whole.
    pub(super) fn baseline(
        &mut self,
        query: &AffectedQuery,
        bounds: &Bounds,
        tags: &[u32],
        affected: &RoaringBitmap,
    ) -> Result<BaseUsers, StoreError> {
        let bounds = &bounds.whole_days();
        let mut tags = tags.to_vec();
        tags.push(0);
        tags.sort_unstable();
        tags.dedup();
        let days = self.users_with_events(bounds, &tags)?;
        let mut warnings = Vec::new();
        if days.too_many {
            warnings.push("a tag has so many values that its baseline is not kept");
        }
        if query.since.is_some() {
            warnings.push("the baseline's users are of all releases in the period");
        }
        let mut sets = days.united();
        let with_events = sets.remove(&0).and_then(|mut all| all.any.remove(&0)).unwrap_or_default();
        let with_sessions = self.users_with_sessions(bounds)?;
        let all = &with_events | &with_sessions;
        let active = all.len();
        let mut users = match query.baseline {
            Baseline::OtherEvents => with_events.clone(),
            Baseline::Sessions => with_sessions,
            Baseline::AllUsers => all,
        };
        users -= affected;
        // Whose tags nobody knows would count as having none of them, and make every value stand out.
        if !users.is_subset(&with_events) {
            warnings.push("sessions carry no tags: of the baseline, only users who have an event too are compared");
            users &= with_events;
        }
        Ok(BaseUsers { kind: query.baseline, users, active, sets, warnings })
    }

    fn users_with_events(&mut self, bounds: &Bounds, tags: &[u32]) -> Result<Days, StoreError> {
        let last_day = day_of(bounds.hi);
        let cut = bounds.hi != i64::MAX && self.reaches_past(bounds, last_day)?;
        let whole_until = if cut { last_day - 1 } else { last_day };
        let mut days = Days::default();
        let sql = "SELECT day, sets FROM base
                   WHERE project=?1 AND tag=?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR env=?5)";
        for (project, _) in &bounds.projects {
            for tag in tags {
                self.go_on()?;
                let mut statement = self.conn.prepare_cached(sql)?;
                let mut rows = statement.query(params![project, tag, day_of(bounds.lo), whole_until, bounds.env])?;
                while let Some(row) = rows.next()? {
                    let sets = decode_sets(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
                    days.add(*tag, row.get(0)?, sets);
                }
            }
        }
        if cut {
            self.last_day(bounds, tags, &mut days)?;
        }
        let want = Want::of(bounds, None);
        let projects = self.projects_of_tail()?;
        for (issue, facts) in self.tails()? {
            if projects.get(&issue).is_some_and(|project| bounds.slug(*project).is_some()) {
                let columns = crate::backend::embedded::pack::Columns::of(&facts);
                days.see(&columns.head, &columns.rest, &want, tags);
            }
        }
        Ok(days)
    }

    /// Whether there are events of the day that lie after the scope's end.
    fn reaches_past(&self, bounds: &Bounds, day: i64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS(SELECT 1 FROM active WHERE project=?1 AND day=?2 AND kind=0 AND last>?3)";
        for (project, _) in &bounds.projects {
            if self.conn.prepare_cached(sql)?.query_row(params![project, day, bounds.hi], |row| row.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The part of the last day that lies before the scope's end, from the chunks of all issues.
    fn last_day(&mut self, bounds: &Bounds, tags: &[u32], days: &mut Days) -> Result<(), StoreError> {
        let start = day_of(bounds.hi).saturating_mul(DAY_US);
        let part = Bounds { lo: start.max(bounds.lo), ..bounds.clone() };
        let want = Want::of(&part, None);
        for known in self.known_issues(&part)? {
            if known.cells.iter().any(|cell| want.touches(cell)) {
                self.each_chunk(known.id, want.lo, want.hi, true, |head, rest| {
                    if let Some(rest) = rest {
                        days.see(head, rest, &want, tags);
                    }
                })?;
            }
        }
        Ok(())
    }

    fn users_with_sessions(&mut self, bounds: &Bounds) -> Result<RoaringBitmap, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT users FROM active WHERE project=?1 AND kind=?2 AND day BETWEEN ?3 AND ?4
             AND (?5 IS NULL OR env=?5) AND first<=?6",
        )?;
        let mut users = RoaringBitmap::new();
        for (project, _) in &bounds.projects {
            let days = params![project, BY_SESSIONS, day_of(bounds.lo), day_of(bounds.hi), bounds.env, bounds.hi];
            let mut rows = statement.query(days)?;
            while let Some(row) = rows.next()? {
                let set = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
                users |= crate::backend::embedded::pack::decode_users(set)?;
            }
        }
        Ok(users)
    }
}
