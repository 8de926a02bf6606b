//! What the API alone asks: lists of replays, names of issues.
//! It uses `rusqlite`.
//! It never reads what a recording shows.

use rusqlite::{OptionalExtension, params};

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use crate::{
    model::{EventId, IssueId},
    store::{ItemKind, Scope, StoreError},
};

impl Snapshot<'_> {
    /// Answers `HostedStore::replay_ids`.
    pub(in crate::backend::embedded) fn replay_ids(
        &mut self,
        scope: &Scope,
        skip: usize,
        limit: usize,
    ) -> Result<(Vec<EventId>, u64), StoreError> {
        let bounds = self.bounds(scope)?;
        let mut found: Vec<(i64, EventId)> = Vec::new();
        for (project, _) in &bounds.projects {
            self.replays_of(*project, &bounds, &mut found)?;
        }
        found.sort_by_key(|(first, id)| (std::cmp::Reverse(*first), *id));
        let total = found.len() as u64;
        Ok((found.into_iter().skip(skip).take(limit).map(|(_, id)| id).collect(), total))
    }

    fn replays_of(
        &self,
        project: u64,
        bounds: &ResolvedScope,
        found: &mut Vec<(i64, EventId)>,
    ) -> Result<(), StoreError> {
        // Spelled out, so that the index of replays is taken.
        let kind = ItemKind::ReplayEvent.code();
        let sql = format!(
            "SELECT parent, min(ts), max(ts) FROM item
             WHERE project=?1 AND kind={kind} AND parent IS NOT NULL AND ts<=?2 AND (?3 IS NULL OR env=?3)
             GROUP BY parent HAVING max(ts)>=?4"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![project, bounds.hi, bounds.env, bounds.lo], |row| {
            Ok((row.get::<_, i64>(1)?, EventId(u128::from_be_bytes(row.get(0)?))))
        })?;
        for row in rows {
            found.push(row?);
        }
        Ok(())
    }

    /// Answers `HostedStore::issue_names`.
    pub(in crate::backend::embedded) fn issue_names(
        &mut self,
        named: &[String],
    ) -> Result<Vec<(IssueId, String)>, StoreError> {
        let mut found = Vec::new();
        for name in named {
            let sql = "SELECT id, short_id FROM issue WHERE id=?1 OR short_id=?2 COLLATE NOCASE";
            let read = |row: &rusqlite::Row<'_>| Ok((IssueId(row.get(0)?), row.get(1)?));
            let issue = self.conn.prepare_cached(sql)?.query_row((name.parse::<i64>().ok(), name), read).optional()?;
            found.extend(issue);
        }
        Ok(found)
    }
}
