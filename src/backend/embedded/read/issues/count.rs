//! Exact counts of an issue's events and users in any part of its history.
//! It uses the packed forms.
//! It never estimates: what the counts by day can't tell is read from the chunks.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, params};

use super::super::engine::{chunks::Unpack, known::IssueRow, pool::Snapshot, scope::EventFilter};
use super::filter::EventTest;
pub(in crate::backend::embedded::read) use crate::answers::Counts;
use crate::{
    backend::embedded::{
        pack::{DayCount, Head, REPLAY, Rest, day_of, decode_users},
        write::BIG,
    },
    store::StoreError,
};

/// Counts that are being added up.
#[derive(Default)]
struct Tally {
    events: u64,
    replays: u64,
    users: Vec<u32>,
}

impl Tally {
    fn see(&mut self, head: &Head, rest: Option<&Rest>, takes: impl Fn(usize) -> bool, test: Option<&EventTest>) {
        for row in 0..head.len() {
            if takes(row) && test.is_none_or(|test| test.holds(head, rest, row)) {
                self.events += 1;
                self.replays += u64::from(head.bits[row] & REPLAY != 0);
                if head.user[row] != 0 {
                    self.users.push(head.user[row]);
                }
            }
        }
    }

    fn counts(mut self) -> Counts {
        self.users.sort_unstable();
        self.users.dedup();
        Counts { events: self.events, users: self.users.len() as u64, replays: self.replays }
    }
}

impl IssueRow {
    /// Counts what `want` takes and `test` holds for.
    pub(in crate::backend::embedded::read) fn count(
        &self,
        snapshot: &mut Snapshot<'_>,
        want: &EventFilter<'_>,
        test: Option<&EventTest>,
    ) -> Result<Counts, StoreError> {
        if test.is_none() && self.tail.is_empty() && self.cells.iter().all(|cell| want.holds(cell)) {
            return Ok(self.count_all());
        }
        if test.is_none() && self.folded > BIG {
            return self.count_by_sets(snapshot, want);
        }
        let mut tally = Tally::default();
        let with_rest = test.is_some_and(EventTest::needs_rest);
        snapshot.each_part(self, want.lo, want.hi, Unpack::with_rest(with_rest), |head, rest| {
            tally.see(head, rest, |row| want.takes(head.ts[row], head.rel[row], head.env[row]), test);
        })?;
        Ok(tally.counts())
    }

    fn count_all(&self) -> Counts {
        let replays = self.cells.iter().map(|cell| cell.replays).sum();
        Counts { events: self.folded, users: self.folded_users, replays }
    }

    /// Adds up whole cells, unites whole sets, and reads from the chunks only what lies across an edge.
    fn count_by_sets(&self, snapshot: &mut Snapshot<'_>, want: &EventFilter<'_>) -> Result<Counts, StoreError> {
        let (whole, cut): (Vec<&DayCount>, Vec<&DayCount>) =
            self.cells.iter().filter(|cell| want.touches(cell)).partition(|cell| want.holds(cell));
        let mut counts = Counts {
            events: whole.iter().map(|cell| cell.events).sum(),
            replays: whole.iter().map(|cell| cell.replays).sum(),
            users: 0,
        };
        let plan = Plan::of(&self.cells, &whole, &cut);
        let mut users = RoaringBitmap::new();
        for (kind, a, b) in &plan.sets {
            users |= snapshot.users_of(self.id, *kind, *a, *b)?;
        }
        let mut edge = Tally::default();
        if !plan.cells.is_empty() {
            self.read_cells(
                snapshot,
                want,
                &plan.cells,
                &mut |events, head, row| {
                    if events {
                        edge.events += 1;
                        edge.replays += u64::from(head.bits[row] & REPLAY != 0);
                    }
                    edge.users.push(head.user[row]);
                },
                &cut,
            )?;
        }
        for fact in self.tail.iter().filter(|fact| want.takes(fact.ts, fact.rel, fact.env)) {
            edge.events += 1;
            edge.replays += u64::from(fact.bits & REPLAY != 0);
            edge.users.push(fact.user);
        }
        users.extend(edge.users.iter().filter(|user| **user != 0));
        counts.events += edge.events;
        counts.replays += edge.replays;
        counts.users = users.len();
        Ok(counts)
    }

    /// Shows the wanted events of those cells; tells whether each is of a cut cell, whose events no sum holds.
    fn read_cells(
        &self,
        snapshot: &mut Snapshot<'_>,
        want: &EventFilter<'_>,
        cells: &HashMap<(u32, u32, i64), (i64, i64)>,
        see: &mut dyn FnMut(bool, &Head, usize),
        cut: &[&DayCount],
    ) -> Result<(), StoreError> {
        let lo = cells.values().map(|(first, _)| *first).min().unwrap_or(i64::MIN).max(want.lo);
        let hi = cells.values().map(|(_, last)| *last).max().unwrap_or(i64::MAX).min(want.hi);
        snapshot.each_chunk(self.id, lo, hi, Unpack::Head, |head, _| {
            for row in 0..head.len() {
                let (ts, rel, env) = (head.ts[row], head.rel[row], head.env[row]);
                let key = (rel, env, day_of(ts));
                if want.takes(ts, rel, env) && cells.contains_key(&key) {
                    see(cut.iter().any(|cell| cell.key() == key), head, row);
                }
            }
        })
    }
}

/// Where the users of a part of a history are to be had.
struct Plan {
    /// Stored sets: kind, a, b.
    sets: Vec<(i64, i64, i64)>,
    /// Cells to be read from the chunks, with their times.
    cells: HashMap<(u32, u32, i64), (i64, i64)>,
}

impl Plan {
    /// A set serves where all cells that it unites are wanted whole: first by release, then by day.
    fn of(all: &[DayCount], whole: &[&DayCount], cut: &[&DayCount]) -> Self {
        let by_release = |cell: &DayCount| (0, i64::from(cell.rel), i64::from(cell.env));
        let by_day = |cell: &DayCount| (1, cell.day, i64::from(cell.env));
        let mut sizes: HashMap<(i64, i64, i64), i64> = HashMap::new();
        for cell in all {
            *sizes.entry(by_release(cell)).or_default() += 1;
            *sizes.entry(by_day(cell)).or_default() += 1;
        }
        for cell in whole {
            *sizes.entry(by_release(cell)).or_default() -= 1;
            *sizes.entry(by_day(cell)).or_default() -= 1;
        }
        let mut plan = Self { sets: Vec::new(), cells: HashMap::new() };
        for cell in whole {
            let set = [by_release(cell), by_day(cell)].into_iter().find(|set| sizes.get(set) == Some(&0));
            match set {
                Some(set) => plan.sets.push(set),
                None => drop(plan.cells.insert(cell.key(), (cell.first, cell.last))),
            }
        }
        plan.cells.extend(cut.iter().map(|cell| (cell.key(), (cell.first, cell.last))));
        plan.sets.sort_unstable();
        plan.sets.dedup();
        plan
    }
}

impl Snapshot<'_> {
    /// A stored set of an issue's users.
    fn users_of(&self, issue: i64, kind: i64, a: i64, b: i64) -> Result<RoaringBitmap, StoreError> {
        let users = self
            .conn
            .prepare_cached("SELECT users FROM issue_users WHERE issue=?1 AND kind=?2 AND a=?3 AND b=?4")?
            .query_row(params![issue, kind, a, b], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        // Without a row nobody of it had a name.
        Ok(users.map_or(Ok(RoaringBitmap::new()), |users| decode_users(&users))?)
    }
}
