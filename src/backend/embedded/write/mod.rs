//! Writing: one thread a process, one transaction for all that waits.
//! It uses `rusqlite` and the packed forms.
//! It never parses or compresses on its thread: callers did that.

mod announce;
mod artifact;
mod commit;
mod debug_file;
mod decide;
mod delete;
mod erase;
mod event;
mod feed;
mod fold;
mod frames;
mod item;
mod join;
mod libraries;
mod lines;
mod load;
mod mentions;
mod names;
mod part;
mod prepare;
mod project;
mod queue;
mod rebuild;
mod request_tags;
mod restore;
mod restore_counts;
mod retain;
mod session;
mod traffic;
mod writer;

pub(super) use announce::projects;
pub(super) use artifact::{Described, Packed, PackedArtifact};
pub(super) use debug_file::{PackedDebugFile, PackedPart};
pub(super) use decide::Decision;
pub use erase::{Erased, ErasedScope};
pub(super) use event::id_key;
pub(super) use feed::stamp;
pub(super) use fold::BIG;
pub use names::Caps;
pub(super) use names::Word;
pub(super) use prepare::Prepared;
pub(super) use project::{COLUMNS, project_of};
pub(super) use queue::Queue;
pub(super) use session::BY_SESSIONS;
pub(super) use traffic::BY_REQUESTS;

pub(super) use writer::{Joining, Writer, start};
