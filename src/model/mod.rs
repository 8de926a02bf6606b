//! Plain data of the domain: events, issues, releases, sessions, replays.
//! It uses nothing else of the crate.
//! It never derives `Serialize`: outside text is [`Untrusted`] and leaves through `guard` alone.

mod data;
mod event;
mod fix;
mod issue;
mod kind;
mod library;
mod nameless;
mod onset;
mod query;
mod release;
mod session;
mod slower;
mod standing;
mod text;

pub use data::Data;
pub use event::{
    Breadcrumb, Event, EventId, EventKind, Exception, Flag, Frame, ImagePlace, Level, Mechanism, ParseIdError, Request,
    Sdk, Thread, User, UserKey,
};
pub use fix::{
    FixCandidate, FixCondition, FixHistory, FixHit, FixRelease, Likeness, Lost, Recurrence, Returning, Side, Sign, Use,
};
pub use issue::{AcrossBuilds, Change, ChangeReason, Group, Issue, IssueId, Resolution, Status, TopFrame};
pub use jiff::Timestamp;
pub use kind::Kind;
pub use library::{Libraries, LibraryChange};
pub use nameless::{NamelessFile, nameless_files};
pub use onset::Onset;
pub use query::query_pairs;
pub use release::{Deploy, Project, Release};
pub use session::{SessionCounts, SessionStatus};
pub use slower::Slower;
pub use standing::{FrameStats, IssueFrequency};
pub use text::Untrusted;
