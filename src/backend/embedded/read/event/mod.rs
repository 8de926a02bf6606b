//! One event: the one that was named, or the newest, oldest, most telling of an issue.
//! It uses `rusqlite` and the packed forms.
//! It never opens a body but the one that is shown.

pub(super) mod diagnosis;
pub(super) mod extras;
pub(super) mod libraries;
pub(super) mod replay;
pub(super) mod script;
pub(super) mod symbols;
mod trace_logs;

use roaring::RoaringBitmap;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::engine::{
    known::IssueRow,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
};
use crate::{
    backend::embedded::{
        body::json_to_event,
        fault::Corrupt,
        pack::{Head, moment},
        write::id_key,
    },
    model::{Data, EventId, Untrusted},
    store::{EventFacts, EventQuery, Pick, Scope, StoreError},
};

/// By what the best event is chosen; ties go to the later one stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend::embedded::read) enum By {
    Newest,
    Oldest,
    Richest,
}

/// What is compared: greater is better.
pub(in crate::backend::embedded::read) type Rank = (i64, i64, i64);

impl By {
    fn rank(self, rich: i64, ts: i64, seq: i64) -> Rank {
        match self {
            Self::Newest => (0, ts, seq),
            Self::Oldest => (0, -ts, -seq),
            Self::Richest => (rich, ts, seq),
        }
    }

    /// No event of such a chunk ranks higher.
    fn bound(self, lo: i64, hi: i64, best: i64) -> Rank {
        match self {
            Self::Newest => (0, hi, i64::MAX),
            Self::Oldest => (0, -lo, i64::MAX),
            Self::Richest => (best, hi, i64::MAX),
        }
    }
}

/// An event's row in `body`.
pub(in crate::backend::embedded::read) struct Stored {
    pub(in crate::backend::embedded::read) seq: i64,
    pub(in crate::backend::embedded::read) issue: i64,
    pub(in crate::backend::embedded::read) id: EventId,
    pub(in crate::backend::embedded::read) ts: i64,
    pub(in crate::backend::embedded::read) received: i64,
    pub(in crate::backend::embedded::read) body: Vec<u8>,
}

