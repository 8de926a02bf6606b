//! Storing parts of traces: each once, kept while they may be of use.
//! It uses `rusqlite`.
//! It never looks into a part: what it tells was read before.

use rusqlite::{OptionalExtension, params};

use super::{commit::Commit, names::Word};
use crate::{
    backend::embedded::{
        lines::Source,
        pack::{day_of, digest64, micros},
    },
    store::{PartRecord, StoreError},
};

/// How long a part without a failure waits for one that is told by another service, microseconds.
pub(super) const WAIT_US: i64 = 60_000_000;
/// How long after what an SDK reported spans and logs of the same failure may come, microseconds.
const REPORTED_US: i64 = 3_600_000_000;
/// Parts that are dropped with one commit at most.
const DROPPED: i64 = 5_000;
/// Past the day's budget one trace in so many is kept.
const ONE_IN: u64 = 100;

impl Commit<'_> {
    /// Stores a part; false if it is there already.
    pub(super) fn part(
        &mut self,
        project: u64,
        received: i64,
        part: &PartRecord,
        z: &[u8],
    ) -> Result<bool, StoreError> {
        let (first, last) = (micros(part.first), micros(part.last));
        let new = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO item_once(day, digest) VALUES(?1, ?2)")?
            .execute(params![day_of(first), &part.once[..]])?;
        if new == 0 {
            return Ok(false);
        }
        let rel = self.names.release(self.conn, project, part.release.as_ref().map(|r| r.raw()), first)?;
        let env = self.names.maybe(self.conn, Word::Environment, 0, part.environment.as_ref().map(|e| e.raw()))?;
        let trace = digest64(part.trace.raw()) as i64;
        let keep = part.failing || self.is_within_budget(project, received, trace, part)?;
        self.conn
            .prepare_cached(
                "INSERT INTO part(trace, project, rel, env, first, last, received, failing, keep, spans, logs, z)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                trace,
                project,
                rel,
                env,
                first,
                last,
                received,
                part.failing,
                keep,
                part.spans,
                part.logs,
                z
            ])?;
        if keep {
            self.loose.entry((project, Source::Parts)).or_default().records += 1;
        }
        self.touch_release(rel, first, last);
        self.touch_project(project, last, None);
        self.touch_traffic(project, rel, env, &part.uses)?;
        let failing = self.traces.entry(trace).or_default();
        failing.failing |= part.failing;
        failing.received = received;
        Ok(true)
    }

    /// Whether a part without a failure is kept all the same: of the first of a day, and now and then one of the others.
    fn is_within_budget(
        &mut self,
        project: u64,
        received: i64,
        trace: i64,
        part: &PartRecord,
    ) -> Result<bool, StoreError> {
        let (day, lines) = (day_of(received), u64::from(part.spans + part.logs));
        let conn = self.conn;
        let known = match self.kept.entry((day, project)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let before = conn
                    .prepare_cached("SELECT n FROM part_day WHERE day=?1 AND project=?2")?
                    .query_row(params![day, project], |row| row.get::<_, u64>(0))
                    .optional()?;
                free.insert((before.unwrap_or(0), false))
            }
        };
        let keep = known.0 < self.keep_lines || (trace as u64).is_multiple_of(ONE_IN) && self.keep_lines > 0;
        if keep {
            *known = (known.0 + lines, true);
        }
        Ok(keep)
    }

    /// Writes how much was kept, and drops parts that no failure came for.
    pub(super) fn write_parts(&mut self, latest: i64) -> Result<(), StoreError> {
        for ((day, project), (n, changed)) in std::mem::take(&mut self.kept) {
            if changed {
                self.conn
                    .prepare_cached("INSERT OR REPLACE INTO part_day(day, project, n) VALUES(?1, ?2, ?3)")?
                    .execute(params![day, project, n])?;
            }
        }
        let sql = "DELETE FROM part WHERE id IN (SELECT id FROM part WHERE keep=0 AND received<?1 LIMIT ?2)";
        self.conn.prepare_cached(sql)?.execute(params![latest - WAIT_US, DROPPED])?;
        self.conn.prepare_cached("DELETE FROM reported WHERE at<?1")?.execute([latest - REPORTED_US])?;
        Ok(())
    }
}
