//! What somebody decided about an issue beside its status.
//! It uses `rusqlite`.
//! It never tells of comments after the scope's end.

use rusqlite::params;

use super::super::engine::pool::Snapshot;
use crate::{
    backend::embedded::pack::moment,
    store::{Comment, Decided, IssueRef, Scope, StoreError},
};

/// Comments that are told.
const COMMENTS: i64 = 5;

impl Snapshot<'_> {
    /// Answers `SignalStore::decided`.
    pub(in crate::backend::embedded) fn decided(
        &mut self,
        issue: &IssueRef,
        scope: &Scope,
    ) -> Result<Decided, StoreError> {
        let bounds = self.bounds(scope)?.all_time();
        let known = self.meant_issue(issue, &bounds)?;
        let sql = "SELECT assignee FROM issue WHERE id=?1";
        let assignee: Option<String> = self.conn.prepare_cached(sql)?.query_row([known.id], |row| row.get(0))?;
        let sql = "SELECT at, text FROM note WHERE issue=?1 AND at<=?2 ORDER BY at DESC LIMIT ?3";
        let mut statement = self.conn.prepare_cached(sql)?;
        let comments = statement.query_map(params![known.id, bounds.hi, COMMENTS], |row| {
            Ok(Comment { at: moment(row.get(0)?), text: row.get::<_, String>(1)?.into() })
        })?;
        Ok(Decided { assignee: assignee.map(Into::into), comments: comments.collect::<Result<_, _>>()? })
    }
}
