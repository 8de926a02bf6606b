//! Events of traces: made of all parts that have come, and made anew when another part comes.
//! It uses `rusqlite`, and what reads the parts.
//! It never changes an event that is folded: by then its trace has been told.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{
    commit::Commit,
    event::id_key,
    frames::forget_stacks,
    lines::mark,
    part::WAIT_US,
    prepare::{Packed, pack},
};
use crate::{
    backend::embedded::{
        lines::Source,
        pack::{Trace, Unpacker, day_of, digest64, moment},
    },
    model::EventId,
    store::{EventRecord, FailureKey, Join, Joined, Receipt, Record, ReportedFailure, StoreError, StoredPart},
};

/// Parts of one trace or session that are read at most: the newest.
const PARTS: i64 = 400;

/// A trace that was told of in this transaction.
#[derive(Default)]
pub(super) struct TraceTouch {
    pub(super) failing: bool,
    pub(super) received: i64,
}

/// An event that was made of a trace before.
struct Before {
    seq: i64,
    issue: i64,
    stack: i64,
    digest: [u8; 16],
}

/// An event as it is to be stored.
struct After {
    project: u64,
    record: Box<EventRecord>,
    trace: Trace,
    z: Vec<u8>,
    digest: [u8; 16],
    reported_as: Option<i64>,
}

/// Events made before this moment are not changed any more.
pub(super) fn settled_before(latest: i64) -> i64 {
    latest - WAIT_US
}

