//! One transaction: what many digests change, gathered so that each row is touched once.
//! It uses `rusqlite`.
//! It never commits: whoever opened the transaction does.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use super::{
    frames::StackDelta,
    join::TraceTouch,
    libraries::LibraryTouch,
    lines::LooseRecords,
    names::Names,
    prepare::{Packed, Prepared},
    request_tags::TagDays,
    traffic::{TrafficKey, TrafficTouch},
};
use crate::{
    backend::embedded::pack::{ValueSets, day_of, micros},
    model::{Level, TopFrame},
    store::{Receipt, StoreError},
};

/// Names of unknown types that are kept of a day; others count as `unknown`.
const UNKNOWN_NAMES: i64 = 50;

/// What the newest event of an issue in this transaction says.
pub(super) struct IssueDelta {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) level: Level,
    pub(super) frame: Option<TopFrame>,
}

/// Sessions of one release and environment on one day or in one hour.
#[derive(Default)]
pub(super) struct SessionTouch {
    pub(super) started: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) users: RoaringBitmap,
    /// The same users by what their user agents say.
    pub(super) agents: ValueSets,
    /// By class: well, errored, crashed, abnormal, unhandled.
    pub(super) classes: [i64; 5],
}

/// The transaction and what is to be written at its end.
pub(super) struct Commit<'t> {
    pub(super) conn: &'t Connection,
    pub(super) names: &'t mut Names,
    pub(super) issues: HashMap<i64, IssueDelta>,
    pub(super) releases: HashMap<u32, (i64, i64)>,
    /// By project, release, environment, hour.
    pub(super) sessions: HashMap<(u64, u32, u32, i64), SessionTouch>,
    /// By issue and stack.
    pub(super) stacks: HashMap<(i64, i64), StackDelta>,
    /// By issue, list and release.
    pub(super) libraries: HashMap<(i64, i64, u32), LibraryTouch>,
    /// Traces that were told of.
    pub(super) traces: HashMap<i64, TraceTouch>,
    /// Requests that were worked on.
    pub(super) traffic: HashMap<TrafficKey, TrafficTouch>,
    /// By project, release, environment, day: who was active by requests and other signs of use.
    pub(super) requests: HashMap<(u64, u32, u32, i64), SessionTouch>,
    /// Who made requests, by day and tag, as far as that is new.
    pub(super) request_tags: TagDays,
    /// By day and project: spans and logs kept without a failure, and whether that changed.
    pub(super) kept: HashMap<(i64, u64), (u64, bool)>,
    /// Spans and logs of a day and project that are kept without a failure.
    pub(super) keep_lines: u64,
    /// Records with lines that came.
    pub(super) loose: LooseRecords,
    projects: HashMap<u64, (i64, Option<String>)>,
    events: u64,
}

impl<'t> Commit<'t> {
    pub(super) fn new(conn: &'t Connection, names: &'t mut Names) -> Self {
        Self {
            conn,
            names,
            issues: HashMap::new(),
            releases: HashMap::new(),
            sessions: HashMap::new(),
            stacks: HashMap::new(),
            libraries: HashMap::new(),
            traces: HashMap::new(),
            traffic: HashMap::new(),
            requests: HashMap::new(),
            request_tags: HashMap::new(),
            kept: HashMap::new(),
            keep_lines: u64::MAX,
            loose: HashMap::new(),
            projects: HashMap::new(),
            events: 0,
        }
    }