impl Snapshot<'_> {
    /// Answers `SignalStore::event`.
    pub(in crate::backend::embedded) fn event(&mut self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let rels = match &query.release {
            Some(name) => Some(self.known_releases(&bounds)?.named(std::slice::from_ref(name))?),
            None => None,
        };
        let (known, seq) = match &query.pick {
            Pick::Id(id) => self.event_by_id(*id, &bounds, rels.as_ref())?,
            Pick::Latest(issue) => (self.meant_issue(issue, &bounds)?, None),
            Pick::Oldest(issue) => (self.meant_issue(issue, &bounds)?, None),
            Pick::Recommended(issue) => (self.meant_issue(issue, &bounds)?, None),
        };
        let by = match query.pick {
            Pick::Id(_) | Pick::Latest(_) => By::Newest,
            Pick::Oldest(_) => By::Oldest,
            Pick::Recommended(_) => By::Richest,
        };
        let want = EventFilter::of(&bounds, rels.as_ref());
        let seq = match seq {
            Some(seq) => Some(seq),
            None => self.best(&known, &want, by, |_, _| true)?,
        };
        let Some(seq) = seq else { return Err(missing("none of the issue in this scope".into())) };
        self.event_facts(&known, seq, &bounds, query.extras)
    }

    /// Answers `HostedStore::events`.
    pub(in crate::backend::embedded) fn events(
        &mut self,
        ids: &[EventId],
        scope: &Scope,
    ) -> Result<Vec<EventFacts>, StoreError> {
        let bounds = self.bounds(scope)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.event_by_id(*id, &bounds, None) {
                Ok((known, Some(seq))) => found.push(self.event_facts(&known, seq, &bounds, false)?),
                Ok((_, None)) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn event_by_id(
        &mut self,
        id: EventId,
        bounds: &ResolvedScope,
        rels: Option<&RoaringBitmap>,
    ) -> Result<(IssueRow, Option<i64>), StoreError> {
        let not_there = || missing(id.to_string().into());
        let seq = self.seq_of(id, bounds)?.ok_or_else(not_there)?;
        let stored = self.stored(seq)?.ok_or_else(not_there)?;
        let known = self.known_issue(stored.issue, bounds)?.ok_or_else(not_there)?;
        // An id is exact: the scope's start doesn't hide it, its environment and end do.
        let want = EventFilter { lo: stored.ts, hi: bounds.hi.min(stored.ts), ..EventFilter::of(bounds, rels) };
        let found = self.best(&known, &want, By::Newest, |_, other| other == seq)?;
        Ok((known, Some(found.ok_or_else(not_there)?)))
    }

    /// The number of the event with that id, newest day first.
    pub(in crate::backend::embedded::read) fn seq_of(
        &self,
        id: EventId,
        bounds: &ResolvedScope,
    ) -> Result<Option<i64>, StoreError> {
        let mut days = self.conn.prepare_cached("SELECT max(day) FROM eid WHERE day<?1")?;
        let mut at =
            self.conn.prepare_cached("SELECT eid.seq, body.id FROM eid JOIN body USING(seq) WHERE day=?1 AND k=?2")?;
        let mut before = i64::MAX;
        while let Some(day) = days.query_row([before], |row| row.get::<_, Option<i64>>(0))? {
            for (project, _) in &bounds.projects {
                let mut key = id_key(*project, id);
                let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?));
                while let Some((seq, found)) = at.query_row(params![day, key], read).optional()? {
                    if found == id.0.to_be_bytes() {
                        return Ok(Some(seq));
                    }
                    key = key.wrapping_add(1);
                }
            }
            before = day;
        }
        Ok(None)
    }

    /// The number of an issue's newest wanted event.
    pub(in crate::backend::embedded::read) fn newest(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
    ) -> Result<Option<i64>, StoreError> {
        self.best(known, want, By::Newest, |_, _| true)
    }

    /// The best of an issue's wanted events; chunks that can't hold a better one stay closed.
    pub(in crate::backend::embedded::read) fn best(
        &mut self,
        known: &IssueRow,
        want: &EventFilter<'_>,
        by: By,
        accept: impl Fn(i64, i64) -> bool,
    ) -> Result<Option<i64>, StoreError> {
        let mut best: Option<Rank> = None;
        let mut found = None;
        let mut see = |head: &Head| {
            for row in 0..head.len() {
                let (ts, seq) = (head.ts[row], head.seq[row]);
                let rank = by.rank(i64::from(head.rich[row]), ts, seq);
                if best.is_none_or(|best| rank > best)
                    && want.takes(ts, head.rel[row], head.env[row])
                    && accept(ts, seq)
                {
                    best = Some(rank);
                    found = Some(seq);
                }
            }
            best
        };
        let columns = crate::backend::embedded::pack::Columns::of(&known.tail);
        let mut so_far = see(&columns.head);
        for (chunk, bound) in self.chunk_bounds(known.id, want, by)? {
            if so_far.is_some_and(|best| best >= bound) {
                break;
            }
            self.go_on()?;
            let sql = "SELECT head FROM chunk WHERE issue=?1 AND id=?2";
            let head: Vec<u8> = self.conn.prepare_cached(sql)?.query_row(params![known.id, chunk], |row| row.get(0))?;
            so_far = see(&self.unpacker.head(&head)?);
        }
        Ok(found)
    }

    /// The issue's chunks that overlap the wanted time, most promising first.
    pub(in crate::backend::embedded::read) fn chunk_bounds(
        &self,
        issue: i64,
        want: &EventFilter<'_>,
        by: By,
    ) -> Result<Vec<(i64, Rank)>, StoreError> {
        let sql = "SELECT id, lo, hi, best FROM chunk WHERE issue=?1 AND hi>=?2 AND lo<=?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![issue, want.lo, want.hi], |row| {
            Ok((row.get(0)?, by.bound(row.get(1)?, row.get(2)?, row.get(3)?)))
        })?;
        let mut chunks: Vec<(i64, Rank)> = rows.collect::<Result<_, _>>()?;
        chunks.sort_by_key(|(_, bound)| std::cmp::Reverse(*bound));
        Ok(chunks)
    }

    /// An event as it was stored.
    pub(in crate::backend::embedded::read) fn stored(&mut self, seq: i64) -> Result<Option<Stored>, StoreError> {
        let sql = "SELECT issue, id, ts, received, z FROM body WHERE seq=?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([seq])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Stored {
            seq,
            issue: row.get(0)?,
            id: EventId(u128::from_be_bytes(row.get(1)?)),
            ts: row.get(2)?,
            received: row.get(3)?,
            body: self.unpacker.body(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?,
        }))
    }

    fn event_facts(
        &mut self,
        known: &IssueRow,
        seq: i64,
        bounds: &ResolvedScope,
        extras: bool,
    ) -> Result<EventFacts, StoreError> {
        let stored = self.stored(seq)?.ok_or_else(|| missing("of the issue".into()))?;
        let around = EventFilter { lo: i64::MIN, ..EventFilter::of(bounds, None) };
        let before = EventFilter { hi: stored.ts.min(bounds.hi), ..around };
        let after = EventFilter { lo: stored.ts, ..around };
        let here = (stored.ts, stored.seq);
        let previous = self.best(known, &before, By::Newest, |ts, seq| (ts, seq) < here)?;
        let next = self.best(known, &after, By::Oldest, |ts, seq| (ts, seq) > here)?;
        let mut json: Value = serde_json::from_slice(&stored.body).map_err(|_| Corrupt("event"))?;
        self.read_late(known.project, stored.id, &mut json)?;
        let event = json_to_event(&json, stored.id, moment(stored.ts));
        let history = known.history(self, bounds)?;
        let slug = bounds.slug(known.project).unwrap_or_default();
        let extras = self.extras(known.project, &event, bounds, extras)?;
        Ok(EventFacts {
            event,
            issue: self.issue_text(known, slug, history.iter().any(|cell| cell.unhandled > 0))?,
            project: slug.to_owned(),
            received: moment(stored.received),
            previous: previous.map(|seq| self.id_of(seq)).transpose()?,
            next: next.map(|seq| self.id_of(seq)).transpose()?,
            logs: extras.logs,
            attachments: extras.attachments,
            feedback: extras.feedback,
            raw: Some(Data::from(&json)),
        })
    }

    /// The id of an event.
    pub(in crate::backend::embedded::read) fn id_of(&self, seq: i64) -> Result<EventId, StoreError> {
        let sql = "SELECT id FROM body WHERE seq=?1";
        let id: [u8; 16] = self.conn.prepare_cached(sql)?.query_row([seq], |row| row.get(0))?;
        Ok(EventId(u128::from_be_bytes(id)))
    }
}

fn missing(asked: Untrusted) -> StoreError {
    StoreError::NotFound { what: "event", asked, near: Vec::new() }
}