impl Commit<'_> {
    /// Makes the events of all traces that were told of and fail.
    pub(super) fn join_traces(&mut self, join: &dyn Join, unpacker: &mut Unpacker) -> Result<(), StoreError> {
        let mut shrunk = BTreeSet::new();
        let mut reported = Vec::new();
        for (trace, touch) in std::mem::take(&mut self.traces) {
            let sql = "SELECT EXISTS(SELECT 1 FROM part WHERE trace=?1 AND failing=1)";
            if touch.failing || self.conn.prepare_cached(sql)?.query_row([trace], |row| row.get(0))? {
                reported.extend(self.join_one(trace, touch.received, join, unpacker, &mut shrunk)?);
            }
        }
        self.settle_issues(&shrunk)?;
        reported.iter().try_for_each(|same| self.share_keys(same))
    }

    fn join_one(
        &mut self,
        trace: i64,
        received: i64,
        join: &dyn Join,
        unpacker: &mut Unpacker,
        shrunk: &mut BTreeSet<i64>,
    ) -> Result<Vec<After>, StoreError> {
        self.keep_parts(trace)?;
        let parts = self.parts_of(trace, unpacker)?;
        let joined = join.join(&parts, &self.reported(trace)?, moment(received)).into_iter().map(prepared);
        let (reported, mut after): (Vec<After>, Vec<After>) = joined.partition(|one| one.reported_as.is_some());
        let mut before = self.before(trace)?;
        before.retain(|known| match after.iter().position(|new| new.digest == known.digest) {
            Some(at) => {
                after.swap_remove(at);
                false
            }
            None => true,
        });
        for known in &before {
            if self.take_back(trace, known)? {
                shrunk.insert(known.issue);
            }
        }
        for new in after {
            self.add_joined(trace, received, &new)?;
        }
        Ok(reported)
    }

    /// Keeps all that was told of a trace that fails.
    fn keep_parts(&self, trace: i64) -> Result<(), StoreError> {
        let kept: Vec<(i64, u64)> = {
            let sql = "UPDATE part SET keep=1 WHERE trace=?1 AND keep=0 RETURNING id, project";
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_map([trace], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        for (part, project) in kept {
            if part <= mark(self.conn, project, Source::Parts)? {
                self.conn
                    .prepare_cached("INSERT OR IGNORE INTO part_late(part, project) VALUES(?1, ?2)")?
                    .execute(params![part, project])?;
            }
        }
        Ok(())
    }

    /// What SDKs reported of a trace lately.
    fn reported(&self, trace: i64) -> Result<Vec<ReportedFailure>, StoreError> {
        let sql = "SELECT reported.seq, reported.span, reported.said FROM reported JOIN body USING(seq)
                   WHERE reported.trace=?1 ORDER BY reported.seq LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![trace, PARTS], |row| {
            let key = FailureKey { span: Some(row.get(1)?), said: numbers(row.get_ref(2)?.as_blob()?) };
            Ok(ReportedFailure { seq: row.get(0)?, key })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that an SDK reported a failure, so that no spans and logs make another event of it, whether they come now or
    /// came before.
    pub(super) fn note_reported(&mut self, seq: i64, record: &EventRecord, received: i64) -> Result<(), StoreError> {
        let (Some(trace), Some(key)) = (&record.event.trace_id, &record.key) else { return Ok(()) };
        let Some(span) = &key.span else { return Ok(()) };
        let trace = digest64(trace.raw()) as i64;
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO reported(trace, seq, span, said, at) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![trace, seq, span, bytes(&key.said), received])?;
        self.traces.entry(trace).or_default().received = received;
        Ok(())
    }

    /// The issue of an event that spans and logs of the same failure made: where they came first, what an SDK reports later
    /// is of the same issue.
    pub(super) fn issue_of_same_failure(&self, project: u64, record: &EventRecord) -> Result<Option<i64>, StoreError> {
        let (Some(trace), Some(key)) = (&record.event.trace_id, &record.key) else { return Ok(None) };
        if key.span.is_none() {
            return Ok(None);
        }
        let sql = "SELECT joined.issue, joined.said FROM joined JOIN issue ON issue.id=joined.issue
                   WHERE joined.trace=?1 AND issue.project=?2 AND joined.said IS NOT NULL ORDER BY joined.seq";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![digest64(trace.raw()) as i64, project])?;
        while let Some(row) = rows.next()? {
            let said = numbers(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
            if key.says_as(&FailureKey { span: None, said }) {
                return Ok(Some(row.get(0)?));
            }
        }
        Ok(None)
    }

    /// Later failures of the same kind are of the issue of what the SDK reported, also where spans and logs alone tell of them.
    fn share_keys(&mut self, same: &After) -> Result<(), StoreError> {
        let sql = "SELECT issue.id FROM body JOIN issue ON issue.id=body.issue WHERE body.seq=?1 AND issue.project=?2";
        let found: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![same.reported_as, same.project], |row| row.get(0))
            .optional()?;
        let Some(issue) = found else { return Ok(()) };
        let group = &same.record.group;
        for hash in std::iter::once(&group.hash).chain(&group.also) {
            if self.names.issue(self.conn, same.project, *hash)?.is_none() {
                self.names.join(self.conn, same.project, *hash, issue)?;
            }
        }
        Ok(())
    }

    fn parts_of(&self, trace: i64, unpacker: &mut Unpacker) -> Result<Vec<StoredPart>, StoreError> {
        let sql = "SELECT project, z FROM part WHERE trace=?1 ORDER BY id DESC LIMIT ?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![trace, PARTS])?;
        let mut parts = Vec::new();
        while let Some(row) = rows.next()? {
            let body = unpacker.body(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            parts.push(StoredPart { project: row.get(0)?, body });
        }
        parts.reverse();
        Ok(parts)
    }

    fn before(&self, trace: i64) -> Result<Vec<Before>, StoreError> {
        let mut statement =
            self.conn.prepare_cached("SELECT seq, issue, stack, digest FROM joined WHERE trace=?1 ORDER BY seq")?;
        let rows = statement.query_map([trace], |row| {
            Ok(Before { seq: row.get(0)?, issue: row.get(1)?, stack: row.get(2)?, digest: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn add_joined(&mut self, trace: i64, received: i64, new: &After) -> Result<(), StoreError> {
        let mut receipt = Receipt::default();
        if !self.event(new.project, received, &new.record, &new.trace, &new.z, &mut receipt)? {
            return Ok(());
        }
        self.note_events(1);
        let (seq, issue): (i64, i64) = self
            .conn
            .prepare_cached("SELECT seq, issue FROM body ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.conn
            .prepare_cached(
                "INSERT INTO joined(trace, seq, issue, stack, digest, at, said) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                trace,
                seq,
                issue,
                new.trace.stack,
                &new.digest[..],
                received,
                new.record.key.as_ref().map(|key| bytes(&key.said))
            ])?;
        Ok(())
    }

    /// Takes an event out of the journal, unless it is folded; says whether it did.
    fn take_back(&mut self, trace: i64, known: &Before) -> Result<bool, StoreError> {
        let taken = self
            .conn
            .prepare_cached("DELETE FROM tail WHERE issue=?1 AND seq=?2")?
            .execute(params![known.issue, known.seq])?;
        if taken == 0 {
            return Ok(false);
        }
        let (id, ts): ([u8; 16], i64) = self
            .conn
            .prepare_cached("DELETE FROM body WHERE seq=?1 RETURNING id, ts")?
            .query_row([known.seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let project: u64 = self
            .conn
            .prepare_cached("SELECT project FROM issue WHERE id=?1")?
            .query_row([known.issue], |row| row.get(0))?;
        let key = id_key(project, EventId(u128::from_be_bytes(id)));
        self.conn.prepare_cached("DELETE FROM eid WHERE day=?1 AND k>=?2 AND k<=?2+8 AND seq=?3")?.execute(params![
            day_of(ts),
            key,
            known.seq
        ])?;
        self.conn.prepare_cached("DELETE FROM joined WHERE trace=?1 AND seq=?2")?.execute(params![trace, known.seq])?;
        self.forget_stack(known.issue, known.stack)?;
        Ok(true)
    }

    /// One event fewer with that stack.
    fn forget_stack(&mut self, issue: i64, stack: i64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE stack SET events=events-1 WHERE issue=?1 AND stack=?2 AND events>0")?
            .execute(params![issue, stack])?;
        Ok(())
    }

    /// Issues that lost events: those without any go; the others' first and last are those of what is left.
    fn settle_issues(&mut self, shrunk: &BTreeSet<i64>) -> Result<(), StoreError> {
        for issue in shrunk {
            let left = "SELECT EXISTS(SELECT 1 FROM tail WHERE issue=?1) OR EXISTS(SELECT 1 FROM chunk WHERE issue=?1)";
            if !self.conn.prepare_cached(left)?.query_row([issue], |row| row.get::<_, bool>(0))? {
                self.drop_issue(*issue)?;
                continue;
            }
            let (first, last): (i64, i64) = self
                .conn
                .prepare_cached(
                    "SELECT min(lo), max(hi) FROM (
                       SELECT min(body.ts) AS lo, max(body.ts) AS hi FROM tail JOIN body USING(seq) WHERE tail.issue=?1
                       UNION ALL SELECT min(lo), max(hi) FROM chunk WHERE issue=?1)",
                )?
                .query_row([issue], |row| Ok((row.get(0)?, row.get(1)?)))?;
            self.conn
                .prepare_cached("UPDATE issue SET first=?2, last=?3 WHERE id=?1")?
                .execute(params![issue, first, last])?;
            if let Some(touch) = self.issues.get_mut(issue) {
                (touch.first, touch.last) = (first, last);
            }
        }
        Ok(())
    }

    /// An issue that was nothing but the beginning of another.
    fn drop_issue(&mut self, issue: i64) -> Result<(), StoreError> {
        forget_stacks(self.conn, issue)?;
        let indexed = self
            .conn
            .prepare_cached("SELECT title, value, culprit, type FROM issue WHERE id=?1")?
            .query_row([issue], |row| {
                let text = |at| row.get::<_, Option<String>>(at);
                Ok((text(0)?, text(1)?, text(2)?, text(3)?))
            })
            .optional()?;
        if let Some((title, value, culprit, ty)) = indexed {
            self.conn
                .prepare_cached(
                    "INSERT INTO issue_fts(issue_fts, rowid, title, value, culprit, type) VALUES('delete', ?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![issue, title, value, culprit, ty])?;
        }
        for sql in
            ["DELETE FROM grouphash WHERE issue=?1", "DELETE FROM note WHERE issue=?1", "DELETE FROM issue WHERE id=?1"]
        {
            self.conn.prepare_cached(sql)?.execute([issue])?;
        }
        self.issues.remove(&issue);
        self.stacks.retain(|(of, _), _| *of != issue);
        self.names.forget_issue(issue);
        Ok(())
    }
}

/// Packs an event; its digest tells whether it says anything else than before.
fn prepared(joined: Joined) -> After {
    let (digest, reported_as) = (joined.digest(), joined.reported_as);
    match pack(Record::Event(Box::new(joined.event))) {
        Packed::Event(record, trace, z) => After { project: joined.project, record, trace, z, digest, reported_as },
        _ => unreachable!("an event is packed as one"),
    }
}

fn bytes(said: &[i64]) -> Vec<u8> {
    said.iter().flat_map(|said| said.to_be_bytes()).collect()
}

/// What [`bytes`] made.
fn numbers(bytes: &[u8]) -> Vec<i64> {
    bytes.as_chunks::<8>().0.iter().map(|said| i64::from_be_bytes(*said)).collect()
}
