//! The embedded store: SQLite, one writer thread, a pool of readers.
//! It alone uses `rusqlite`.
//! It never parses an envelope.

mod backup;
mod body;
mod changes;
mod connect;
mod debug_files;
mod decision;
mod delete;
mod fault;
mod feed;
mod files;
mod health;
mod hosted;
mod lines;
mod pack;
mod read;
mod schema;
mod sink;
mod store;
mod transfer;
mod write;

pub use health::{Health, UnknownType};
pub use store::{EmbeddedStore, Options};
pub use transfer::{Exported, Line, TransferRecord};
pub use write::{Caps, Erased, ErasedScope};

/// Format of the store that this version writes.
pub const FORMAT: i64 = schema::KNOWN;
