//! Folding: takes facts off the journal's tail and adds them to chunks, counts and sets.
//! It uses `rusqlite` and the packed forms.
//! It never leaves a fact in both places or in none: each slice is one transaction.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{commit::SessionTouch, session::add_active, writer::Writer};
use crate::{
    backend::embedded::pack::{
        Columns, DayCount, Fact, UNATTENDED, Unpacker, ValueSets, add_to_cells, day_of, decode_cells, decode_sets,
        decode_users, encode_cells, encode_sets, encode_users, hour_of,
    },
    store::StoreError,
};

/// From so many folded events on, sets of an issue's users are kept; below, its few chunks are as quick to read.
pub(in crate::backend::embedded) const BIG: u64 = 2_048;
/// Facts a slice at least: while little waits, the writer is away for no longer than these take.
const SLICE: u64 = 2_000;
/// Facts a slice at most: it bounds memory.
const MOST_SLICE: u64 = 32_000;
/// Events a chunk at most.
const FULL: u64 = 8_192;
/// Chunks that small are always joined with what follows them.
const SMALL: u64 = 256;
/// A chunk is rewritten only together with at least a quarter as many new facts: each fact is rewritten a few times in all.
const TIER: u64 = 4;
/// A tag with more values on one day marks nothing; its sets are not kept.
const MOST_VALUES: usize = 400;

impl Writer {
    /// Folds a slice of the tail; returns how many facts are left, as far as is known. Events of traces that were told of
    /// since `settled` wait: they may still change.
    pub(super) fn fold_slice(&mut self, settled: i64) -> Result<u64, StoreError> {
        if self.fold_lock.try_lock().is_err() {
            // Another process folds.
            return Ok(0);
        }
        // The sets of a day are written again with every slice: the more waits, the more of it one writing has to serve.
        let slice = (self.unfolded / 4).clamp(SLICE, MOST_SLICE);
        let folded = fold(&mut self.conn, &mut self.unpacker, slice, settled);
        // Unlocking fails only if it isn't locked.
        let _ = self.fold_lock.unlock();
        let folded = folded?;
        Ok(if folded < slice { 0 } else { self.unfolded.saturating_sub(folded) })
    }

    /// Folds all there is.
    pub(in crate::backend::embedded) fn fold_all(&mut self) -> Result<(), StoreError> {
        self.unfolded = self.conn.query_row("SELECT count(*) FROM tail", [], |row| row.get(0))?;
        while self.unfolded > 0 {
            self.unfolded = self.fold_slice(i64::MAX)?;
        }
        Ok(())
    }
}

fn fold(conn: &mut Connection, unpacker: &mut Unpacker, slice: u64, settled: i64) -> Result<u64, StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let facts = first_of_tail(&tx, slice, settled)?;
    let mut across = Across::default();
    for group in facts.chunk_by(|a, b| a.0 == b.0) {
        let (issue, project) = (group[0].0, group[0].1);
        let facts: Vec<&Fact> = group.iter().map(|(_, _, fact)| fact).collect();
        append_chunk(&tx, unpacker, issue, &facts)?;
        count(&tx, unpacker, issue, &facts)?;
        across.add(project, &facts);
        let mut delete = tx.prepare_cached("DELETE FROM tail WHERE issue=?1 AND seq=?2")?;
        for fact in &facts {
            delete.execute(params![issue, fact.seq])?;
        }
    }
    across.write(&tx)?;
    tx.commit()?;
    Ok(facts.len() as u64)
}

fn first_of_tail(conn: &Connection, slice: u64, settled: i64) -> Result<Vec<(i64, u64, Fact)>, StoreError> {
    let sql = "SELECT tail.issue, issue.project, tail.seq, tail.fact FROM tail JOIN issue ON issue.id=tail.issue
               WHERE tail.seq NOT IN (SELECT seq FROM joined WHERE at>=?2)
               ORDER BY tail.issue, tail.seq LIMIT ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![slice, settled])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let fact = Fact::decode(row.get(2)?, row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
        facts.push((row.get(0)?, row.get(1)?, fact));
    }
    Ok(facts)
}

