//! The embedded store: SQLite, one writer thread, a pool of readers.
//! It alone uses `rusqlite`.
//! It never parses an envelope.

mod connect;
mod fault;
mod files;
mod pack;
mod schema;
mod write;
