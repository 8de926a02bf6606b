//! Reading: each answer from one snapshot of the store.
//! It uses `rusqlite` and the packed forms.
//! It never unpacks a body to count.

mod active;
mod affected;
mod announced;
mod baseline;
mod breakdown;
mod chunks;
mod conditions;
mod count;
mod diagnosis;
mod event;
mod extras;
pub(super) mod feed;
mod filter;
mod first_tags;
mod fix;
mod hosted;
mod hours;
mod issues;
mod judge;
mod known;
mod libraries;
mod lists;
mod memory;
mod near;
mod pattern;
mod pool;
mod project_list;
mod release_list;
mod releases;
mod replay;
mod scope;
mod script;
mod search;
mod session_series;
mod table;
mod tally;
mod trend;
mod windows;

pub(super) use pool::{Pool, Snapshot};
