//! Lists of libraries: each distinct one once, and how many events of which issue and release carry it.
//! It uses `rusqlite`.
//! It never keeps a list twice in a project, nor more than so many.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::commit::Commit;
use crate::{model::Libraries, store::StoreError};

/// Lists kept of a project. There is one for each deploy that changes a library, so what has more makes them up.
const LISTS: i64 = 500;

/// Events with one list in one transaction.
pub(super) struct LibraryTouch {
    events: u64,
    first: i64,
    last: i64,
}

impl Commit<'_> {
    /// Notes the libraries of an event.
    pub(super) fn touch_libraries(
        &mut self,
        project: u64,
        (issue, rel, ts): (i64, u32, i64),
        libraries: &Libraries,
    ) -> Result<(), StoreError> {
        if let Some(list) = self.names.libraries(self.conn, project, libraries)? {
            let touch = || LibraryTouch { events: 0, first: ts, last: ts };
            let touch = self.libraries.entry((issue, list, rel)).or_insert_with(touch);
            touch.events += 1;
            (touch.first, touch.last) = (touch.first.min(ts), touch.last.max(ts));
        }
        Ok(())
    }

    /// Writes what was noted.
    pub(super) fn write_libraries(&mut self) -> Result<(), StoreError> {
        let mut uses: HashMap<(i64, u32), LibraryTouch> = HashMap::new();
        for ((issue, list, rel), touch) in std::mem::take(&mut self.libraries) {
            self.conn
                .prepare_cached(
                    "INSERT INTO library_issue(issue, list, rel, events) VALUES(?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET events=events+excluded.events",
                )?
                .execute(params![issue, list, rel, touch.events])?;
            let used = uses.entry((list, rel)).or_insert(LibraryTouch { events: 0, ..touch });
            used.events += touch.events;
            (used.first, used.last) = (used.first.min(touch.first), used.last.max(touch.last));
        }
        for ((list, rel), LibraryTouch { events, first, last }) in uses {
            self.conn
                .prepare_cached(
                    "INSERT INTO library_use(list, rel, events, first, last) VALUES(?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET events=events+excluded.events, first=min(first, excluded.first),
                       last=max(last, excluded.last)",
                )?
                .execute(params![list, rel, events, first, last])?;
        }
        Ok(())
    }
}

/// The number of a list; `None` where the project has too many.
pub(super) fn number(conn: &Connection, project: u64, list: &Libraries) -> Result<Option<i64>, StoreError> {
    let known = conn
        .prepare_cached("SELECT id FROM library_list WHERE project=?1 AND digest=?2")?
        .query_row(params![project, list.digest], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let sql = "INSERT INTO library_list(project, digest, text)
        SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM library_list WHERE project=?1) < ?4";
    let added = conn.prepare_cached(sql)?.execute(params![project, list.digest, list.text.raw(), LISTS])?;
    Ok((added > 0).then(|| conn.last_insert_rowid()))
}

/// Drops what no event has carried since `cut`.
pub(super) fn forget_libraries(conn: &Connection, cut: i64) -> Result<(), StoreError> {
    conn.execute("DELETE FROM library_use WHERE last<?1", [cut])?;
    conn.execute("DELETE FROM library_list WHERE id NOT IN (SELECT list FROM library_use)", [])?;
    conn.execute("DELETE FROM library_issue WHERE list NOT IN (SELECT id FROM library_list)", [])?;
    Ok(())
}
