//! Packing lines in blocks: what questions over many of them are answered from.
//! It uses `rusqlite` and the packed forms.
//! It never holds anything up: what is in no block yet is read from its records.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{part::WAIT_US, writer::Writer};
use crate::{
    backend::embedded::{
        lines::{Maker, Parsed, Row, Source, Stored, kind_code, pack},
        pack::Unpacker,
    },
    store::{SignalKind, StoreError},
};

/// Lines that make a block, of all kinds together.
const LINES: u64 = 8_192;

/// How long after parts that wait held others up those are looked at again, microseconds.
const AGAIN_US: i64 = 10_000_000;
/// Lines that a record is taken to have before any was packed.
const EACH: f64 = 4.0;

/// Records whose lines are in no block, as far as this process knows.
#[derive(Clone, Copy)]
pub(super) struct Loose {
    pub(super) records: u64,
    /// Lines of one, as those that were looked at last had them.
    each: f64,
    /// Not looked at again before something comes at that time, microseconds since 1970.
    not_before: i64,
}

impl Default for Loose {
    fn default() -> Self {
        Self { records: 0, each: EACH, not_before: i64::MIN }
    }
}

impl Loose {
    fn lines(&self) -> f64 {
        self.records as f64 * self.each
    }

    /// Notes that a block was made of some records, which have so many lines, or that they were too few for one.
    fn looked_at(&mut self, made: bool, records: u64, lines: u64) {
        self.records = if made { self.records.saturating_sub(records) } else { records };
        if records > 0 {
            self.each = lines as f64 / records as f64;
        }
    }
}

/// By project and source.
pub(super) type LooseRecords = HashMap<(u64, Source), Loose>;

/// Lines of one kind: the record that each is of, and which of its lines.
type Lines = Vec<(i64, u32, Row)>;

impl Writer {
    /// Counts what is in no block, about: at the start, and when blocks are gone.
    pub(super) fn count_loose(&mut self) -> Result<(), StoreError> {
        let projects: Vec<u64> =
            self.conn.prepare("SELECT id FROM project")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        self.loose.values_mut().for_each(|loose| loose.records = 0);
        for project in projects {
            for source in Source::PACKED {
                let n = count(&self.conn, project, source)?;
                self.loose.entry((project, source)).or_default().records = n;
            }
        }
        Ok(())
    }

    /// Whose lines are to be packed next.
    pub(super) fn most_loose(&self) -> Option<(u64, Source)> {
        let due = self.loose.iter().filter(|(_, loose)| loose.not_before <= self.latest);
        let enough = due.filter(|(_, loose)| loose.lines() >= LINES as f64);
        enough.max_by(|a, b| a.1.lines().total_cmp(&b.1.lines())).map(|(key, _)| *key)
    }

    /// Packs one block's worth of lines, if there are so many.
    pub(super) fn pack_lines(&mut self, (project, source): (u64, Source)) -> Result<(), StoreError> {
        if self.fold_lock.try_lock().is_err() {
            // Another process packs.
            self.loose.remove(&(project, source));
            return Ok(());
        }
        let packed = pack_next(&mut self.conn, &mut self.unpacker, (project, source), (self.latest - WAIT_US, LINES));
        // Unlocking fails only if it isn't locked.
        let _ = self.fold_lock.unlock();
        let (made, taken) = packed?;
        let left = if made { None } else { Some(count(&self.conn, project, source)?) };
        let loose = self.loose.entry((project, source)).or_default();
        loose.looked_at(made, taken.records, taken.n);
        if let Some(left) = left.filter(|left| *left > taken.records) {
            // The others wait for parts that may still be kept.
            (loose.records, loose.not_before) = (left, self.latest + AGAIN_US);
        }
        Ok(())
    }

    /// Packs all there is, however little.
    pub(in crate::backend::embedded) fn pack_all(&mut self) -> Result<(), StoreError> {
        self.count_loose()?;
        let all: Vec<(u64, Source)> = self.loose.keys().copied().collect();
        for of in all {
            while pack_next(&mut self.conn, &mut self.unpacker, of, (self.latest - WAIT_US, 1))?.0 {
                self.commit_waiting();
            }
        }
        self.count_loose()
    }

