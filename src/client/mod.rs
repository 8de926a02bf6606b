//! The one cache: in front of any store, and a store itself.
//! It uses `moka`, and below it `store` alone.
//! It never knows which store it wraps, and no key is made without the credential and the place.
//!
//! What can't change is kept long, what moves for seconds. Equal questions in flight are one. When the store fails,
//! what was known is served, with its age. That something is not there is believed for a moment.

mod answer;
mod call;
mod folder;
mod key;
mod life;
mod weigh;
mod write;

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{Expiry, future::Cache};

pub use folder::Folder;
pub use key::Identity;
pub use life::Lives;
pub use write::CachedWrite;

use crate::{
    model::{FixHistory, Issue, IssueId, Project, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, CommitQuery, DiagnosisFacts, DiagnosisQuery, EventFacts, EventQuery, FixQuery,
        IssueFacts, IssueQuery, IssueRef, Page, ReleaseCommit, ReleaseFacts, ReleaseQuery, ReplayFacts, ReplayQuery,
        Scope, SearchQuery, SearchRow, SegmentFacts, SignalStore, Source, StoreError,
    },
};
use call::Call;
use key::Key;

/// How the cache is set up.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes that answers may take, about.
    pub bytes: u64,
    /// How long what is kept.
    pub lives: Lives,
    /// How long one call of a tool may wait for the store, all its questions together.
    pub call_timeout: Duration,
    /// The moment that "now" means.
    pub now: fn() -> Timestamp,
}

impl Options {
    /// With what suits most.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self { bytes: 64 << 20, lives: Lives::default(), call_timeout: Duration::from_secs(10), now }
    }
}

/// A store with a cache in front.
#[derive(Clone)]
pub struct Cached {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Arc<dyn SignalStore>,
    identity: Identity,
    options: Options,
    /// What can't change is kept there across restarts.
    folder: Option<Folder>,
    /// Within their time.
    fresh: Cache<Key, Entry>,
    /// Past it, for when the store fails.
    known: Cache<Key, Entry>,
    /// Changes made so far: no answer to a question from before one is taken after it, whoever waits for it.
    writes: Arc<AtomicU64>,
}

/// An answer that is kept.
#[derive(Clone)]
struct Entry {
    answer: Kept,
    loaded: Instant,
    life: Duration,
    bytes: u32,
}

#[derive(Clone)]
enum Kept {
    Value(Arc<dyn Any + Send + Sync>),
    Failure(Arc<StoreError>),
}

struct ByLife;

impl Expiry<Key, Entry> for ByLife {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.life)
    }

    fn expire_after_update(&self, _: &Key, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.life)
    }
}

impl Cached {
    /// In front of a store that answers for one credential at one place.
    pub fn new(inner: Arc<dyn SignalStore>, identity: Identity, options: Options, folder: Option<Folder>) -> Self {
        let weigh = |_: &Key, entry: &Entry| entry.bytes;
        let fresh = Cache::builder().max_capacity(options.bytes / 2).weigher(weigh).expire_after(ByLife).build();
        let known = Cache::builder().max_capacity(options.bytes / 2).weigher(weigh).time_to_live(options.lives.stale);
        let shared = Shared { inner, identity, options, folder, fresh, known: known.build(), writes: Arc::default() };
        Self { shared: Arc::new(shared) }
    }

    /// In front of another store, for another credential, with the same memory.
    pub fn beside(&self, inner: Arc<dyn SignalStore>, identity: Identity) -> Self {
        let Shared { options, folder, fresh, known, writes, .. } = &*self.shared;
        let (folder, fresh, known, writes) = (folder.clone(), fresh.clone(), known.clone(), writes.clone());
        let shared = Shared { inner, identity, options: *options, folder, fresh, known, writes };
        Self { shared: Arc::new(shared) }
    }

    /// Forgets everything, as after a change.
    pub fn forget(&self) {
        self.shared.writes.fetch_add(1, Ordering::AcqRel);
        self.shared.fresh.invalidate_all();
        self.shared.known.invalidate_all();
    }

    /// Bytes that are taken, about.
    pub async fn size_bytes(&self) -> u64 {
        self.shared.fresh.run_pending_tasks().await;
        self.shared.known.run_pending_tasks().await;
        self.shared.fresh.weighted_size() + self.shared.known.weighted_size()
    }

    fn call(&self) -> Call {
        Call::new(self.clone())
    }
}

/// Each question alone is a call of its own; a tool asks through [`SignalStore::for_call`].
#[async_trait::async_trait]
impl SignalStore for Cached {
    fn source(&self) -> Source {
        self.shared.inner.source()
    }

    fn for_call(&self) -> Option<Arc<dyn SignalStore>> {
        Some(Arc::new(self.call()))
    }

    fn issue_url(&self, issue: IssueId) -> Option<String> {
        self.shared.inner.issue_url(issue)
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        self.shared.inner.cursor_key()
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        self.call().projects(scope).await
    }

    async fn slugs(&self) -> Result<Vec<Untrusted>, StoreError> {
        self.call().slugs().await
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        self.call().releases(query).await
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        self.call().environments(scope).await
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        self.call().issues(query).await
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        self.call().issue(issue, scope).await
    }

    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        self.call().bare_issue(issue, scope).await
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        self.call().event(query).await
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        self.call().affected(query).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        self.call().search(query).await
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        self.call().commits(query).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        self.call().diagnosis(query).await
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        self.call().replay(query).await
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        self.call().replay_segment(query, segment).await
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        self.call().fix_history(query).await
    }

    async fn data_version(&self) -> Result<u64, StoreError> {
        self.shared.inner.data_version().await
    }
}
