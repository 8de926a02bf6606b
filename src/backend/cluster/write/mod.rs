//! Writing: one task a process, one transaction of PostgreSQL for all that waits; then blocks on their way to ClickHouse.
//! It uses `tokio_postgres`.
//! It never answers before the commit, and never changes a block once it is committed.

mod commit;
mod event;
mod forward;
mod names;
mod other;
mod queue;
mod touch;

pub(super) use event::clean;
pub(super) use forward::Forwarder;
pub(super) use queue::{Queue, gone};