/// Puts facts into the issue's last chunk or new ones.
pub(super) fn append_chunk(
    conn: &Connection,
    unpacker: &mut Unpacker,
    issue: i64,
    facts: &[&Fact],
) -> Result<(), StoreError> {
    for facts in facts.chunks(FULL as usize) {
        let (id, joined) = joined(conn, issue, facts.len() as u64)?;
        let mut columns = Columns::default();
        for chunk in joined.iter().rev() {
            let before = conn
                .prepare_cached("SELECT head, rest FROM chunk WHERE issue=?1 AND id=?2")?
                .query_row(params![issue, chunk], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
            columns.append(unpacker.columns(&before.0, &before.1)?);
        }
        facts.iter().for_each(|fact| columns.push(fact));
        if facts.iter().any(|fact| fact.bits & UNATTENDED == 0) {
            let sql = "UPDATE issue SET attended=1 WHERE id=?1 AND attended=0";
            conn.prepare_cached(sql)?.execute([issue])?;
        }
        conn.prepare_cached("DELETE FROM chunk WHERE issue=?1 AND id>=?2")?.execute(params![issue, id])?;
        write_chunk(conn, issue, id, &columns)?;
    }
    Ok(())
}

/// The number of the chunk that `n` new facts go into, and the last chunks that it takes in, newest first.
fn joined(conn: &Connection, issue: i64, mut n: u64) -> Result<(i64, Vec<i64>), StoreError> {
    let mut statement = conn.prepare_cached("SELECT id, n FROM chunk WHERE issue=?1 ORDER BY id DESC")?;
    let mut rows = statement.query([issue])?;
    let (mut joined, mut id) = (Vec::new(), 1);
    while let Some(row) = rows.next()? {
        let (last, rows): (i64, u64) = (row.get(0)?, row.get(1)?);
        if n + rows > SMALL && (rows > n * TIER || n + rows > FULL) {
            id = last + 1;
            break;
        }
        n += rows;
        id = last;
        joined.push(last);
    }
    Ok((id, joined))
}

/// Writes one chunk.
pub(super) fn write_chunk(conn: &Connection, issue: i64, id: i64, columns: &Columns) -> Result<(), StoreError> {
    let head = &columns.head;
    let (Some(lo), Some(hi)) = (head.ts.iter().min(), head.ts.iter().max()) else { return Ok(()) };
    let best = head.rich.iter().max();
    let (packed_head, packed_rest) = columns.encode();
    conn.prepare_cached(
        "INSERT OR REPLACE INTO chunk(issue, id, n, lo, hi, best, head, rest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![issue, id, head.len(), lo, hi, best, packed_head, packed_rest])?;
    Ok(())
}

/// Adds facts, which the issue's chunks hold already, to its counts and sets.
pub(super) fn count(conn: &Connection, unpacker: &mut Unpacker, issue: i64, facts: &[&Fact]) -> Result<(), StoreError> {
    let before = conn
        .prepare_cached("SELECT events, cells FROM rollup WHERE issue=?1")?
        .query_row([issue], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let (before, mut cells): (u64, Vec<DayCount>) = match before {
        Some((events, cells)) => (events, decode_cells(&cells)?),
        None => (0, Vec::new()),
    };
    add_to_cells(&mut cells, facts.iter().copied());
    let events = before + facts.len() as u64;
    let users = match (before > BIG, events > BIG) {
        (false, false) => {
            let mut users = RoaringBitmap::new();
            each_head(conn, unpacker, issue, |columns| users.extend(columns.user.iter().filter(|user| **user != 0)))?;
            users.len()
        }
        (false, true) => {
            let mut sets = Sets::new();
            each_head(conn, unpacker, issue, |head| {
                (0..head.len())
                    .for_each(|row| note(&mut sets, head.rel[row], head.env[row], head.ts[row], head.user[row]));
            })?;
            write_sets(conn, issue, sets)?
        }
        (true, _) => {
            let mut sets = Sets::new();
            facts.iter().for_each(|fact| note(&mut sets, fact.rel, fact.env, fact.ts, fact.user));
            write_sets(conn, issue, sets)?
        }
    };
    conn.prepare_cached("INSERT OR REPLACE INTO rollup(issue, events, users, cells) VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![issue, events, users, encode_cells(&cells)])?;
    Ok(())
}

fn each_head(
    conn: &Connection,
    unpacker: &mut Unpacker,
    issue: i64,
    mut see: impl FnMut(&crate::backend::embedded::pack::Head),
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("SELECT head FROM chunk WHERE issue=?1")?;
    let mut rows = statement.query([issue])?;
    while let Some(row) = rows.next()? {
        see(&unpacker.head(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
    }
    Ok(())
}

/// Sets of users by (kind, a, b), as in the table `issue_users`.
type Sets = HashMap<(i64, i64, i64), RoaringBitmap>;

fn note(sets: &mut Sets, rel: u32, env: u32, ts: i64, user: u32) {
    if user != 0 {
        let env = i64::from(env);
        for key in [(0, i64::from(rel), env), (1, day_of(ts), env), (2, 0, 0)] {
            sets.entry(key).or_default().insert(user);
        }
    }
}

/// Adds to the issue's stored sets; returns how many users it has in all.
fn write_sets(conn: &Connection, issue: i64, mut sets: Sets) -> Result<u64, StoreError> {
    let mut total = 0;
    // Also without a new user: then it tells the total.
    sets.entry((2, 0, 0)).or_default();
    for ((kind, a, b), mut users) in sets {
        let before = conn
            .prepare_cached("SELECT users FROM issue_users WHERE issue=?1 AND kind=?2 AND a=?3 AND b=?4")?
            .query_row(params![issue, kind, a, b], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        let added = users.len();
        if let Some(before) = before {
            users |= decode_users(&before)?;
        }
        if kind == 2 {
            total = users.len();
        }
        if added > 0 {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO issue_users(issue, kind, a, b, users) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![issue, kind, a, b, encode_users(&users)])?;
        }
    }
    Ok(total)
}

/// Users by the value of one tag.
type UsersByValue = HashMap<u32, Vec<u32>>;

/// What a slice adds to the tables that span issues.
#[derive(Default)]
pub(super) struct Across {
    /// By project, day, environment; then by tag; then by value.
    base: HashMap<(u64, i64, u32), HashMap<u32, UsersByValue>>,
    active: HashMap<(u64, u32, u32, i64), SessionTouch>,
    /// By project, environment, hour.
    used: HashMap<(u64, u32, i64), u64>,
}

impl Across {
    pub(super) fn add(&mut self, project: u64, facts: &[&Fact]) {
        for fact in facts {
            let day = day_of(fact.ts);
            *self.used.entry((project, fact.env, hour_of(fact.ts))).or_default() += 1;
            let active = self.active.entry((project, fact.rel, fact.env, day)).or_insert_with(|| SessionTouch {
                first: fact.ts,
                last: fact.ts,
                ..SessionTouch::default()
            });
            active.started += 1;
            (active.first, active.last) = (active.first.min(fact.ts), active.last.max(fact.ts));
            if fact.user != 0 {
                active.users.insert(fact.user);
                let tags = self.base.entry((project, day, fact.env)).or_default();
                for (tag, value) in std::iter::once(&(0, 0)).chain(&fact.tags) {
                    tags.entry(*tag).or_default().entry(*value).or_default().push(fact.user);
                }
            }
        }
    }

    pub(super) fn write(self, conn: &Connection) -> Result<(), StoreError> {
        for ((project, rel, env, day), touch) in self.active {
            add_active(conn, (project, rel, env, day, 0), &touch)?;
        }
        for ((project, env, hour), n) in self.used {
            let sql = "INSERT INTO used(project, env, hour, n) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n=n+?4";
            conn.prepare_cached(sql)?.execute(params![project, env, hour, n])?;
        }
        for ((project, day, env), tags) in self.base {
            for (tag, values) in tags {
                add_base(conn, (project, day, env, tag), values)?;
            }
        }
        Ok(())
    }
}

fn add_base(
    conn: &Connection,
    (project, day, env, tag): (u64, i64, u32, u32),
    values: HashMap<u32, Vec<u32>>,
) -> Result<(), StoreError> {
    let before = conn
        .prepare_cached("SELECT sets FROM base WHERE project=?1 AND tag=?2 AND day=?3 AND env=?4")?
        .query_row(params![project, tag, day, env], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let before = before.map_or(Ok(Some(ValueSets::new())), |before| decode_sets(&before))?;
    let Some(mut sets) = before else { return Ok(()) };
    for (value, users) in values {
        sets.entry(value).or_default().extend(users);
    }
    let sets = (sets.len() <= MOST_VALUES).then_some(sets);
    conn.prepare_cached("INSERT OR REPLACE INTO base(project, day, env, tag, sets) VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![project, day, env, tag, encode_sets(sets.as_ref())])?;
    Ok(())
}
