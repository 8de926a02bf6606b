//! Reading: each answer from one snapshot of the store, in rooms by question.
//! It uses `rusqlite` and the packed forms.
//! It never unpacks a body to count.

mod affected;
mod engine;
mod event;
mod facts;
pub(super) mod feed;
mod fix;
mod issues;
mod project;
mod release;
mod search;
mod signals;

pub(super) use engine::pool::{Pool, Snapshot};
