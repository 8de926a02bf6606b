//! The store as callers see it.
//! It uses the parts beside it.
//! It never opens a connection before somebody asks.

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    thread::JoinHandle,
};

use hmac::{Hmac, KeyInit, Mac};

use super::{
    changes::Changes,
    files::Files,
    read::{Pool, Snapshot},
    write::{Caps, Joining, Queue, start},
};
use crate::{
    guard::{Pseudonyms, Scrubber, show_user},
    model::{FixHistory, IssueId, Project, Timestamp, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, Claim, CommitQuery, Decided, DiagnosisFacts, DiagnosisQuery, Echo, EventFacts,
        EventQuery, FeedStore, Field, FixQuery, Freshness, IssueFacts, IssueQuery, IssueRef, Join, Life, Page,
        ReleaseCommit, ReleaseFacts, ReleaseQuery, ReplayFacts, ReplayQuery, Scope, SearchQuery, SearchRow,
        SegmentFacts, SignalQuery, SignalStore, Slowed, SlowedQuery, Source, StoreError, StoreKind, Term, Test,
    },
};

/// What a store may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes that may wait for the writer; past them writes are refused as busy.
    pub queue_bytes: usize,
    /// Events that may wait to be folded into counts; reading slows with them.
    pub unfolded_events: u64,
    /// Most different names that senders may make.
    pub caps: Caps,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue_bytes: 32 << 20, unfolded_events: 2_000, caps: Caps::default() }
    }
}

/// A store in a folder of this machine. Several processes may use one folder at once.
pub struct EmbeddedStore {
    pub(super) files: Files,
    pub(super) key: [u8; 32],
    options: Options,
    pub(super) pool: Arc<Pool>,
    pub(super) queue: Arc<Queue>,
    /// Held while a bundle is put together.
    pub(super) assembling: tokio::sync::Mutex<()>,
    /// Whether a map was ever seen.
    pub(super) has_maps: AtomicBool,
    /// Maps that were needed since the last retention.
    pub(super) used_maps: Mutex<HashSet<i64>>,
    /// Ids of symbols that were needed since the last retention.
    pub(super) used_symbols: Mutex<HashSet<String>>,
    changes: Changes,
    /// Once something makes events of traces.
    joining: Arc<OnceLock<Joining>>,
    /// The writer's thread, once something was written.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedStore {
    /// Opens the store in a folder, which is made if it isn't there.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where the folder can't be used or others may write to it, [`StoreError::Newer`] for
    /// the store of a newer version.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let files = Files::open(path)?;
        let key = files.pseudonym_key(|| super::backup::kept_key(&files))?;
        let pool = Arc::new(Pool::new(files.clone(), Scrubber::new(Pseudonyms::new(key))));
        if files.database().exists() {
            pool.ready()?;
        }
        let queue = Arc::new(Queue::new(options.queue_bytes));
        let changes = Changes::of(files.clone());
        Ok(Self {
            files,
            key,
            options,
            pool,
            queue,
            changes,
            joining: Arc::default(),
            assembling: tokio::sync::Mutex::default(),
            has_maps: AtomicBool::new(false),
            used_maps: Mutex::default(),
            used_symbols: Mutex::default(),
            writer: Mutex::new(None),
        })
    }

    /// Removes a store's files from a folder, and the folder if nothing else is in it.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where the files can't be removed.
    pub fn remove(path: &Path) -> Result<(), StoreError> {
        Files::remove(path)
    }

    /// Has the events of traces made by `join`. Of traces without a failure so many spans and logs are kept a day and
    /// project, and one trace in a hundred past that; 0: none. The first call counts.
    pub fn join_with(&self, join: Arc<dyn Join>, keep_lines: u64) {
        let _ = self.joining.set(Joining { join, keep_lines });
    }

    pub(super) fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Starts the writer with the first write.
    pub(super) fn need_writer(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            self.pool.ready()?;
            *writer = Some(start(
                &self.files,
                Arc::clone(&self.queue),
                self.options.unfolded_events,
                self.options.caps,
                Arc::clone(&self.joining),
            )?);
        }
        Ok(())
    }

    /// Users in conditions by their pseudonyms: an id, name or address as it was sent becomes the one made of it.
    fn named_users(&self, filter: &mut [Term]) -> Result<(), StoreError> {
        let pseudonyms = Pseudonyms::new(self.key);
        for term in filter {
            let Test::Field { field: Field::User, values, .. } = &mut term.test else { continue };
            for value in values.iter_mut().filter(|value| !value.raw().starts_with("user-")) {
                if value.raw().contains('*') {
                    return Err(StoreError::Invalid(
                        "users are kept as pseudonyms such as user-7f3a91c04b2d: name one whole id, or a pseudonym, \
                         but no part of an address",
                    ));
                }
                *value = show_user(&pseudonyms.user(value)).into();
            }
        }
        Ok(())
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.files.size_bytes()
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.pool.read(work).await
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // What was accepted is committed before the store is gone; a panic there has been reported already.
            let _ = writer.join();
        }
    }
}

#[async_trait::async_trait]
impl SignalStore for EmbeddedStore {
    fn source(&self) -> Source {
        Source { store: StoreKind::Embedded, freshness: Freshness::Live, age_s: 0 }
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key)
            .map_err(|error| StoreError::Engine { context: "the cursor key", source: Box::new(error) })?;
        mac.update(b"cursor");
        Ok(mac.finalize().into_bytes().into())
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let scope = scope.clone();
        self.read(move |snapshot| snapshot.projects(&scope)).await
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.releases(&query)).await
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let scope = scope.clone();
        self.read(move |snapshot| snapshot.environments(&scope)).await
    }

    async fn life(&self, scope: &Scope) -> Result<Vec<Life>, StoreError> {
        let scope = scope.clone();
        self.read(move |snapshot| snapshot.life(&scope)).await
    }

    async fn tag_keys(&self) -> Result<Option<Vec<Untrusted>>, StoreError> {
        self.read(move |snapshot| snapshot.tag_names()).await.map(Some)
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let mut query = query.clone();
        self.named_users(&mut query.filter)?;
        self.read(move |snapshot| snapshot.issues(&query)).await
    }

    async fn slowed(&self, query: &SlowedQuery) -> Result<Vec<Slowed>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.slowed(&query)).await
    }

    async fn echoes(&self, issues: &[IssueId], scope: &Scope) -> Result<Vec<Echo>, StoreError> {
        let (issues, scope) = (issues.to_vec(), scope.clone());
        self.read(move |snapshot| snapshot.echoes(&issues, &scope)).await
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        let (issue, scope) = (issue.clone(), scope.clone());
        self.read(move |snapshot| snapshot.issue(&issue, &scope)).await
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.event(&query)).await
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.affected(&query)).await
    }

    async fn decided(&self, issue: &IssueRef, scope: &Scope) -> Result<Decided, StoreError> {
        let (issue, scope) = (issue.clone(), scope.clone());
        self.read(move |snapshot| snapshot.decided(&issue, &scope)).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.diagnosis(&query)).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let mut query = query.clone();
        self.named_users(&mut query.filter)?;
        self.read(move |snapshot| snapshot.search(&query)).await
    }

    async fn signals(&self, query: &SignalQuery) -> Result<Page<SearchRow>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.signals(&query)).await
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.commits(&query)).await
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.replay(&query)).await
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.replay_segment(&query, segment)).await
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.fix_history(&query)).await
    }

    async fn held(&self, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
        FeedStore::claims(self, now).await
    }

    async fn data_version(&self) -> Result<u64, StoreError> {
        let pool = Arc::clone(&self.pool);
        self.changes.version(pool).await
    }
}
