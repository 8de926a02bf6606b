//! Changing an issue: what somebody decides about it.

use super::{Claim, IssueRef, Scope, StoreError};
use crate::model::{Issue, Timestamp, Untrusted};

/// Decisions about issues; a store that can't take one says so.
#[async_trait::async_trait]
pub trait SignalWrite: Send + Sync {
    /// Changes one issue. When this returns, it is done.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an issue or release that isn't there, [`StoreError::Forbidden`] where the store
    /// refuses, [`StoreError::Unsupported`] for what it can't keep.
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError>;

    /// Claims an issue for somebody until a time; an empty name ends the claim. `Some`: another holds it, and it stays
    /// theirs.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] where no claims are kept.
    async fn hold(&self, _claim: Claim, _now: Timestamp) -> Result<Option<Claim>, StoreError> {
        Err(StoreError::Unsupported("this store keeps no claims"))
    }
}

/// What is to be changed about one issue. What is `None` stays.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueUpdate {
    /// Which.
    pub issue: IssueRef,
    /// Where it has to be; an issue of another project is not found.
    pub scope: Scope,
    /// What is decided.
    pub status: Option<NewStatus>,
    /// Who has it from now on; empty text: nobody.
    pub assignee: Option<Untrusted>,
    /// A note for whoever reads the issue.
    pub comment: Option<Untrusted>,
    /// When.
    pub now: Timestamp,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewStatus {
    /// Open again.
    Unresolved,
    /// Not worth looking at.
    Ignored,
    /// Mended, in that release where one is named.
    Resolved {
        /// Whole name of the release.
        in_release: Option<Untrusted>,
    },
    /// Mended in the release that comes after the newest.
    ResolvedInNextRelease,
}

/// What was decided about an issue beside its status.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Decided {
    /// Who has it.
    pub assignee: Option<Untrusted>,
    /// The newest comments, newest first.
    pub comments: Vec<Comment>,
}

/// A comment on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// When.
    pub at: Timestamp,
    /// What it says.
    pub text: Untrusted,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueUpdated {
    /// As it was.
    pub before: Issue,
    /// As it is.
    pub after: Issue,
    /// Whether the comment is kept.
    pub commented: bool,
    /// Whether the assignee is kept.
    pub assigned: bool,
    /// Facts that weaken it.
    pub warnings: Vec<&'static str>,
}
