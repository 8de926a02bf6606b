//! The libraries whose versions an issue follows.
//! It uses `rusqlite`.
//! It never reads a list where there is only one.

use std::collections::{BTreeSet, HashMap};

use rusqlite::params;
use serde_json::json;

use super::super::engine::{known::IssueRow, pool::Snapshot, scope::ResolvedScope};
use crate::{
    diagnosis::{LibraryUse, changed},
    model::LibraryChange,
    store::StoreError,
};

/// Lists of libraries in releases that are compared at most: those of the issue, then the newest.
const USES: u64 = 400;

/// A list in a release.
struct Used {
    list: i64,
    release: u32,
    events: u64,
    own: u64,
    last: i64,
}

impl Snapshot<'_> {
    /// Libraries of which the issue's events carry another version than the project's other events, up to the scope's end.
    pub(in crate::backend::embedded::read) fn library_changes(
        &self,
        known: &IssueRow,
        bounds: &ResolvedScope,
    ) -> Result<Vec<LibraryChange>, StoreError> {
        let uses = self.library_uses(known, bounds)?;
        let differ = uses.iter().any(|used| used.own > 0) && uses.iter().any(|used| used.own == 0);
        if !differ {
            return Ok(Vec::new());
        }
        let texts = self.texts_of(&uses)?;
        let lists: HashMap<i64, Vec<(&str, &str)>> = texts
            .iter()
            .map(|(list, text)| (*list, text.lines().filter_map(|line| line.split_once('\t')).collect()))
            .collect();
        let uses = uses.iter().map(|used| LibraryUse {
            libraries: &lists[&used.list],
            release: used.release,
            events: used.events,
            own: used.own,
            last: used.last,
        });
        Ok(changed(&uses.collect::<Vec<_>>()))
    }

    /// The text of each list, by its number.
    fn texts_of(&self, uses: &[Used]) -> Result<HashMap<i64, String>, StoreError> {
        let ids: BTreeSet<i64> = uses.iter().map(|used| used.list).collect();
        let sql = "SELECT id, text FROM library_list WHERE id IN (SELECT value FROM json_each(?1))";
        let mut statement = self.conn.prepare_cached(sql)?;
        let texts = statement.query_map([json!(ids).to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(texts.collect::<Result<_, _>>()?)
    }

    fn library_uses(&self, known: &IssueRow, bounds: &ResolvedScope) -> Result<Vec<Used>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT used.list, used.rel, used.events, coalesce(own.events, 0) AS own, used.last
             FROM library_list AS list JOIN library_use AS used ON used.list=list.id
             LEFT JOIN library_issue AS own ON own.issue=?2 AND own.list=used.list AND own.rel=used.rel
             WHERE list.project=?1 AND used.first<=?3 ORDER BY own > 0 DESC, used.last DESC LIMIT ?4",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            let (list, release, events, own, last) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(Used { list, release, events, own, last })
        };
        let uses = statement.query_map(params![known.project, known.id, bounds.hi, USES], read)?;
        Ok(uses.collect::<Result<_, _>>()?)
    }
}
