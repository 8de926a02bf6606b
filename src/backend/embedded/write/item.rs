//! Storing what is kept whole: logs, replays, attachments, feedback, transactions.
//! It uses `rusqlite`.
//! It never looks into the payload.

use rusqlite::params;

use super::{commit::Commit, names::Word};
use crate::{
    backend::embedded::{
        lines::Source,
        pack::{day_of, digest64, micros},
    },
    model::Untrusted,
    store::{ItemRecord, StoreError},
};

impl Commit<'_> {
    /// Stores an item; false if it is there already.
    pub(super) fn item(
        &mut self,
        project: u64,
        item: &ItemRecord,
        size: usize,
        body: &[u8],
    ) -> Result<bool, StoreError> {
        let (conn, ts) = (self.conn, micros(item.timestamp));
        if let Some(digest) = item.dedupe {
            let new = conn
                .prepare_cached("INSERT OR IGNORE INTO item_once(day, digest) VALUES(?1, ?2)")?
                .execute(params![day_of(ts), &of_project(digest, project)[..]])?;
            if new == 0 {
                return Ok(false);
            }
        }
        let raw = |text: &'_ Option<Untrusted>| text.as_ref().map(|t| t.raw().to_owned());
        let rel = self.names.release(conn, project, raw(&item.release).as_deref(), ts)?;
        let env = self.names.maybe(conn, Word::Environment, 0, raw(&item.environment).as_deref())?;
        let user = self.names.user(conn, item.user)?;
        conn.prepare_cached(
            "INSERT INTO item(project, kind, ts, parent, trace, segment, rel, env, user, name, content_type, size, z)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            project,
            item.kind.code(),
            ts,
            item.parent.map(|id| id.0.to_be_bytes()),
            item.trace_id.as_ref().map(|trace| digest64(trace.raw()) as i64),
            item.segment.map(|segment| segment as i64),
            rel,
            env,
            user,
            raw(&item.name),
            raw(&item.content_type),
            size,
            body,
        ])?;
        if let Some(source) = Source::of_code(item.kind.code()) {
            self.loose.entry((project, source)).or_default().records += 1;
        }
        if let Some(used) = &item.used {
            self.touch_traffic(project, rel, env, std::slice::from_ref(used))?;
        }
        Ok(true)
    }
}

/// The digest within a project: two projects may log the same line at the same moment. That of the first stays as it
/// was in older stores.
fn of_project(mut digest: [u8; 16], project: u64) -> [u8; 16] {
    for (byte, part) in digest.iter_mut().zip(project.wrapping_sub(1).to_be_bytes()) {
        *byte ^= part;
    }
    digest
}
