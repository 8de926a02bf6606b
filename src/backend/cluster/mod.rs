//! The cluster store: facts in ClickHouse, what must be decided once in PostgreSQL, any number of processes in front.
//! It alone uses `tokio_postgres`.
//! It never parses an envelope, and never answers what it can't count: then it says which question that is.

mod clickhouse;
mod decision;
mod fault;
mod hosted;
mod migrate;
mod postgres;
mod read;
mod rows;
mod sink;
mod store;
mod write;

pub use store::{Caps, ClusterStore, Options};

/// Format of the stores that this version writes.
pub const FORMAT: i64 = migrate::KNOWN;
