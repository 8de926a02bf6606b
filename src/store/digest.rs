//! What ingestion hands to a store: everything worked out, nothing left to parse.

use super::{EntryUse, FailureKey, PartRecord, ProjectKey};
use crate::model::{Event, EventId, Group, Libraries, SessionStatus, Timestamp, Untrusted, UserKey};

/// What one envelope came to. It can't be cloned: it may hold megabytes, and ingestion hands it on as it is.
///
/// ```compile_fail
/// fn copy(digest: &prodsignal::store::Digest) -> prodsignal::store::Digest {
///     digest.clone()
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct Digest {
    /// Whose it is.
    pub project: ProjectKey,
    /// When it was received.
    pub received: Timestamp,
    /// What is to be stored.
    pub records: Vec<Record>,
    /// What became of the items that are not stored, for the counters: (item type, why, how many).
    pub outcomes: Vec<Outcome>,
}

impl Digest {
    /// About how many bytes it holds, for bounding queues.
    pub fn size_bytes(&self) -> usize {
        self.records.iter().map(Record::size_bytes).sum::<usize>() + 256
    }
}

/// What became of an item that is not stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// Type of the item, as one of the known names, or `unknown`.
    pub item: &'static str,
    /// `invalid`, `unknown`, `filtered`, `dropped_by_sdk`.
    pub outcome: &'static str,
    /// Why, in the program's own words.
    pub reason: &'static str,
    /// How many.
    pub quantity: u64,
    /// What the sender calls it, where the program knows no such type.
    pub named: Option<String>,
}

/// One thing to store.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An error or a message.
    Event(Box<EventRecord>),
    /// One session's newest state.
    Session(SessionRecord),
    /// Sessions counted by the SDK.
    Sessions(SessionsRecord),
    /// Anything else that is kept whole.
    Item(Box<ItemRecord>),
    /// What one request told of one trace.
    Part(Box<PartRecord>),
    /// Errors that the SDK dropped.
    Dropped(DroppedRecord),
}

impl Record {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Event(event) => {
                event.body.len() + event.libraries.as_ref().map_or(0, |list| list.text.raw().len()) + 1024
            }
            Self::Item(item) => item.body.len() + 384,
            Self::Part(part) => part.body.len() + part.uses.len() * 128 + 256,
            Self::Session(_) | Self::Sessions(_) | Self::Dropped(_) => 256,
        }
    }
}

/// An event, grouped and scrubbed.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    /// Its parts, for columns; text in it has been scrubbed of secrets.
    pub event: Event,
    /// The event's scrubbed JSON, not compressed: what reading parses again.
    pub body: Vec<u8>,
    /// Which issue it belongs to.
    pub group: Group,
    /// Who was affected.
    pub user: Option<UserKey>,
    /// Whether a job had it that nobody asked for: then it has no user, rather than one who is not known.
    pub unattended: bool,
    /// By what spans and logs of the same failure are known; of errors within a trace alone.
    pub key: Option<FailureKey>,
    /// Tags that conditions are looked for in: the event's own and those read from its contexts, keys unique.
    pub tags: Vec<(Untrusted, Untrusted)>,
    /// How much an event tells (see `Pick::Recommended`), 0..=255.
    pub richness: u8,
    /// The libraries that the SDK lists.
    pub libraries: Option<Libraries>,
}

/// One session, as one update tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecord {
    /// Names the session: a keyed digest of its id.
    pub sid: [u8; 16],
    /// Who.
    pub user: Option<UserKey>,
    /// When it started.
    pub started: Timestamp,
    /// When this state was true.
    pub timestamp: Timestamp,
    /// How it stands. A final state is not undone by a later `Ok`.
    pub status: SessionStatus,
    /// Errors so far.
    pub errors: u64,
    /// Release.
    pub release: Untrusted,
    /// Environment.
    pub environment: Option<Untrusted>,
    /// What the user agent says: browser and system, for cohorts.
    pub user_agent: Option<Untrusted>,
}

/// Sessions of one minute, counted by the SDK.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionsRecord {
    /// When they started, to the minute.
    pub started: Timestamp,
    /// Who, where one user's sessions were counted.
    pub user: Option<UserKey>,
    /// Ended well.
    pub exited: u64,
    /// Had errors.
    pub errored: u64,
    /// Crashed.
    pub crashed: u64,
    /// Ended without a word.
    pub abnormal: u64,
    /// Had an unhandled error and went on.
    pub unhandled: u64,
    /// Release.
    pub release: Untrusted,
    /// Environment.
    pub environment: Option<Untrusted>,
}

/// Errors that an SDK says it dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedRecord {
    /// When it said so.
    pub timestamp: Timestamp,
    /// Release, where what came in the same envelope tells it.
    pub release: Option<Untrusted>,
    /// Environment, likewise.
    pub environment: Option<Untrusted>,
    /// How many.
    pub errors: u64,
}

/// The kinds of items that are kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemKind {
    /// A transaction, as JSON.
    Transaction,
    /// Spans, as JSON.
    Span,
    /// One log line, as JSON.
    Log,
    /// A check-in of a monitored job, as JSON.
    CheckIn,
    /// What a user wrote, as JSON.
    Feedback,
    /// A file, as it came.
    Attachment,
    /// A profile, as JSON.
    Profile,
    /// Metrics, as JSON.
    Metric,
    /// Header of a replay's segment, as JSON.
    ReplayEvent,
    /// A replay's segment: its header line and payload, as they came.
    ReplayRecording,
}

impl ItemKind {
    /// Number in the store's files; never reused.
    pub const fn code(self) -> i64 {
        match self {
            Self::Transaction => 1,
            Self::Span => 2,
            Self::Log => 3,
            Self::CheckIn => 4,
            Self::Feedback => 5,
            Self::Attachment => 6,
            Self::Profile => 7,
            Self::Metric => 8,
            Self::ReplayEvent => 9,
            Self::ReplayRecording => 10,
        }
    }
}

/// An item that is kept whole.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRecord {
    /// What it is.
    pub kind: ItemKind,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What it belongs to: the event of an attachment or feedback, the replay of a segment, the check-in's id.
    pub parent: Option<EventId>,
    /// Trace that it belongs to, as sent.
    pub trace_id: Option<Untrusted>,
    /// Segment of a replay.
    pub segment: Option<u64>,
    /// Release.
    pub release: Option<Untrusted>,
    /// Environment.
    pub environment: Option<Untrusted>,
    /// Who.
    pub user: Option<UserKey>,
    /// Name of a file, monitor or transaction.
    pub name: Option<Untrusted>,
    /// Media type of an attachment.
    pub content_type: Option<Untrusted>,
    /// The payload, not compressed by us.
    pub body: Vec<u8>,
    /// Makes a re-sent item count once: a digest of what identifies it; `None` where nothing does.
    pub dedupe: Option<[u8; 16]>,
    /// What it says of use, where it says anything.
    pub used: Option<Box<EntryUse>>,
}
