//! The store's format and the steps from each older one.
//! It uses `rusqlite` and `store`'s errors.
//! It never goes backwards: a newer format is refused.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

/// One step a format: from the one before it.
const STEPS: &[&str] = &[
    include_str!("sql/001.sql"),
    include_str!("sql/002.sql"),
    include_str!("sql/003.sql"),
    include_str!("sql/004.sql"),
    include_str!("sql/005.sql"),
    include_str!("sql/009.sql"),
    include_str!("sql/010.sql"),
    include_str!("sql/011.sql"),
    include_str!("sql/012.sql"),
    include_str!("sql/013.sql"),
];

/// The newest format known.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// The format of a store; 0 where there is nothing yet.
pub(super) fn found(conn: &Connection) -> Result<i64, StoreError> {
    let found = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > KNOWN { Err(StoreError::Newer { found, known: KNOWN }) } else { Ok(found) }
}

/// Brings a store to the newest format. What was there is copied beside it first.
pub(super) fn migrate(conn: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let before = found(conn)?;
    if before == KNOWN {
        return Ok(());
    }
    if before == 0 {
        // Both hold for the whole life of a file and must stand before its first table.
        conn.execute_batch("PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;")?;
    } else {
        copy_aside(conn, file, before)?;
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    loop {
        // Looked up again within the transaction: another process may have taken the step meanwhile.
        let step = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = found(&step)?;
        let Some(sql) = usize::try_from(at).ok().and_then(|at| STEPS.get(at)) else { return Ok(()) };
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", at + 1)?;
        step.commit()?;
    }
}

fn copy_aside(conn: &Connection, file: &Path, format: i64) -> Result<(), StoreError> {
    let copy = file.with_extension(format!("format-{format}.db"));
    if copy.exists() {
        return Ok(());
    }
    super::files::create_private(&copy)?;
    conn.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    Ok(())
}
