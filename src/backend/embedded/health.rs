//! What `doctor` shows of a store.
//! It uses the reader pool and the file system.
//! It never writes.

use super::{read::Snapshot, schema, store::EmbeddedStore};
use crate::store::StoreError;

/// A store at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Format of its file.
    pub format: i64,
    /// Bytes on disk, the write-ahead log included.
    pub disk_bytes: u64,
    /// Events that it holds.
    pub events: u64,
}

impl EmbeddedStore {
    /// Looks at the store.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn health(&self) -> Result<Health, StoreError> {
        let disk_bytes = self.disk_bytes();
        let (format, events) = self.read(|snapshot| snapshot.format_and_events()).await?;
        Ok(Health { format, disk_bytes, events })
    }
}

impl Snapshot<'_> {
    fn format_and_events(&mut self) -> Result<(i64, u64), StoreError> {
        let format = schema::found(self.conn)?;
        let events: i64 = self.conn.query_row("SELECT count(*) FROM eid", [], |row| row.get(0))?;
        Ok((format, events.unsigned_abs()))
    }
}
