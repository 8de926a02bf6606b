//! Storing an event: once, under its issue.
//! It uses `tokio_postgres`.
//! It never decides what belongs together: the group's hashes say so.

use super::commit::{Claim, Commit};
use crate::{
    answers::{Trace, mentions, micros, short_id},
    backend::cluster::rows::Table,
    diagnosis,
    model::{AcrossBuilds, Group, IssueId, Timestamp, Untrusted},
    store::{EventRecord, OTHERS, Receipt, StoreError},
};

/// Key of the issue of all events past the most issues.
pub(super) const OVERFLOW: [u8; 16] = *b"issues-past-most";
/// Lists of libraries kept of a project.
const LISTS: i64 = 500;

impl Commit<'_> {
    /// Stores the event; false if it is there already.
    pub(super) async fn event(
        &mut self,
        project: u64,
        received: Timestamp,
        record: &EventRecord,
        receipt: &mut Receipt,
    ) -> Result<bool, StoreError> {
        let (event, ts) = (&record.event, micros(record.event.timestamp));
        if !self.take(project, Claim::Event, &event.id.0.to_be_bytes()) {
            return Ok(false);
        }
        let (issue, new) = self.issue(project, record, ts).await?;
        if new {
            receipt.new_issues.push(IssueId(issue));
        }
        let rel = self.names.release(project, event.release.as_ref().map(Untrusted::raw));
        let trace = Trace::of(event);
        let libraries = self.libraries(project, record).await?;
        self.row(project, issue, received, record, (rel, trace.stack, libraries));
        self.touched.release(rel, ts);
        self.touched.project(project, ts, event.platform.as_ref().map(Untrusted::raw));
        self.touched.issue(issue, record, ts);
        if !self.names.stacks.contains(&(issue, trace.stack)) {
            self.touched.stack(project, issue, trace, || mentions(event));
        }
        Ok(true)
    }

    /// The event's row; `of` are its release, its stack, its list of libraries.
    fn row(&mut self, project: u64, issue: i64, received: Timestamp, record: &EventRecord, of: (u32, i64, i64)) {
        let event = &record.event;
        let raw = |text: &'_ Option<Untrusted>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
        let env = self.names.environment(event.environment.as_ref().map(Untrusted::raw));
        let user = self.names.user(record.user);
        let mut tags: Vec<(&str, &str)> = record
            .tags
            .iter()
            .filter(|(key, value)| !key.is_empty() && !value.is_empty())
            .map(|(key, value)| (self.names.tag_key(key.raw()), value.raw()))
            .collect();
        tags.sort_unstable();
        tags.dedup_by_key(|(key, _)| *key);
        let (seq, (rel, stack, libraries)) = (self.next_seq(), of);
        let replay = event.replay_id.map_or([0; 16], |id| id.0.to_be_bytes());
        let block = self.block(Table::Event);
        block.u64(project).u64(issue as u64).time(event.timestamp).u64(seq).time(received);
        block.fixed(&event.id.0.to_be_bytes()).u32(rel).u32(env).u32(user).u8(event.level as u8);
        block.flag(event.unhandled()).flag(event.replay_id.is_some()).flag(record.unattended).u8(record.richness);
        block.text(&raw(&event.platform)).text(&raw(&event.transaction)).fixed(&replay);
        block.text(&raw(&event.trace_id)).map(tags.into_iter()).i64(stack).i64(libraries);
        block.bytes(&record.body).end();
    }

    /// The issue of the event's hash, else of any other key of it, else a new one.
    async fn issue(&mut self, project: u64, record: &EventRecord, ts: i64) -> Result<(i64, bool), StoreError> {
        let group = &record.group;
        if let Some(issue) = self.names.issue(project, group.hash) {
            self.seen_in_build(project, group, issue);
            return Ok((issue, false));
        }
        let elsewhere = self.in_other_build(project, group);
        let known = group.also.iter().find_map(|hash| self.names.issue(project, *hash)).or(elsewhere);
        if let Some(issue) = known {
            self.join(project, group, issue);
            return Ok((issue, false));
        }
        let sql = "SELECT issues FROM project WHERE id=$1";
        let made = self.lent.query_opt(sql, &[&(project as i64)]).await?.map_or(0, |row| row.get::<_, i64>(0));
        if made as u64 >= self.names.caps.issues {
            return self.overflow(project, record, ts).await;
        }
        let issue = self.make_issue(project, group, record, ts).await?;
        self.join(project, group, issue);
        Ok((issue, true))
    }

    /// The one issue of all events that would have made more issues than a project may have.
    async fn overflow(&mut self, project: u64, record: &EventRecord, ts: i64) -> Result<(i64, bool), StoreError> {
        if let Some(issue) = self.names.issue(project, OVERFLOW) {
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
        let issue = self.make_issue(project, &group, record, ts).await?;
        self.join(project, &group, issue);
        Ok((issue, true))
    }

    fn join(&mut self, project: u64, group: &Group, issue: i64) {
        for hash in std::iter::once(&group.hash).chain(&group.also) {
            self.join_hash(project, *hash, issue);
        }
        self.seen_in_build(project, group, issue);
    }

    fn join_hash(&mut self, project: u64, hash: [u8; 16], issue: i64) {
        // Whoever had it first keeps it, in the table too.
        let kept = self.names.issue(project, hash).unwrap_or(issue);
        self.names.note_issue(project, hash, kept);
        if kept == issue {
            self.touched.hashes.push((project, hash, issue));
        }
    }

    /// The issue of the same crash in another build. Where this build has said the same at another place, or any build
    /// at several, that leads nowhere: then a place that was not seen before is a bug of its own.
    fn in_other_build(&mut self, project: u64, group: &Group) -> Option<i64> {
        let across = group.across.as_ref()?;
        if let Some(other) = self.names.issue(project, across.here) {
            self.join_hash(project, across.ambiguous, other);
        }
        if self.names.issue(project, across.ambiguous).is_some() {
            return None;
        }
        across.said.iter().find_map(|near| self.names.issue(project, *near))
    }

    /// Notes that a crash's words were said in this build, and by whom first.
    fn seen_in_build(&mut self, project: u64, group: &Group, issue: i64) {
        let keys = |across: &AcrossBuilds| [across.said[0], across.said[1], across.here];
        for key in group.across.iter().flat_map(keys) {
            if self.names.issue(project, key).is_none() {
                self.join_hash(project, key, issue);
            }
        }
    }

    async fn make_issue(&self, project: u64, group: &Group, record: &EventRecord, ts: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE project SET issues=issues+1 WHERE id=$1 RETURNING issues, slug";
        let numbered = self.lent.query_opt(sql, &[&(project as i64)]).await?;
        let numbered = numbered.ok_or(StoreError::Invalid("events for a project that this store doesn't have"))?;
        let (number, slug): (i64, String) = (numbered.get(0), numbered.get(1));
        let text = |text: &'_ Option<Untrusted>| text.as_ref().map(|t| clean(t.raw()));
        let frame = group.top_frame.as_ref();
        let sql =
            "INSERT INTO issue(project, short_id, title, type, value, culprit, level, function, file, line, fault,
                     first, last, attended)
                   VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, false) RETURNING id";
        let row = self
            .lent
            .query_one(
                sql,
                &[
                    &(project as i64),
                    &short_id(&slug, number as u64),
                    &clean(group.title.raw()),
                    &text(&group.ty),
                    &text(&group.value),
                    &text(&group.culprit),
                    &(record.event.level as i16),
                    &frame.and_then(|f| text(&f.function)),
                    &frame.and_then(|f| text(&f.file)),
                    &frame.and_then(|f| f.line.map(|line| line as i64)),
                    &diagnosis::fault_of(&record.event).map(|fault| fault.name),
                    &ts,
                ],
            )
            .await?;
        Ok(row.get(0))
    }

    /// The number of the event's list of libraries; 0 without one, or where the project has too many.
    async fn libraries(&mut self, project: u64, record: &EventRecord) -> Result<i64, StoreError> {
        let Some(list) = &record.libraries else { return Ok(0) };
        if let Some(known) = self.names.library(project, list.digest) {
            return Ok(known.unwrap_or(0));
        }
        let id = project as i64;
        let sql = "SELECT id FROM library_list WHERE project=$1 AND digest=$2";
        let mut found = self.lent.query_opt(sql, &[&id, &list.digest]).await?;
        if found.is_none() {
            let sql = "INSERT INTO library_list(project, digest, text)
                       SELECT $1, $2, $3 WHERE (SELECT count(*) FROM library_list WHERE project=$1)<$4 RETURNING id";
            found = self.lent.query_opt(sql, &[&id, &list.digest, &clean(list.text.raw()), &LISTS]).await?;
        }
        let number: Option<i64> = found.map(|row| row.get(0));
        self.names.note_library(project, list.digest, number);
        Ok(number.unwrap_or(0))
    }
}

/// A text as PostgreSQL takes it: it has no place for NUL.
pub(in crate::backend::cluster) fn clean(text: &str) -> String {
    text.replace('\0', "")
}
