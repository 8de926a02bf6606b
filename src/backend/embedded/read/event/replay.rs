//! Replays: headers and the list of segments, then each segment by itself.
//! It uses `rusqlite`.
//! It never looks into a recording.

use rusqlite::{OptionalExtension, params};

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use crate::{
    model::EventId,
    store::{ItemKind, ReplayFacts, ReplayQuery, SegmentFacts, StoreError},
};

/// Headers and segments at most: an hour's recording has some 720.
const MOST: i64 = 20_000;

impl Snapshot<'_> {
    /// Answers `SignalStore::replay`.
    pub(in crate::backend::embedded) fn replay(&mut self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let Some(project) = self.replay_project(query.replay, &bounds)? else { return Err(missing(query.replay)) };
        let mut facts =
            ReplayFacts { project: bounds.slug(project).unwrap_or_default().to_owned(), ..ReplayFacts::default() };
        self.headers(query.replay, project, &bounds, &mut facts)?;
        // The environment stands in the headers alone.
        if bounds.env.is_some() && facts.headers.is_empty() {
            return Err(missing(query.replay));
        }
        facts.segments = self.segments(query.replay, project, &bounds)?;
        Ok(facts)
    }

    /// Answers `SignalStore::replay_segment`.
    pub(in crate::backend::embedded) fn replay_segment(
        &mut self,
        query: &ReplayQuery,
        segment: SegmentFacts,
    ) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT z FROM item WHERE id=?1 AND parent=?2 AND kind=?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let id = query.replay.0.to_be_bytes();
        let mut rows = statement.query(params![segment.key as i64, &id[..], ItemKind::ReplayRecording.code()])?;
        let Some(row) = rows.next()? else { return Err(missing(query.replay)) };
        Ok(self.unpacker.body(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?)
    }

    /// The first project of the scope that has something of the replay.
    fn replay_project(&self, replay: EventId, bounds: &ResolvedScope) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT 1 FROM item WHERE parent=?1 AND kind IN (?2, ?3) AND project=?4 AND ts<=?5 LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let id = replay.0.to_be_bytes();
        for (project, _) in &bounds.projects {
            let kinds = (ItemKind::ReplayEvent.code(), ItemKind::ReplayRecording.code());
            let found: Option<i64> = statement
                .query_row(params![&id[..], kinds.0, kinds.1, project, bounds.hi], |row| row.get(0))
                .optional()?;
            if found.is_some() {
                return Ok(Some(*project));
            }
        }
        Ok(None)
    }

    fn headers(
        &mut self,
        replay: EventId,
        project: u64,
        bounds: &ResolvedScope,
        facts: &mut ReplayFacts,
    ) -> Result<(), StoreError> {
        let sql = "SELECT z, user FROM item WHERE parent=?1 AND kind=?2 AND project=?3 AND ts<=?4
                   AND (?5 IS NULL OR env=?5) ORDER BY segment, ts, id LIMIT ?6";
        let mut statement = self.conn.prepare_cached(sql)?;
        let id = replay.0.to_be_bytes();
        let kind = ItemKind::ReplayEvent.code();
        let mut rows = statement.query(params![&id[..], kind, project, bounds.hi, bounds.env, MOST])?;
        let mut user = 0;
        while let Some(row) = rows.next()? {
            facts.headers.push(self.unpacker.body(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
            user = user.max(row.get::<_, u32>(1)?);
        }
        if user != 0 {
            facts.user = Some(self.pseudonym(user)?);
        }
        Ok(())
    }

    fn segments(&self, replay: EventId, project: u64, bounds: &ResolvedScope) -> Result<Vec<SegmentFacts>, StoreError> {
        let sql = "SELECT id, segment, size FROM item WHERE parent=?1 AND kind=?2 AND project=?3 AND ts<=?4
                   ORDER BY segment, ts, id LIMIT ?5";
        let mut statement = self.conn.prepare_cached(sql)?;
        let id = replay.0.to_be_bytes();
        let kind = ItemKind::ReplayRecording.code();
        let rows = statement.query_map(params![&id[..], kind, project, bounds.hi, MOST], |row| {
            let number: Option<i64> = row.get(1)?;
            Ok(SegmentFacts {
                key: row.get(0)?,
                number: number.and_then(|n| u64::try_from(n).ok()),
                size_bytes: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn missing(replay: EventId) -> StoreError {
    StoreError::NotFound { what: "replay", asked: replay.to_string().into(), near: Vec::new() }
}
