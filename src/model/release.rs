//! Releases and projects.

use super::{Timestamp, Untrusted};

/// A release as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Whole name, such as `shop@2.3.0`.
    pub version: Untrusted,
    /// First event or session of it.
    pub first_seen: Timestamp,
    /// Last event or session of it.
    pub last_seen: Timestamp,
    /// Deploys that somebody announced, oldest first.
    pub deploys: Vec<Deploy>,
}

/// One announced deploy of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// Where to.
    pub environment: Option<Untrusted>,
    /// When.
    pub at: Timestamp,
}

/// A project: one application that sends events.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Number used in its DSN.
    pub id: u64,
    /// Name used in calls: lower-case letters, digits, hyphens, checked when it was made.
    pub slug: String,
    /// Name as given.
    pub name: Untrusted,
    /// Platform of its newest event.
    pub platform: Option<Untrusted>,
    /// Public key of its DSN: 32 hex digits.
    pub public_key: String,
    /// When its newest event happened.
    pub last_event: Option<Timestamp>,
}
