//! Whether projects send anything, and sessions over time.

use super::Scope;
use crate::model::{SessionCounts, Timestamp, Untrusted};

/// When a project last sent anything, in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its slug.
    pub project: Untrusted,
    /// Its last event or session.
    pub last: Timestamp,
    /// Days with any of them among the seven that end with that one's.
    pub active_days: u64,
}

/// Asks for sessions by span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesQuery {
    /// Where; its start is the start of the first span.
    pub scope: Scope,
    /// Length of a span, in hours.
    pub hours: i64,
    /// Only these releases; `None`: all.
    pub releases: Option<Vec<Untrusted>>,
    /// Whether releases are told apart.
    pub by_release: bool,
}

/// Sessions within one span.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSpan {
    /// The release, where releases are told apart.
    pub release: Option<Untrusted>,
    /// Which span, from 0.
    pub span: usize,
    /// Sessions by how they ended.
    pub counts: SessionCounts,
    /// Distinct users of these sessions.
    pub users: u64,
}
