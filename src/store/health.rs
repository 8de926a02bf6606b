//! Sessions over time: a question that the compatible API alone asks.

use super::Scope;
use crate::model::{SessionCounts, Untrusted};

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
