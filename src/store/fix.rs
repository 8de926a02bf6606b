//! What a proof needs to know of an issue around a fix.

use super::{IssueRef, Scope};
use crate::model::Untrusted;

/// Asks for the history of an issue around a fix.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct FixQuery {
    /// Which issue.
    pub issue: IssueRef,
    /// Where; its end is the moment that the answer speaks of, and its start means nothing.
    pub scope: Scope,
    /// The first release that has the fix, as named.
    pub release: Untrusted,
    /// Releases and times of other environments are as if there were none.
    pub sealed: bool,
}
