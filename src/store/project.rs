//! What the compatible API tells of projects.

use crate::model::{Project, Timestamp, Untrusted};

/// A project and what it has, up to the scope's end.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectDetails {
    /// The project.
    pub project: Project,
    /// When its oldest event happened.
    pub first_event: Option<Timestamp>,
    /// Whether it has sessions.
    pub has_sessions: bool,
    /// Whether it has replays.
    pub has_replays: bool,
    /// The newest release with signal, in release order.
    pub latest_release: Option<Untrusted>,
    /// Names of its environments, in the order of the alphabet.
    pub environments: Vec<Untrusted>,
}
