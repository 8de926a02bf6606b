//! Connections and how they are set.
//! It uses `rusqlite`.
//! It never writes through a reader.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{files::Files, schema};
use crate::store::StoreError;

/// How long a second process's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn open(files: &Files) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(files.database(), FLAGS)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(128);
    conn.execute_batch("PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;")?;
    Ok(conn)
}

/// Makes the store's tables, or brings older ones to the newest format.
pub(super) fn prepare(files: &Files) -> Result<(), StoreError> {
    files.make_database()?;
    schema::migrate(&mut open(files)?, &files.database())
}

/// The writer's connection. Checkpoints are another's: an automatic one would hold up a commit.
pub(super) fn writer(files: &Files) -> Result<Connection, StoreError> {
    let conn = open(files)?;
    conn.execute_batch(
        "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-32768;",
    )?;
    Ok(conn)
}

/// Moves the whole log into the database, so that it starts anew. Readers are waited for only shortly.
pub(super) fn restart_log(writer: &Connection) -> Result<(), StoreError> {
    writer.busy_timeout(PATIENCE / 50)?;
    let moved = writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    writer.busy_timeout(PATIENCE)?;
    Ok(moved?)
}

/// A connection that reads.
pub(super) fn reader(files: &Files) -> Result<Connection, StoreError> {
    let conn = open(files)?;
    conn.execute_batch("PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384;")?;
    Ok(conn)
}

/// A connection that only moves the log into the database.
pub(super) fn checkpointer(files: &Files) -> Result<Connection, StoreError> {
    let conn = open(files)?;
    conn.execute_batch("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-1024;")?;
    Ok(conn)
}
