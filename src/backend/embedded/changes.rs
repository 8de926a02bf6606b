//! Whether anybody, in this process or another, has changed the store.
//! It uses `rusqlite`.
//! It never reads a table.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::{connect, files::Files, read::Pool};
use crate::store::StoreError;

/// A connection of its own: SQLite's `data_version` tells one connection what all others have done.
#[derive(Clone)]
pub(super) struct Changes {
    files: Files,
    conn: Arc<Mutex<Option<Connection>>>,
}

impl Changes {
    pub(super) fn of(files: Files) -> Self {
        Self { files, conn: Arc::default() }
    }

    /// Another number after each change; microseconds to ask.
    pub(super) async fn version(&self, pool: Arc<Pool>) -> Result<u64, StoreError> {
        let own = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            pool.ready()?;
            let mut conn = own.conn.lock().unwrap_or_else(PoisonError::into_inner);
            let conn = match &mut *conn {
                Some(conn) => conn,
                none => none.insert(connect::reader(&own.files)?),
            };
            Ok(conn.pragma_query_value(None, "data_version", |row| row.get(0))?)
        });
        asked.await.map_err(|error| StoreError::Engine { context: "looking for changes", source: Box::new(error) })?
    }
}
