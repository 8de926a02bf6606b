//! Questions about replays, and what a store answers: headers at once, segments one at a time.

use super::Scope;
use crate::model::EventId;

/// Asks for a replay.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct ReplayQuery {
    /// Where.
    pub scope: Scope,
    /// Which.
    pub replay: EventId,
}

/// A replay without its recording.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReplayFacts {
    /// Slug of its project.
    pub project: String,
    /// Pseudonym of its user.
    pub user: Option<String>,
    /// Browser, system and device where the store tells them; else the headers' user agent does.
    pub agent: ReplayAgent,
    /// Headers of its segments as stored: JSON of `replay_event` items.
    pub headers: Vec<Vec<u8>>,
    /// Ids of all events that name it, where the store tells them; else they have to be searched for.
    pub events: Option<Vec<EventId>>,
    /// Its segments in the order of their numbers.
    pub segments: Vec<SegmentFacts>,
}

/// What a replay was recorded with.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReplayAgent {
    /// Browser and its version.
    pub browser: Option<(String, Option<String>)>,
    /// System and its version.
    pub os: Option<(String, Option<String>)>,
    /// Phone or tablet.
    pub device: Option<String>,
}

/// A segment without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentFacts {
    /// By what the store finds it again.
    pub key: u64,
    /// Its number, where it says one.
    pub number: Option<u64>,
    /// Size of its payload as it came, in bytes.
    pub size_bytes: u64,
}
