//! Storing an event: once, under its issue, in the journal.
//! It uses `rusqlite` and the packed forms.
//! It never decides what belongs together: the group's hashes say so.

use rusqlite::{OptionalExtension, params};

use super::{
    commit::{Commit, IssueDelta},
    names::Word,
};
use crate::{
    answers::short_id,
    backend::embedded::pack::{Fact, REPLAY, Trace, UNATTENDED, UNHANDLED, day_of, digest64, micros},
    diagnosis,
    model::{AcrossBuilds, EventId, Group, IssueId, Untrusted},
    store::{EventRecord, OTHERS, Receipt, StoreError},
};

/// Key of the issue of all events past the most issues.
const OVERFLOW: [u8; 16] = *b"issues-past-most";

/// The part of an event's id that `eid` is keyed by; the same id in two projects makes two events.
pub(in crate::backend::embedded) fn id_key(project: u64, id: EventId) -> i64 {
    ((id.0 >> 64) as u64 ^ project.wrapping_mul(0x9e37_79b9_7f4a_7c15)) as i64
}

impl Commit<'_> {
    /// Stores the event; false if it is there already.
    pub(super) fn event(
        &mut self,
        project: u64,
        received: i64,
        record: &EventRecord,
        trace: &Trace,
        body: &[u8],
        receipt: &mut Receipt,
    ) -> Result<bool, StoreError> {
        let event = &record.event;
        let ts = micros(event.timestamp);
        let Some(key) = self.free_key(project, ts, event.id)? else { return Ok(false) };
        let (issue, new) = self.issue(project, record, ts)?;
        if new {
            receipt.new_issues.push(IssueId(issue));
        }
        let mut fact = self.fact(project, record, ts)?;
        self.conn
            .prepare_cached("INSERT INTO body(issue, id, ts, received, z) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![issue, &event.id.0.to_be_bytes()[..], ts, received, body])?;
        fact.seq = self.conn.last_insert_rowid();
        self.conn.prepare_cached("INSERT INTO eid(day, k, seq) VALUES(?1, ?2, ?3)")?.execute(params![
            day_of(ts),
            key,
            fact.seq
        ])?;
        self.conn.prepare_cached("INSERT INTO tail(issue, seq, fact) VALUES(?1, ?2, ?3)")?.execute(params![
            issue,
            fact.seq,
            fact.encode()
        ])?;
        self.touch_release(fact.rel, ts, ts);
        self.touch_project(project, ts, event.platform.as_ref().map(Untrusted::raw));
        self.touch_issue(issue, record, ts);
        self.touch_stack(project, issue, trace, event);
        self.note_reported(fact.seq, record, received)?;
        if let Some(libraries) = &record.libraries {
            self.touch_libraries(project, (issue, fact.rel, ts), libraries)?;
        }
        Ok(true)
    }

    /// The event's issue and numbers, without a place in the journal.
    pub(super) fn counted(&mut self, project: u64, record: &EventRecord) -> Result<(i64, Fact), StoreError> {
        let ts = micros(record.event.timestamp);
        let (issue, _) = self.issue(project, record, ts)?;
        let fact = self.fact(project, record, ts)?;
        self.touch_release(fact.rel, ts, ts);
        self.touch_project(project, ts, record.event.platform.as_ref().map(Untrusted::raw));
        self.touch_issue(issue, record, ts);
        Ok((issue, fact))
    }

    /// The key under which the event is to be noted; `None` if it is there already.
    fn free_key(&self, project: u64, ts: i64, id: EventId) -> Result<Option<i64>, StoreError> {
        let mut free = None;
        // Ingestion corrects the times of a clock that is off, and gives one to events without: sent again, such an
        // event may have moved across midnight.
        for day in [day_of(ts) - 1, day_of(ts) + 1, day_of(ts)] {
            let mut key = id_key(project, id);
            while let Some(found) = self.id_at(day, key)? {
                if found == id.0.to_be_bytes() {
                    return Ok(None);
                }
                // Two ids share 64 bits: the next place is tried, here and when looking.
                key = key.wrapping_add(1);
            }
            free = Some(key);
        }
        Ok(free)
    }

    fn id_at(&self, day: i64, key: i64) -> Result<Option<[u8; 16]>, StoreError> {
        let sql = "SELECT body.id FROM eid JOIN body USING(seq) WHERE eid.day=?1 AND eid.k=?2";
        Ok(self.conn.prepare_cached(sql)?.query_row(params![day, key], |row| row.get(0)).optional()?)
    }

    fn fact(&mut self, project: u64, record: &EventRecord, ts: i64) -> Result<Fact, StoreError> {
        let (conn, event) = (self.conn, &record.event);
        let raw = |text: &'_ Option<Untrusted>| text.as_ref().map(|t| t.raw().to_owned());
        let release = raw(&event.release);
        let mut tags = Vec::with_capacity(record.tags.len());
        for (key, value) in &record.tags {
            if key.is_empty() || value.is_empty() {
                continue;
            }
            let key = self.names.word(conn, Word::TagKey, 0, key.raw())?;
            tags.push((key, self.names.word(conn, Word::TagValue, key, value.raw())?));
        }
        tags.sort_unstable();
        tags.dedup_by_key(|(key, _)| *key);
        let unhandled = if event.unhandled() { UNHANDLED } else { 0 };
        let replay = if event.replay_id.is_some() { REPLAY } else { 0 };
        let unattended = if record.unattended { UNATTENDED } else { 0 };
        Ok(Fact {
            seq: 0,
            ts,
            rel: self.names.release(conn, project, release.as_deref(), ts)?,
            env: self.names.maybe(conn, Word::Environment, 0, raw(&event.environment).as_deref())?,
            user: self.names.user(conn, record.user)?,
            bits: event.level as u8 | unhandled | replay | unattended,
            rich: record.richness,
            platform: self.names.maybe(conn, Word::Platform, 0, raw(&event.platform).as_deref())?,
            transaction: self.names.maybe(conn, Word::Transaction, 0, raw(&event.transaction).as_deref())?,
            replay: event.replay_id.map_or(0, |id| (id.0 >> 64) as u64),
            trace: event.trace_id.as_ref().map_or(0, |trace| digest64(trace.raw())),
            tags,
        })
    }

    /// The issue of the event's hash, else of any other key of it, else a new one.
    fn issue(&mut self, project: u64, record: &EventRecord, ts: i64) -> Result<(i64, bool), StoreError> {
        let group = &record.group;
        if let Some(issue) = self.names.issue(self.conn, project, group.hash)? {
            self.seen_in_build(project, group, issue)?;
            return Ok((issue, false));
        }
        let elsewhere = self.in_other_build(project, group)?;
        for hash in &group.also {
            if let Some(issue) = self.names.issue(self.conn, project, *hash)? {
                self.join(project, group, issue)?;
                return Ok((issue, false));
            }
        }
        if let Some(issue) = elsewhere {
            self.join(project, group, issue)?;
            return Ok((issue, false));
        }
        if let Some(issue) = self.issue_of_same_failure(project, record)? {
            self.join(project, group, issue)?;
            return Ok((issue, false));
        }
        if !self.names.may_have_issue(self.conn, project)? {
            return self.overflow(project, record, ts);
        }
        let issue = self.make_issue(project, record, ts)?;
        self.join(project, group, issue)?;
        Ok((issue, true))
    }

    /// The one issue of all events that would have made more issues than a project may have. Their keys are not
    /// remembered: whoever makes keys up fills nothing.
    fn overflow(&mut self, project: u64, record: &EventRecord, ts: i64) -> Result<(i64, bool), StoreError> {
        if let Some(issue) = self.names.issue(self.conn, project, OVERFLOW)? {
            return Ok((issue, false));
        }
        let value = "events past the most issues that this project may have (--max-issues); their own issues are not told apart";
        let group = Group {
            hash: OVERFLOW,
            also: Vec::new(),
            across: None,
            by: "overflow",
            title: OTHERS.into(),
            ty: Some(OTHERS.into()),
            value: Some(value.into()),
            culprit: None,
            top_frame: None,
        };
        let issue = self.make_issue(project, &EventRecord { group: group.clone(), ..record.clone() }, ts)?;
        self.join(project, &group, issue)?;
        Ok((issue, true))
    }

    fn join(&mut self, project: u64, group: &Group, issue: i64) -> Result<(), StoreError> {
        for hash in std::iter::once(&group.hash).chain(&group.also) {
            self.names.join(self.conn, project, *hash, issue)?;
        }
        self.seen_in_build(project, group, issue)
    }

    /// The issue of the same crash in another build. Where this build has said the same at another place, or any build
    /// at several, that leads nowhere: then a place that was not seen before is a bug of its own.
    fn in_other_build(&mut self, project: u64, group: &Group) -> Result<Option<i64>, StoreError> {
        let Some(across) = &group.across else { return Ok(None) };
        if let Some(other) = self.names.issue(self.conn, project, across.here)? {
            self.names.join(self.conn, project, across.ambiguous, other)?;
        }
        if self.names.issue(self.conn, project, across.ambiguous)?.is_some() {
            return Ok(None);
        }
        for near in across.said {
            if let Some(first) = self.names.issue(self.conn, project, near)? {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    /// Writes down that a crash's words were said in this build, and by whom first.
    fn seen_in_build(&mut self, project: u64, group: &Group, issue: i64) -> Result<(), StoreError> {
        let keys = |across: &AcrossBuilds| [across.said[0], across.said[1], across.here];
        for key in group.across.iter().flat_map(keys) {
            if self.names.issue(self.conn, project, key)?.is_none() {
                self.names.join(self.conn, project, key, issue)?;
            }
        }
        Ok(())
    }

    fn make_issue(&self, project: u64, record: &EventRecord, ts: i64) -> Result<i64, StoreError> {
        let group = &record.group;
        let numbered: Option<(i64, String)> = self
            .conn
            .prepare_cached("UPDATE project SET issues=issues+1 WHERE id=?1 RETURNING issues, slug")?
            .query_row([project], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (number, slug) =
            numbered.ok_or(StoreError::Invalid("events for a project that this store doesn't have"))?;
        let text = |text: &'_ Option<Untrusted>| text.as_ref().map(|t| t.raw().to_owned());
        let frame = group.top_frame.as_ref();
        let (ty, value, culprit) = (text(&group.ty), text(&group.value), text(&group.culprit));
        self.conn
            .prepare_cached(
                "INSERT INTO issue(project, short_id, title, type, value, culprit, level, function, file, line, fault,
                   first, last, attended)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, 0)",
            )?
            .execute(params![
                project,
                short_id(&slug, number as u64),
                group.title.raw(),
                ty,
                value,
                culprit,
                record.event.level as i64,
                frame.and_then(|f| text(&f.function)),
                frame.and_then(|f| text(&f.file)),
                frame.and_then(|f| f.line),
                diagnosis::fault_of(&record.event).map(|fault| fault.name),
                ts,
            ])?;
        let issue = self.conn.last_insert_rowid();
        self.conn
            .prepare_cached("INSERT INTO issue_fts(rowid, title, value, culprit, type) VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![issue, group.title.raw(), value, culprit, ty])?;
        Ok(issue)
    }

    fn touch_issue(&mut self, issue: i64, record: &EventRecord, ts: i64) {
        let touch = || IssueDelta { first: ts, last: i64::MIN, level: record.event.level, frame: None };
        let touch = self.issues.entry(issue).or_insert_with(touch);
        touch.first = touch.first.min(ts);
        if ts >= touch.last {
            touch.last = ts;
            touch.level = record.event.level;
            touch.frame.clone_from(&record.group.top_frame);
        }
    }
}
