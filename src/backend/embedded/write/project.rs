//! Projects and the short names of their issues.
//! It uses `rusqlite`.
//! It never takes a slug that could not stand in a URL.

use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::writer::Writer;
use crate::{
    answers::{SLUG_RULE, is_slug},
    backend::embedded::{files::random_bytes, pack::moment},
    model::Project,
    store::StoreError,
};

/// The columns that [`project_of`] reads.
pub(in crate::backend::embedded) const COLUMNS: &str = "id, slug, name, public_key, platform, last_event";

/// A row as a project.
pub(in crate::backend::embedded) fn project_of(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get(0)?,
        slug: row.get(1)?,
        name: row.get::<_, String>(2)?.into(),
        public_key: row.get(3)?,
        platform: row.get::<_, Option<String>>(4)?.map(Into::into),
        last_event: row.get::<_, Option<i64>>(5)?.map(moment),
    })
}

impl Writer {
    /// The project of that slug, made if it isn't there.
    pub(in crate::backend::embedded) fn ensure_project(&mut self, slug: &str) -> Result<Project, StoreError> {
        if !is_slug(slug) {
            return Err(StoreError::Invalid(SLUG_RULE));
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!("SELECT {COLUMNS} FROM project WHERE slug=?1");
        if let Some(project) = tx.query_row(&sql, [slug], project_of).optional()? {
            return Ok(project);
        }
        let key = format!("{:032x}", u128::from_be_bytes(random_bytes()?));
        // Above every number that was ever given: other processes remember those of projects that are gone.
        tx.execute(
            "INSERT INTO project(id, slug, name, public_key)
             SELECT 1 + coalesce(max(id), 0), ?1, ?1, ?2 FROM (SELECT id FROM project UNION ALL SELECT id FROM deleted_project)",
            params![slug, key],
        )?;
        let project = tx.query_row(&sql, [slug], project_of)?;
        tx.commit()?;
        Ok(project)
    }
}
