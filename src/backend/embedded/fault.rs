//! How SQLite's failures become the store's.
//! It uses `store` and `rusqlite`.
//! It never shows a text of the engine: that stays the error's source.

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Seconds after which a refused write is worth another try.
pub(super) const RETRY_AFTER_S: u64 = 1;

/// A stored blob is not what this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored {0} can't be read")]
pub(super) struct Corrupt(pub(super) &'static str);

impl From<Corrupt> for StoreError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Engine { context: "reading what was stored", source: Box::new(corrupt) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::OperationInterrupted) => Self::Cancelled,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { retry_after_s: RETRY_AFTER_S },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                Self::Forbidden("the store's files can't be written")
            }
            Some(ErrorCode::CannotOpen) => Self::Forbidden("the store's files can't be opened"),
            _ => Self::Engine { context: "SQLite", source: Box::new(error) },
        }
    }
}

/// A failure of the file system while `context`.
pub(super) fn of_files(context: &'static str) -> impl Fn(std::io::Error) -> StoreError {
    move |error| match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Forbidden("the store's folder can't be read or written by this user")
        }
        std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => {
            StoreError::Forbidden("the store's path is not a folder")
        }
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Engine { context, source: Box::new(error) },
    }
}