    /// Stores one digest.
    pub(super) fn store(&mut self, prepared: &Prepared) -> Result<Receipt, StoreError> {
        let (project, received) = (prepared.project.id, micros(prepared.received));
        let mut receipt = Receipt::default();
        for record in &prepared.records {
            let stored = match record {
                Packed::Event(event, trace, body) => {
                    let stored = self.event(project, received, event, trace, body, &mut receipt)?;
                    self.events += u64::from(stored);
                    stored
                }
                Packed::Session(session) => self.session(project, session)?,
                Packed::Sessions(sessions) => self.session_counts(project, sessions)?,
                Packed::Item(item, size, body) => self.item(project, item, *size, body)?,
                Packed::Part(part, z) => self.part(project, received, part, z)?,
                Packed::Dropped(dropped) => self.dropped(project, dropped)?,
            };
            *(if stored { &mut receipt.stored } else { &mut receipt.duplicates }) += 1;
        }
        for outcome in &prepared.outcomes {
            let named = match &outcome.named {
                Some(name) if self.may_name(day_of(received), name)? => name,
                _ => outcome.item,
            };
            self.conn
                .prepare_cached(
                    "INSERT INTO outcome(day, project, item, outcome, reason, n) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET n = n + excluded.n",
                )?
                .execute(params![
                    day_of(received),
                    project,
                    named,
                    outcome.outcome,
                    outcome.reason,
                    outcome.quantity
                ])?;
        }
        Ok(receipt)
    }

    /// Whether one more name of an unknown type may be kept that day.
    fn may_name(&self, day: i64, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(DISTINCT item)<?2 OR count(CASE WHEN item=?3 THEN 1 END)>0
                   FROM outcome WHERE day=?1 AND outcome='unknown'";
        Ok(self.conn.prepare_cached(sql)?.query_row(params![day, UNKNOWN_NAMES, name], |row| row.get(0))?)
    }

    /// Notes events that were not sent as such.
    pub(super) fn note_events(&mut self, n: u64) {
        self.events += n;
    }

    /// Notes a sign of life of a release.
    pub(super) fn touch_release(&mut self, release: u32, first: i64, last: i64) {
        if release != 0 {
            let seen = self.releases.entry(release).or_insert((first, last));
            *seen = (seen.0.min(first), seen.1.max(last));
        }
    }

    /// Notes the newest event of a project.
    pub(super) fn touch_project(&mut self, project: u64, at: i64, platform: Option<&str>) {
        let seen = self.projects.entry(project).or_insert((i64::MIN, None));
        if at >= seen.0 {
            *seen = (at, platform.map(str::to_owned));
        }
    }

    /// Writes what was gathered; returns how many events are new.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        for (issue, touch) in std::mem::take(&mut self.issues) {
            self.write_issue(issue, &touch)?;
        }
        for (release, (first, last)) in &self.releases {
            self.conn
                .prepare_cached(
                    "UPDATE release SET first=min(first, ?2), last=max(last, ?3) WHERE id=?1 AND (first>?2 OR last<?3)",
                )?
                .execute(params![release, first, last])?;
        }
        for (project, (at, platform)) in &self.projects {
            self.conn
                .prepare_cached(
                    "UPDATE project SET last_event=?2, platform=coalesce(?3, platform)
                     WHERE id=?1 AND (last_event IS NULL OR last_event<=?2)",
                )?
                .execute(params![project, at, platform])?;
        }
        self.write_stacks()?;
        self.write_libraries()?;
        self.write_sessions()?;
        self.write_traffic()?;
        self.write_request_tags()?;
        Ok(self.events)
    }

    fn write_issue(&self, issue: i64, touch: &IssueDelta) -> Result<(), StoreError> {
        let frame = touch.frame.as_ref();
        let text = |text: Option<&'_ crate::model::Untrusted>| text.map(|t| t.raw().to_owned());
        self.conn
            .prepare_cached(
                "UPDATE issue SET last=?2, level=?3, function=coalesce(?4, function), file=coalesce(?5, file),
                   line=coalesce(?6, line) WHERE id=?1 AND last<=?2",
            )?
            .execute(params![
                issue,
                touch.last,
                touch.level as i64,
                text(frame.and_then(|f| f.function.as_ref())),
                text(frame.and_then(|f| f.file.as_ref())),
                frame.and_then(|f| f.line),
            ])?;
        self.conn
            .prepare_cached("UPDATE issue SET first=?2 WHERE id=?1 AND first>?2")?
            .execute(params![issue, touch.first])?;
        Ok(())
    }
}
