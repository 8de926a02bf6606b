//! A copy of a live store in one file, the key of its pseudonyms included.
//! It uses `rusqlite`.
//! It never overwrites a file.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{connect, fault::of_files, files, files::Files, store::EmbeddedStore};
use crate::store::StoreError;

impl EmbeddedStore {
    /// Copies the store as it is at this moment, while others read and write it. Put into an empty folder as `signal.db`,
    /// the copy is a store again.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] where the file exists, else those of the engine and the disk.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.pool.ready()?;
        if to.exists() {
            return Err(StoreError::Invalid("there is a file of that name already"));
        }
        let (own, to, key) = (self.files.clone(), to.to_owned(), self.key());
        let copy = tokio::task::spawn_blocking(move || copy(&own, &to, &key));
        copy.await.map_err(|error| StoreError::Engine { context: "copying the store", source: Box::new(error) })?
    }
}

fn copy(own: &Files, to: &Path, key: &[u8; 32]) -> Result<(), StoreError> {
    // Made before it is filled, so that nobody else may read it in between.
    let file = files::create_private(to)?;
    let conn = connect::checkpointer(own)?;
    conn.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    copy.execute_batch("CREATE TABLE kept_key(key BLOB NOT NULL)")?;
    copy.execute("INSERT INTO kept_key(key) VALUES(?1)", [&key[..]])?;
    drop(copy);
    file.sync_all().map_err(of_files("writing the copy"))
}

/// The key that a backup holds; `None` where the store is new, or none.
pub(super) fn kept_key(files: &Files) -> Result<Option<[u8; 32]>, StoreError> {
    if !files.database().exists() {
        return Ok(None);
    }
    let conn = Connection::open_with_flags(files.database(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let there = "SELECT EXISTS(SELECT 1 FROM sqlite_master WHERE name='kept_key')";
    let Ok(true) = conn.query_row(there, [], |row| row.get::<_, bool>(0)) else { return Ok(None) };
    let key: Option<Vec<u8>> = conn.query_row("SELECT key FROM kept_key", [], |row| row.get(0)).optional()?;
    match key.map(TryInto::try_into) {
        None => Ok(None),
        Some(Ok(key)) => Ok(Some(key)),
        Some(Err(_)) => Err(StoreError::Forbidden("the key in the backup is damaged: it must be 32 bytes")),
    }
}
