//! What a signal store can be asked and told: two traits over plain data.
//! It uses `model` alone.
//! It never names a backend.

mod address;
mod answer;
mod commits;
mod diagnosis;
mod digest;
mod error;
mod feed;
mod field;
mod fix;
mod health;
mod hosted;
mod join;
mod lock;
mod project;
mod query;
mod replay;
mod search;
mod signals;
mod window;
mod write;

pub use address::{Named, WebAddress, WhichEvent};
pub use answer::*;
pub use commits::*;
pub use diagnosis::*;
pub use digest::*;
pub use error::StoreError;
pub use feed::*;
pub use fix::FixQuery;
pub use health::{Life, SeriesQuery, SessionSpan};
pub use hosted::*;
pub use join::{EntryUse, FailureKey, Join, Joined, PartRecord, ReportedFailure, StoredPart};
pub use lock::{Lock, Locked};
pub use project::ProjectDetails;
pub use query::*;
pub use replay::{ReplayAgent, ReplayFacts, ReplayQuery, SegmentFacts};
pub use search::{SearchError, parse_search};
pub use signals::{SignalKind, SignalQuery, Stat};
pub use window::{Window, WindowStart};
pub use write::*;

use std::sync::Arc;

use crate::model::{FixHistory, Issue, IssueId, Project, Timestamp, Untrusted};

/// What stands for all names past the most that a store tells apart: releases, environments, keys of tags, issues.
pub const OTHERS: &str = "(others)";

/// Reading: every tool asks through this.
///
/// All times are UTC; a scope's end is the moment that the answer speaks of. A call that is dropped stops its work.
#[async_trait::async_trait]
pub trait SignalStore: Send + Sync {
    /// Which kind of store answers, and how fresh.
    fn source(&self) -> Source;

    /// A view of this store for one call of a tool: it keeps the call's deadline, and its `source` says how fresh the
    /// oldest of what it answered was. `None`: the store itself will do.
    fn for_call(&self) -> Option<Arc<dyn SignalStore>> {
        None
    }

    /// The page of an issue for people, where the store has one.
    fn issue_url(&self, _issue: IssueId) -> Option<String> {
        None
    }

    /// Whether a pasted web address is of this store; nothing is answered about another's.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] says whose it is not.
    fn owns(&self, _address: &WebAddress) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether it reads searches itself, in a grammar of its own: `typed` of a query is for it.
    fn reads_search(&self) -> bool {
        false
    }

    /// A key for sealing cursors, the same in each process over this store; it never leaves the process.
    fn cursor_key(&self) -> Result<[u8; 32], StoreError>;

    /// Projects within the scope, by slug.
    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError>;

    /// Slugs of all projects, where no more need be asked for.
    async fn slugs(&self) -> Result<Vec<Untrusted>, StoreError> {
        let projects = self.projects(&Scope::default()).await?;
        Ok(projects.iter().map(|project| project.slug.as_str().into()).collect())
    }

    /// Releases within the scope, newest first by release order.
    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError>;

    /// Names of the environments seen in the scope.
    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError>;

    /// When each project of the scope last sent anything; a store that can't tell cheaply tells of none.
    async fn life(&self, _scope: &Scope) -> Result<Vec<Life>, StoreError> {
        Ok(Vec::new())
    }

    /// Names of all tags that events have; `None` where the store can't tell.
    async fn tag_keys(&self) -> Result<Option<Vec<Untrusted>>, StoreError> {
        Ok(None)
    }

    /// Issues within the scope that fit the query, sorted, one page.
    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError>;

    /// Which of the issues are mostly the consequence of an issue of another service within the scope's projects.
    async fn echoes(&self, _issues: &[IssueId], _scope: &Scope) -> Result<Vec<Echo>, StoreError> {
        Ok(Vec::new())
    }

    /// Requests of services that became slower, or fail more often, the worst first.
    async fn slowed(&self, _query: &SlowedQuery) -> Result<Vec<Slowed>, StoreError> {
        Ok(Vec::new())
    }

    /// Issues that somebody works on at that time.
    async fn held(&self, _now: Timestamp) -> Result<Vec<Claim>, StoreError> {
        Ok(Vec::new())
    }

    /// One issue and its numbers within the scope.
    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError>;

    /// One issue without its numbers, where they need not be asked for.
    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        Ok(self.issue(issue, scope).await?.issue)
    }

    /// One event.
    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError>;

    /// Who is affected by an issue, or by all issues of the scope.
    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError>;

    /// Events as a table: rows of fields, or groups with aggregates.
    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError>;

    /// Logs, spans, check-ins and other signal beside errors as a table.
    async fn signals(&self, _query: &SignalQuery) -> Result<Page<SearchRow>, StoreError> {
        Err(StoreError::Unsupported("this store answers about errors alone: leave kind out"))
    }

    /// Commits that came with releases. A store that is told of none has none.
    async fn commits(&self, _query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        Ok(Page { items: Vec::new(), total: None, more: false, warnings: Vec::new(), by_change: Vec::new() })
    }

    /// One replay, its segments' bytes aside.
    async fn replay(&self, _query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        Err(StoreError::Unsupported("this store has no replays"))
    }

    /// One segment of a replay as it was sent: header line and payload.
    async fn replay_segment(&self, _query: &ReplayQuery, _segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        Err(StoreError::Unsupported("this store has no replays"))
    }

    /// The history of an issue around a fix.
    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let _ = query;
        Err(StoreError::Unsupported("this store has no history to verify a fix with"))
    }

    /// A number that changes whenever the store does. To be asked of one opening of a store; cheap enough for each second.
    async fn data_version(&self) -> Result<u64, StoreError> {
        Err(StoreError::Unsupported("this store doesn't tell when it changes"))
    }

    /// Assignee and comments of an issue, where the store keeps any.
    async fn decided(&self, _issue: &IssueRef, _scope: &Scope) -> Result<Decided, StoreError> {
        Ok(Decided::default())
    }

    /// What a diagnosis of an issue looks at.
    async fn diagnosis(&self, _query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        Err(StoreError::Unsupported("this store does not count the frames of stacks"))
    }
}

/// Writing: ingestion and the commands that change a store.
#[async_trait::async_trait]
pub trait SignalSink: Send + Sync {
    /// Stores a digest. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the queue is full, [`StoreError::Full`] when the disk is.
    async fn write(&self, digest: Digest) -> Result<Receipt, StoreError>;

    /// The project of that slug, made if it doesn't exist.
    async fn ensure_project(&self, slug: &str) -> Result<Project, StoreError>;

    /// The project with that number or slug and, if given, that public key.
    async fn project_for_dsn(&self, project: &str, public_key: Option<&str>) -> Result<Project, StoreError>;

    /// The key from which pseudonyms are made; it never leaves the process.
    fn pseudonym_key(&self) -> [u8; 32];

    /// Drops what happened before `before`; returns how many events that were.
    async fn retain(&self, before: Timestamp) -> Result<u64, StoreError>;
}
