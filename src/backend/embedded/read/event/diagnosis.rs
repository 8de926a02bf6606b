//! What a diagnosis looks at: how often the frames of an issue stand in stacks, and which issues are like it.
//! It uses `rusqlite` and the packed forms.
//! It never walks over events: counts of frames are kept while events are written.

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, params};

use super::super::engine::{
    known::IssueRow,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
use super::By;
use crate::{
    backend::embedded::{
        body::{body_to_event, json_to_event},
        fault::Corrupt,
        pack::{ANY, REPLAY, decode_keys, keys_of, moment},
    },
    grouping::{is_shared_by_name, place_names},
    model::{Event, EventId, Exception, FrameStats, IssueFrequency, Timestamp},
    store::{DiagnosisFacts, DiagnosisQuery, SiblingIssue, StoreError},
};

/// A frame that more issues share tells no kinship.
const TELLING: u64 = 50;
/// Issues compared at most.
const COMPARED: usize = 60;
/// Events with a replay that are opened to learn its id.
const REPLAYS: usize = 3;

/// The stacks of one issue.
struct Stacks {
    events: u64,
    /// By frame: events whose stack has it.
    frames: HashMap<i64, u64>,
    different: u64,
}

/// Events to be opened.
#[derive(Default)]
struct Picked {
    /// Of different users, newest first.
    samples: Vec<i64>,
    users: RoaringBitmap,
    replays: Vec<i64>,
}

impl Snapshot<'_> {
    /// Answers `SignalStore::diagnosis`.
    pub(in crate::backend::embedded) fn diagnosis(
        &mut self,
        query: &DiagnosisQuery,
    ) -> Result<DiagnosisFacts, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let rels = match &query.release {
            Some(name) => Some(self.known_releases(&bounds)?.named(std::slice::from_ref(name))?),
            None => None,
        };
        let issue = self.issue(&query.issue, &query.scope)?;
        let known = self.meant_issue(&query.issue, &bounds)?;
        let want = EventFilter::of(&bounds, rels.as_ref());
        let seq = self.best(&known, &want, By::Richest, |_, _| true)?;
        let seq = seq.ok_or(StoreError::NotFound {
            what: "event",
            asked: "none of the issue in this scope".into(),
            near: Vec::new(),
        })?;
        let event = self.opened_late(known.project, seq)?;
        let event = event.ok_or(StoreError::Invalid("an event vanished while it was read"))?;
        let stacks = self.stacks(known.id)?;
        let standings =
            event.exceptions.iter().map(|e| self.standings(known.project, e, &stacks)).collect::<Result<_, _>>()?;
        let picked = self.pick(&known, &want, query.samples)?;
        let mut samples = Vec::with_capacity(picked.samples.len());
        for seq in &picked.samples {
            samples.extend(self.opened(*seq)?);
        }
        let mut replays: Vec<EventId> = event.replay_id.into_iter().collect();
        for seq in &picked.replays {
            let replay = self.opened(*seq)?.and_then(|event| event.replay_id);
            replays.extend(replay.filter(|id| !replays.contains(id)));
        }
        let mut frames = Vec::with_capacity(stacks.frames.len());
        for frame in stacks.frames.keys().filter(|frame| **frame != ANY) {
            frames.push((*frame, self.spread(known.project, *frame)?.issues));
        }
        frames.sort_unstable();
        let (siblings, same_fault) = self.siblings(&known, &frames, &bounds, query.siblings.min(COMPARED))?;
        let issues = self.spread(known.project, ANY)?.issues;
        Ok(DiagnosisFacts {
            issue,
            event,
            standings,
            issues,
            stacks: stacks.different,
            frames,
            samples,
            replays,
            siblings,
            same_fault,
            libraries: self.library_changes(&known, &bounds)?,
            counted_to: self.newest_of(known.project)?,
        })
    }

    fn newest_of(&self, project: u64) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT last_event FROM project WHERE id=?1";
        Ok(self.conn.prepare_cached(sql)?.query_row([project], |row| row.get::<_, Option<i64>>(0))?.map(moment))
    }

    /// An event; `None` where it is counted alone and has no body.
    fn opened(&mut self, seq: i64) -> Result<Option<Event>, StoreError> {
        let stored = self.stored(seq)?;
        stored.map(|stored| body_to_event(&stored.body, stored.id, moment(stored.ts))).transpose()
    }

    /// The same, read with the maps and symbols that came since.
    fn opened_late(&mut self, project: u64, seq: i64) -> Result<Option<Event>, StoreError> {
        let Some(stored) = self.stored(seq)? else { return Ok(None) };
        let mut json = serde_json::from_slice(&stored.body).map_err(|_| Corrupt("event"))?;
        self.read_late(project, stored.id, &mut json)?;
        Ok(Some(json_to_event(&json, stored.id, moment(stored.ts))))
    }

    fn stacks(&self, issue: i64) -> Result<Stacks, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT events, frames FROM stack WHERE issue=?1")?;
        let mut rows = statement.query([issue])?;
        let mut stacks = Stacks { events: 0, frames: HashMap::new(), different: 0 };
        while let Some(row) = rows.next()? {
            let events: u64 = row.get(0)?;
            stacks.events += events;
            stacks.different += 1;
            for frame in decode_keys(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)? {
                *stacks.frames.entry(frame).or_default() += events;
            }
        }
        Ok(stacks)
    }

    fn spread(&self, project: u64, frame: i64) -> Result<IssueFrequency, StoreError> {
        let sql = "SELECT issues, near FROM frame WHERE project=?1 AND frame=?2";
        let read = |row: &rusqlite::Row<'_>| Ok(IssueFrequency { issues: row.get(0)?, near: row.get(1)? });
        Ok(self.conn.prepare_cached(sql)?.query_row(params![project, frame], read).optional()?.unwrap_or_default())
    }

    fn standings(
        &self,
        project: u64,
        exception: &Exception,
        stacks: &Stacks,
    ) -> Result<Vec<Option<FrameStats>>, StoreError> {
        let named = exception.frames.iter().zip(place_names(exception)).map(|(frame, place)| {
            let Some(place) = place.filter(|_| frame.in_app) else { return Ok(None) };
            let [key, file] = keys_of(&place);
            let function = self.spread(project, key)?;
            if function.issues == 0 {
                return Ok(None);
            }
            let events = stacks.frames.get(&key).copied().unwrap_or(0);
            Ok(Some(FrameStats {
                key,
                share: events as f64 / stacks.events.max(1) as f64,
                function,
                file: self.spread(project, file)?,
                shared_by_name: is_shared_by_name(frame),
                named: place.function.is_some(),
            }))
        });
        named.collect()
    }

    /// The newest events of different users, and the newest with a replay.
    fn pick(&mut self, known: &IssueRow, want: &EventFilter<'_>, most: usize) -> Result<Picked, StoreError> {
        let mut picked = Picked::default();
        let tail = crate::backend::embedded::pack::Columns::of(&known.tail);
        picked.see(&tail.head, want, most);
        for (chunk, _) in self.chunk_bounds(known.id, want, By::Newest)?.into_iter().take(2) {
            let sql = "SELECT head FROM chunk WHERE issue=?1 AND id=?2";
            let head: Vec<u8> = self.conn.prepare_cached(sql)?.query_row(params![known.id, chunk], |row| row.get(0))?;
            picked.see(&self.unpacker.head(&head)?, want, most);
        }
        Ok(picked)
    }

    /// Issues with a telling frame or the fault of the issue, and how many have the fault.
    fn siblings(
        &self,
        known: &IssueRow,
        frames: &[(i64, u64)],
        bounds: &ResolvedScope,
        most: usize,
    ) -> Result<(Vec<SiblingIssue>, u64), StoreError> {
        let sql = "SELECT fault FROM issue WHERE id=?1";
        let fault: Option<String> = self.conn.prepare_cached(sql)?.query_row([known.id], |row| row.get(0))?;
        let with_fault = self.with_fault(known, fault.as_deref(), bounds)?;
        let mut ids: BTreeSet<i64> = with_fault.iter().rev().take(most / 2).copied().collect();
        let mut telling: Vec<_> = frames.iter().filter(|(_, issues)| (2..=TELLING).contains(issues)).collect();
        telling.sort_unstable_by_key(|(frame, issues)| (*issues, *frame));
        for (frame, _) in telling {
            let mut statement =
                self.conn.prepare_cached("SELECT issue FROM frame_issue WHERE project=?1 AND frame=?2")?;
            for id in statement.query_map(params![known.project, frame], |row| row.get(0))? {
                ids.insert(id?);
            }
            if ids.len() > most {
                break;
            }
        }
        let mut siblings = Vec::new();
        for id in ids.into_iter().filter(|id| *id != known.id).take(most) {
            siblings.extend(self.sibling(id, with_fault.contains(&id), bounds)?);
        }
        Ok((siblings, with_fault.len() as u64))
    }

    /// Other issues of the project with that fault, oldest first.
    fn with_fault(
        &self,
        known: &IssueRow,
        fault: Option<&str>,
        bounds: &ResolvedScope,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(fault) = fault else { return Ok(Vec::new()) };
        let sql = "SELECT id FROM issue WHERE project=?1 AND fault=?2 AND first<=?3 AND last>=?4 AND id<>?5 ORDER BY id LIMIT 500";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids =
            statement.query_map(params![known.project, fault, bounds.hi, bounds.lo, known.id], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    fn sibling(&self, id: i64, same_fault: bool, bounds: &ResolvedScope) -> Result<Option<SiblingIssue>, StoreError> {
        let sql = "SELECT short_id, title, type, first FROM issue WHERE id=?1 AND first<=?2 AND last>=?3";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(SiblingIssue {
                short_id: row.get(0)?,
                title: row.get::<_, String>(1)?.into(),
                ty: row.get::<_, Option<String>>(2)?.map(Into::into),
                first_seen: moment(row.get(3)?),
                frames: Vec::new(),
                same_fault,
            })
        };
        let found = self.conn.prepare_cached(sql)?.query_row(params![id, bounds.hi, bounds.lo], read).optional()?;
        let Some(mut sibling) = found else { return Ok(None) };
        sibling.frames = self.stacks(id)?.frames.into_keys().filter(|frame| *frame != ANY).collect();
        sibling.frames.sort_unstable();
        Ok(Some(sibling))
    }
}

impl Picked {
    fn see(&mut self, head: &crate::backend::embedded::pack::Head, want: &EventFilter<'_>, most: usize) {
        let mut rows: Vec<usize> =
            (0..head.len()).filter(|row| want.takes(head.ts[*row], head.rel[*row], head.env[*row])).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((head.ts[*row], head.seq[*row])));
        for row in rows {
            if self.replays.len() < REPLAYS && head.bits[row] & REPLAY != 0 {
                self.replays.push(head.seq[row]);
            }
            if self.samples.len() < most && (head.user[row] == 0 || self.users.insert(head.user[row])) {
                self.samples.push(head.seq[row]);
            }
        }
    }
}
