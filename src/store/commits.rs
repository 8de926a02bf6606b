//! Commits of releases: asked for between the last release without a bug and the first with it.

use super::Scope;
use crate::model::{Timestamp, Untrusted};

/// A commit, as the one who announced the release told it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Commit {
    /// Its hash.
    pub id: Untrusted,
    /// Name of the repository.
    pub repository: Option<Untrusted>,
    /// Name of who wrote it.
    pub author: Option<Untrusted>,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// What it says.
    pub message: Option<Untrusted>,
    /// Files that it changed, where that was told.
    pub files: Vec<ChangedFile>,
}

/// One file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path within the repository.
    pub path: Untrusted,
    /// `A` added, `M` changed, `D` deleted.
    pub kind: char,
}

/// A commit and the release that it came with.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseCommit {
    /// Name of the release.
    pub release: Untrusted,
    /// The commit.
    pub commit: Commit,
}

/// Asks for the commits of the releases after `after`, up to and including `upto`, in release order.
#[derive(Clone, Debug, PartialEq, Default, Hash)]
pub struct CommitQuery {
    /// Where.
    pub scope: Scope,
    /// The last release that is not wanted; `None`: those of `upto` alone.
    pub after: Option<Untrusted>,
    /// The last that is.
    pub upto: Untrusted,
    /// At most so many, the newest release's first, within a release as they were told.
    pub limit: usize,
}
