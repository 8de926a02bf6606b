//! How failures of the two databases become the store's.
//! It uses `store` alone.
//! It never shows a database's own text but as an error's source.

use crate::store::StoreError;

/// Seconds after which a refused write is worth another try.
pub(super) const RETRY_AFTER_S: u64 = 2;

/// Codes of PostgreSQL after which the same transaction may succeed: serialization, deadlock, lock timeout, too many
/// connections, shutting down and starting up.
const AGAIN: [&str; 7] = ["40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"];

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let code = error.code().map(|code| code.code().to_owned());
        match code.as_deref() {
            Some("53100") => Self::Full,
            Some("28P01" | "28000") => Self::Unauthorized("PostgreSQL refuses the user or password"),
            Some("42501") => Self::Forbidden("PostgreSQL refuses that to this user"),
            Some(code) if AGAIN.contains(&code) => Self::Busy { retry_after_s: RETRY_AFTER_S },
            Some(_) => Self::Engine { context: "PostgreSQL", source: Box::new(error) },
            None => unreachable_postgres(),
        }
    }
}

/// PostgreSQL is gone, or its answer was cut.
pub(super) fn unreachable_postgres() -> StoreError {
    StoreError::Upstream { what: "database PostgreSQL can't be reached", said: "".into() }
}

/// ClickHouse is gone, or its answer was cut.
pub(super) fn unreachable_clickhouse() -> StoreError {
    StoreError::Upstream { what: "database ClickHouse can't be reached", said: "".into() }
}

/// What was read is not what this program writes.
pub(super) fn corrupt(what: &'static str) -> StoreError {
    StoreError::Engine { context: "reading what was stored", source: format!("a stored {what} can't be read").into() }
}
