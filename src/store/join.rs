//! Traces that come in parts: what each request tells is kept, and what all of them tell becomes events.

use sha2::{Digest as _, Sha256};

use super::EventRecord;
use crate::model::{Timestamp, Untrusted, UserKey};

/// What one request told of one trace, within one service and release.
#[derive(Clone, Debug, PartialEq)]
pub struct PartRecord {
    /// What parts are joined by: the trace's id, or the name of a session.
    pub trace: Untrusted,
    /// The earliest moment told of.
    pub first: Timestamp,
    /// The latest moment told of.
    pub last: Timestamp,
    /// Whether it tells of a failure.
    pub failing: bool,
    /// Spans in it.
    pub spans: u32,
    /// Log records in it.
    pub logs: u32,
    /// Release.
    pub release: Option<Untrusted>,
    /// Environment.
    pub environment: Option<Untrusted>,
    /// Requests that the service worked on, and other signs of its use.
    pub uses: Vec<EntryUse>,
    /// What it tells, without secrets; what [`Join`] reads.
    pub body: Vec<u8>,
    /// Makes a part that is sent again count once.
    pub once: [u8; 16],
}

/// A sign that a service was used: a request or message that it worked on, or anything else that names somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryUse {
    /// `GET /orders/:id`; `None`: no request of its own, such as a log line.
    pub operation: Option<Untrusted>,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, microseconds; of requests alone.
    pub duration_us: u64,
    /// Whether it failed; of requests alone.
    pub failed: bool,
    /// For whom.
    pub user: Option<UserKey>,
    /// A number that stands for the session.
    pub session: Option<u32>,
    /// How many requests it stands for, where they are sampled; 1 where nothing is said.
    pub weight: f64,
    /// What is known of it, by the names that events have for the same; of requests alone.
    pub tags: Vec<(Untrusted, Untrusted)>,
}

impl EntryUse {
    /// A sign of use that is no request.
    pub fn sign(at: Timestamp, user: Option<UserKey>, session: Option<u32>) -> Self {
        Self { operation: None, at, duration_us: 0, failed: false, user, session, weight: 1.0, tags: Vec::new() }
    }
}

/// A part as it was stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPart {
    /// Number of the project.
    pub project: u64,
    /// The body.
    pub body: Vec<u8>,
}

/// By what two reports of one failure are known: where it happened and what was thrown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureKey {
    /// The span that an SDK's event names, 16 hex digits; `None`: the event is made of spans and logs itself.
    pub span: Option<String>,
    /// Digests of type and text of each exception; of the text alone where there is none.
    pub said: Vec<i64>,
}

impl FailureKey {
    /// A key of these types and texts; those without either say nothing.
    pub fn new<'a>(span: Option<String>, said: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let digest = |(ty, text): (&str, &str)| {
            let ty = ty.rsplit(['.', '\\', ':']).next().unwrap_or(ty);
            // One writes what was thrown as its language shows it, the other as it is.
            let text = text.trim().trim_matches(['\'', '"']);
            let sum = Sha256::digest([ty.as_bytes(), b"\0", text.as_bytes()].concat());
            let mut short = [0; 8];
            short.copy_from_slice(&sum[..8]);
            i64::from_be_bytes(short)
        };
        Self { span, said: said.filter(|(ty, text)| !ty.is_empty() || !text.trim().is_empty()).map(digest).collect() }
    }

    /// Whether both threw one thing.
    pub fn says_as(&self, other: &Self) -> bool {
        self.said.iter().any(|said| other.said.contains(said))
    }
}

/// A failure that an SDK reported as an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedFailure {
    /// The event's place in the journal.
    pub seq: i64,
    /// Where it happened and what was thrown.
    pub key: FailureKey,
}

/// An event that parts tell of.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Number of the project.
    pub project: u64,
    /// The event.
    pub event: EventRecord,
    /// The event by which an SDK reported the same failure: then this one is not stored.
    pub reported_as: Option<i64>,
}

impl Joined {
    /// Equal for events that say the same, of the same issue.
    pub fn digest(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(self.project.to_be_bytes());
        hash.update(self.event.group.hash);
        hash.update(self.event.user.map_or([0; 16], |user| user.0));
        hash.update([u8::from(self.event.unattended)]);
        hash.update(&self.event.body);
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        short
    }
}

/// Makes events of the parts of one trace.
pub trait Join: Send + Sync {
    /// The events that the parts tell of, one a failure. The same parts make the same events, with the same ids.
    /// `reported`: what SDKs reported of the same trace.
    fn join(&self, parts: &[StoredPart], reported: &[ReportedFailure], received: Timestamp) -> Vec<Joined>;
}
