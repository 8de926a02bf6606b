//! Deleting a project with everything in it, and giving one a new key.
//! It uses `rusqlite`.
//! It finds what belongs to a project by the names of columns, so that a new table is not forgotten.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    project::{COLUMNS, project_of},
    writer::Writer,
};
use crate::{backend::embedded::files::random_bytes, model::Project, store::StoreError};

/// How rows of a table are known to be of a project: by the first of these columns that it has.
const BY_COLUMN: [(&str, &str); 5] = [
    ("project", "=?1"),
    ("issue", " IN (SELECT id FROM issue WHERE project=?1)"),
    ("rel", " IN (SELECT id FROM release WHERE project=?1)"),
    ("release", " IN (SELECT id FROM release WHERE project=?1)"),
    ("list", " IN (SELECT id FROM library_list WHERE project=?1)"),
];
/// Tables that the others are looked up in go last.
const LAST: [&str; 4] = ["library_list", "release", "issue", "project"];

impl Writer {
    /// A new key for a project; the old one is void at once.
    pub(in crate::backend::embedded) fn rotate_key(&mut self, slug: &str) -> Result<Project, StoreError> {
        let key = format!("{:032x}", u128::from_be_bytes(random_bytes()?));
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if tx.execute("UPDATE project SET public_key=?2 WHERE slug=?1", params![slug, key])? == 0 {
            return Err(missing(slug));
        }
        let project = tx.query_row(&format!("SELECT {COLUMNS} FROM project WHERE slug=?1"), [slug], project_of)?;
        tx.commit()?;
        Ok(project)
    }

    /// Deletes a project. Its number is not used again: other processes may remember it.
    pub(in crate::backend::embedded) fn delete_project(&mut self, slug: &str) -> Result<(), StoreError> {
        self.fold_all()?;
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id: Option<i64> =
            tx.query_row("SELECT id FROM project WHERE slug=?1", [slug], |row| row.get(0)).optional()?;
        let id = id.ok_or_else(|| missing(slug))?;
        tx.execute(
            "DELETE FROM eid WHERE seq IN (SELECT seq FROM body WHERE issue IN (SELECT id FROM issue WHERE project=?1))",
            [id],
        )?;
        for (table, condition) in tables(&tx)? {
            tx.execute(&format!("DELETE FROM {table} WHERE {condition}"), [id])?;
        }
        tx.execute("DELETE FROM project WHERE id=?1", [id])?;
        tx.execute("INSERT OR IGNORE INTO deleted_project(id) VALUES(?1)", [id])?;
        tx.execute_batch(
            "DELETE FROM bundle WHERE id NOT IN (SELECT bundle FROM bundle_use);
             DELETE FROM artifact WHERE bundle NOT IN (SELECT id FROM bundle);
             DELETE FROM debug_file WHERE bundle NOT IN (SELECT id FROM bundle);
             DELETE FROM debug_part WHERE file NOT IN (SELECT id FROM debug_file);
             INSERT INTO issue_fts(issue_fts) VALUES('rebuild');",
        )?;
        tx.commit()?;
        self.names.forget();
        self.give_back()
    }
}

fn missing(slug: &str) -> StoreError {
    StoreError::NotFound { what: "project", asked: slug.into(), near: Vec::new() }
}

/// The tables with rows of projects, and the condition for those of one.
fn tables(conn: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = conn.prepare(
        "SELECT name FROM pragma_table_list WHERE schema='main' AND type='table' AND name NOT LIKE 'sqlite_%'",
    )?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| name != "project" && name != "deleted_project") {
        let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let columns: Vec<String> = statement.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let by = BY_COLUMN.iter().find(|(column, _)| columns.iter().any(|name| name == column));
        if let Some((column, condition)) = by {
            found.push((name, format!("{column}{condition}")));
        }
    }
    found.sort_by_key(|(name, _)| LAST.iter().position(|last| last == name).map_or(0, |at| at + 1));
    Ok(found)
}