    /// Makes blocks again whose first lines are gone.
    pub(super) fn repack_before(&mut self, cut: i64) -> Result<(), StoreError> {
        self.conn.execute("DELETE FROM line_block WHERE hi<?1", [cut])?;
        self.conn.execute("DELETE FROM part_late WHERE part NOT IN (SELECT id FROM part)", [])?;
        let blocks: Vec<(i64, u64, i64, i64, i64, i64)> = {
            let mut statement =
                self.conn.prepare("SELECT id, project, source, kind, first, last FROM line_block WHERE lo<?1")?;
            let rows = statement.query_map([cut], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        for (id, project, source, kind, first, last) in blocks {
            let Some(source) = Source::of_code(source) else { continue };
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let taken = take(&tx, &mut self.unpacker, (project, source), (first - 1, last), u64::MAX)?;
            tx.execute("DELETE FROM line_block WHERE id=?1", [id])?;
            for (of, lines) in taken.kinds.iter().filter(|(of, _)| kind_code(**of) == kind) {
                write(&tx, (project, source, *of), lines)?;
            }
            tx.commit()?;
            self.commit_waiting();
        }
        Ok(())
    }

    /// Forgets all blocks: what they were made of has changed in many places. They are made again in quiet moments.
    pub(super) fn unpack_lines(&mut self) -> Result<(), StoreError> {
        self.conn.execute_batch("DELETE FROM line_block; DELETE FROM line_mark; DELETE FROM part_late;")?;
        self.count_loose()
    }
}

/// Records of a project that are in no block.
fn count(conn: &Connection, project: u64, source: Source) -> Result<u64, StoreError> {
    let table = match source {
        Source::Parts => "part WHERE keep=1".to_owned(),
        Source::Items(kind) => format!("item WHERE kind={}", kind.code()),
    };
    let sql = format!("SELECT count(*) FROM {table} AND project=?1 AND id>?2");
    Ok(conn.prepare_cached(&sql)?.query_row(params![project, mark(conn, project, source)?], |row| row.get(0))?)
}

/// The number of the last record of a project that is in a block.
pub(super) fn mark(conn: &Connection, project: u64, source: Source) -> Result<i64, StoreError> {
    let sql = "SELECT upto FROM line_mark WHERE project=?1 AND source=?2";
    let found = conn.prepare_cached(sql)?.query_row(params![project, source.code()], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// Makes the next block, if there are at least so many lines; says whether, and what was looked at.
fn pack_next(
    conn: &mut Connection,
    unpacker: &mut Unpacker,
    (project, source): (u64, Source),
    (settled, least): (i64, u64),
) -> Result<(bool, Taken), StoreError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let upto = match source {
        // What came after a part that may still be kept waits with it.
        Source::Parts => {
            let sql = "SELECT id-1 FROM part WHERE keep=0 AND received>=?1 ORDER BY received LIMIT 1";
            tx.prepare_cached(sql)?.query_row([settled], |row| row.get(0)).optional()?.unwrap_or(i64::MAX)
        }
        Source::Items(_) => i64::MAX,
    };
    let from = mark(&tx, project, source)?;
    let taken = take(&tx, unpacker, (project, source), (from, upto), LINES)?;
    if taken.n < least {
        return Ok((false, taken));
    }
    for (kind, lines) in &taken.kinds {
        write(&tx, (project, source, *kind), lines)?;
    }
    tx.execute(
        "INSERT OR REPLACE INTO line_mark(project, source, upto) VALUES(?1, ?2, ?3)",
        params![project, source.code(), taken.last],
    )?;
    tx.commit()?;
    Ok((true, taken))
}

/// Lines of some records.
struct Taken {
    kinds: HashMap<SignalKind, Lines>,
    /// How many.
    n: u64,
    /// How many records they are of.
    records: u64,
    /// Number of the last record.
    last: i64,
}

/// The lines of a project's records after one and up to another, until they are `most`.
fn take(
    conn: &Connection,
    unpacker: &mut Unpacker,
    (project, source): (u64, Source),
    (from, upto): (i64, i64),
    most: u64,
) -> Result<Taken, StoreError> {
    let slug: String = conn.query_row("SELECT slug FROM project WHERE id=?1", [project], |row| row.get(0))?;
    let mut maker = Maker::new(conn);
    let mut taken = Taken { kinds: HashMap::new(), n: 0, records: 0, last: from };
    let mut statement = conn.prepare_cached(&source.sql())?;
    let mut rows = statement.query(params![project, from, upto])?;
    while taken.n < most
        && let Some(row) = rows.next()?
    {
        let stored = Stored::of(row)?;
        taken.last = stored.id;
        taken.records += 1;
        let body = unpacker.body(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let Some(parsed) = Parsed::of(source, &body) else { continue };
        for kind in source.kinds() {
            let lines = maker.lines(*kind, (&stored, &parsed), &slug)?;
            taken.n += lines.len() as u64;
            let lines = lines.into_iter().zip(0..).map(|(line, at)| (stored.id, at, line));
            taken.kinds.entry(*kind).or_default().extend(lines);
        }
    }
    Ok(taken)
}

fn write(
    conn: &Connection,
    (project, source, kind): (u64, Source, SignalKind),
    lines: &Lines,
) -> Result<(), StoreError> {
    let times = || lines.iter().map(|(_, _, row)| row.ts);
    let (Some(lo), Some(hi)) = (times().min(), times().max()) else { return Ok(()) };
    let (first, last) = (lines[0].0, lines[lines.len() - 1].0);
    conn.prepare_cached(
        "INSERT INTO line_block(project, source, kind, first, last, lo, hi, z) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![project, source.code(), kind_code(kind), first, last, lo, hi, pack(lines)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_stays_loose_than_a_block_lacks() {
        for each in [1, 5, 40] {
            let mut loose = Loose { records: 64_000, ..Loose::default() };
            let mut there: u64 = 64_000;
            while loose.lines() >= LINES as f64 {
                let block = LINES.div_ceil(each);
                let (made, records) = if there >= block { (true, block) } else { (false, there) };
                loose.looked_at(made, records, records * each);
                there -= if made { records } else { 0 };
            }
            assert_eq!(loose.records, there);
            assert!(there * each < LINES, "{there} records of {each} lines");
        }
    }
}
