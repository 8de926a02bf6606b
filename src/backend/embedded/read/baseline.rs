//! With whom the affected are compared: users with other events, with sessions, or both.
//! It uses `rusqlite` and the packed forms.
//! It never counts an affected user among them.

use std::collections::HashMap;

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
    /// All of it.
    pub(super) users: RoaringBitmap,
    /// By tag and value, the affected and others outside the baseline included.
    sets: HashMap<u32, ValueSets>,
    pub(super) warnings: Vec<&'static str>,
}

impl BaseUsers {
    /// Users of the baseline with that value of a tag.
    pub(super) fn with(&self, tag: u32, value: u32) -> u64 {
        let set = self.sets.get(&tag).and_then(|sets| sets.get(&value));
        set.map_or(0, |set| set.intersection_len(&self.users))
    }
}

/// Sets of users that are being united; a tag with too many values has none.
#[derive(Default)]
struct United {
    sets: HashMap<u32, ValueSets>,
    too_many: bool,
}

impl United {
    fn add(&mut self, tag: u32, sets: Option<ValueSets>) {
        let Some(sets) = sets else {
            self.too_many = true;
            return;
        };
        let united = self.sets.entry(tag).or_default();
        for (value, users) in sets {
            match united.get_mut(&value) {
                Some(set) => *set |= users,
                None => drop(united.insert(value, users)),
            }
        }
    }

    fn see(&mut self, head: &Head, rest: &Rest, want: &Want<'_>, tags: &[u32]) {
        for row in 0..head.len() {
            let user = head.user[row];
            if user == 0 || !want.takes(head.ts[row], head.rel[row], head.env[row]) {
                continue;
            }
            for tag in tags {
                let value = if *tag == 0 { 0 } else { rest.tag(*tag, row) };
                if *tag == 0 || value != 0 {
                    self.sets.entry(*tag).or_default().entry(value).or_default().insert(user);
                }
            }
        }
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
        let mut united = self.users_with_events(bounds, &tags)?;
        let mut warnings = Vec::new();
        if united.too_many {
            warnings.push("a tag has so many values that its baseline is not kept");
        }
        if query.since.is_some() {
            warnings.push("the baseline's users are of all releases in the period");
        }
        let with_events = united.sets.remove(&0).and_then(|mut sets| sets.remove(&0)).unwrap_or_default();
        let mut users = match query.baseline {
            Baseline::OtherEvents => with_events,
            Baseline::Sessions => self.users_with_sessions(bounds)?,
            Baseline::AllUsers => with_events | self.users_with_sessions(bounds)?,
        };
        if query.baseline != Baseline::OtherEvents {
            warnings.push("sessions carry no tags: of the baseline, only users with an event have any");
        }
        users -= affected;
        Ok(BaseUsers { users, sets: united.sets, warnings })
    }

    fn users_with_events(&mut self, bounds: &Bounds, tags: &[u32]) -> Result<United, StoreError> {
        let last_day = day_of(bounds.hi);
        let cut = bounds.hi != i64::MAX && self.reaches_past(bounds, last_day)?;
        let whole_until = if cut { last_day - 1 } else { last_day };
        let mut united = United::default();
        let sql = "SELECT sets FROM base
                   WHERE project=?1 AND tag=?2 AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR env=?5)";
        for (project, _) in &bounds.projects {
            for tag in tags {
                self.go_on()?;
                let mut statement = self.conn.prepare_cached(sql)?;
                let mut rows = statement.query(params![project, tag, day_of(bounds.lo), whole_until, bounds.env])?;
                while let Some(row) = rows.next()? {
                    united.add(*tag, decode_sets(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
                }
            }
        }
        if cut {
            self.last_day(bounds, tags, &mut united)?;
        }
        let want = Want::of(bounds, None);
        let projects = self.projects_of_tail()?;
        for (issue, facts) in self.tails()? {
            if projects.get(&issue).is_some_and(|project| bounds.slug(*project).is_some()) {
                let columns = crate::backend::embedded::pack::Columns::of(&facts);
                united.see(&columns.head, &columns.rest, &want, tags);
            }
        }
        Ok(united)
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
    fn last_day(&mut self, bounds: &Bounds, tags: &[u32], united: &mut United) -> Result<(), StoreError> {
        let start = day_of(bounds.hi).saturating_mul(DAY_US);
        let part = Bounds { lo: start.max(bounds.lo), ..bounds.clone() };
        let want = Want::of(&part, None);
        for known in self.known_issues(&part)? {
            if known.cells.iter().any(|cell| want.touches(cell)) {
                self.each_chunk(known.id, want.lo, want.hi, true, |head, rest| {
                    if let Some(rest) = rest {
                        united.see(head, rest, &want, tags);
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
