//! The question why an issue happens, and what a store can tell about it.

use super::{IssueFacts, IssueRef, Scope};
use crate::model::{Event, EventId, FrameStats, LibraryChange, Timestamp, Untrusted};

/// Asks for what a diagnosis looks at.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct DiagnosisQuery {
    /// Where.
    pub scope: Scope,
    /// Which issue.
    pub issue: IssueRef,
    /// Only events of this release.
    pub release: Option<Untrusted>,
    /// How many further events, of different users, are looked into.
    pub samples: usize,
    /// How many issues with like stacks are wanted, at most.
    pub siblings: usize,
}

/// What a diagnosis looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagnosisFacts {
    /// The issue and its numbers.
    pub issue: IssueFacts,
    /// The event that tells most.
    pub event: Event,
    /// For each exception of that event, for each of its frames: how often it stands in stacks.
    pub standings: Vec<Vec<Option<FrameStats>>>,
    /// Issues of the project that show frames of the application.
    pub issues: u64,
    /// Different stacks of the issue.
    pub stacks: u64,
    /// Functions in the issue's stacks, and in how many issues of the project each stands.
    pub frames: Vec<(i64, u64)>,
    /// The newest events, of different users.
    pub samples: Vec<Event>,
    /// Replays that show it, newest first.
    pub replays: Vec<EventId>,
    /// Issues of the project that share a telling frame or the limit that was met.
    pub siblings: Vec<SiblingIssue>,
    /// Other issues of the project that speak of the same limit or surroundings.
    pub same_fault: u64,
    /// Libraries whose version the issue follows.
    pub libraries: Vec<LibraryChange>,
    /// The project's newest event, which counts of frames reach to whatever the scope's end.
    pub counted_to: Option<Timestamp>,
}

/// Another issue of the project.
#[derive(Clone, Debug, PartialEq)]
pub struct SiblingIssue {
    /// For people.
    pub short_id: String,
    /// One line that names it.
    pub title: Untrusted,
    /// Type of its exception.
    pub ty: Option<Untrusted>,
    /// When it began.
    pub first_seen: Timestamp,
    /// Functions in its stacks.
    pub frames: Vec<i64>,
    /// It speaks of the same limit or surroundings.
    pub same_fault: bool,
}
