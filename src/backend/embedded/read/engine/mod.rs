//! What every question uses: snapshots and readers, the columns of issues, scopes, names.
//! It answers no question itself.

pub(super) mod chunks;
pub(super) mod known;
pub(super) mod memory;
pub(super) mod pool;
pub(super) mod scope;
pub(super) mod tally;
