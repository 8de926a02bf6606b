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

/// An event that parts tell of.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Number of the project.
    pub project: u64,
    /// The event.
    pub event: EventRecord,
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
    fn join(&self, parts: &[StoredPart], received: Timestamp) -> Vec<Joined>;
}
