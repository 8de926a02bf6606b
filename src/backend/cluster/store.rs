//! The store as callers see it.
//! It uses the parts beside it.
//! It never answers from memory of an earlier answer.

use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;

use super::{
    clickhouse::ClickHouse,
    migrate,
    postgres::Postgres,
    read::Moment,
    write::{Forwarder, Queue},
};
use crate::{
    guard::{Pseudonyms, show_user},
    model::FixHistory,
    model::{Issue, Project, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, CommitQuery, Decided, DiagnosisFacts, DiagnosisQuery, EventFacts, EventQuery,
        Field, FixQuery, Freshness, IssueFacts, IssueQuery, IssueRef, Life, Page, ReleaseCommit, ReleaseFacts,
        ReleaseQuery, ReplayFacts, ReplayQuery, Scope, SearchQuery, SearchRow, SegmentFacts, SignalQuery, SignalStore,
        Source, StoreError, StoreKind, Term, Test,
    },
};

/// Most different names that senders may make; what comes after goes by `OTHERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Releases of a project.
    pub releases: u64,
    /// Issues of a project.
    pub issues: u64,
    /// Environments.
    pub environments: u64,
    /// Keys of tags.
    pub tag_keys: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { releases: 10_000, issues: 50_000, environments: 2_000, tag_keys: 2_000 }
    }
}

/// Where the databases are, and what may wait for them.
#[derive(Clone)]
pub struct Options {
    /// `http://user@host:8123/?database=name`.
    pub clickhouse: String,
    /// Its password.
    pub clickhouse_password: Option<String>,
    /// `postgres://user@host/database`.
    pub postgres: String,
    /// Its password.
    pub postgres_password: Option<String>,
    /// Bytes that may wait in this process; past them writes are refused as busy.
    pub queue_bytes: usize,
    /// Bytes that may wait in PostgreSQL for ClickHouse; past them writes are refused as busy.
    pub outbox_bytes: i64,
    /// Most different names that senders may make.
    pub caps: Caps,
}

impl Options {
    /// Usual limits for databases at these addresses.
    pub fn new(clickhouse: &str, postgres: &str) -> Self {
        Self {
            clickhouse: clickhouse.to_owned(),
            clickhouse_password: None,
            postgres: postgres.to_owned(),
            postgres_password: None,
            queue_bytes: 64 << 20,
            outbox_bytes: 1 << 30,
            caps: Caps::default(),
        }
    }
}

/// The store of several processes. Each process has its own opening; they agree through the databases alone.
pub struct ClusterStore {
    pub(super) databases: Arc<Databases>,
    pub(super) caps: Caps,
    outbox_bytes: i64,
    queue_bytes: usize,
    key: [u8; 32],
    queue: Mutex<Option<Queue>>,
}

/// Both databases.
pub(super) struct Databases {
    pub(super) postgres: Arc<Postgres>,
    /// Connections of the writer and of what hands blocks over: callers that hold all others must not stop them.
    pub(super) writing: Arc<Postgres>,
    pub(super) clickhouse: ClickHouse,
    /// For what names a user in a condition.
    pub(super) pseudonyms: Pseudonyms,
}

impl ClusterStore {
    /// Opens the store, whose tables are made if they aren't there.
    ///
    /// # Errors
    /// [`StoreError::Upstream`] where a database can't be reached, [`StoreError::Newer`] for the tables of a newer
    /// version.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let postgres = Arc::new(Postgres::new(&options.postgres, options.postgres_password.as_deref())?);
        let writing = Arc::new(Postgres::new(&options.postgres, options.postgres_password.as_deref())?);
        let url = Url::parse(&options.clickhouse)
            .map_err(|_| StoreError::Invalid("--clickhouse-url is no address such as http://user@host:8123/"))?;
        let clickhouse = ClickHouse::new(&url, options.clickhouse_password)?;
        let key = migrate::ready(&postgres.lend().await?, &clickhouse).await?;
        Ok(Self {
            databases: Arc::new(Databases { postgres, writing, clickhouse, pseudonyms: Pseudonyms::new(key) }),
            caps: options.caps,
            outbox_bytes: options.outbox_bytes,
            queue_bytes: options.queue_bytes,
            key,
            queue: Mutex::new(None),
        })
    }

    pub(super) fn key(&self) -> [u8; 32] {
        self.key
    }

    /// The queue of this process's writer, started with the first write.
    pub(super) fn queue(&self) -> Queue {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().filter(|queue| queue.is_open()) {
            Some(queue) => queue.clone(),
            None => queue
                .insert(Queue::start(Arc::clone(&self.databases), self.caps, self.queue_bytes, self.outbox_bytes))
                .clone(),
        }
    }

    /// Hands over everything that was committed before, until ClickHouse has it.
    ///
    /// # Errors
    /// Those of the databases.
    pub async fn settle(&self) -> Result<(), StoreError> {
        Forwarder::new(Arc::clone(&self.databases)).all().await
    }

    /// Hands over what is committed, this process's and what others left, for as long as it is awaited.
    pub async fn forward(&self) {
        Forwarder::new(Arc::clone(&self.databases)).run().await;
    }

    /// Users in conditions by their pseudonyms: an id, name or address as it was sent becomes the one made of it.
    fn named_users(&self, filter: &mut [Term]) -> Result<(), StoreError> {
        for term in filter {
            let Test::Field { field: Field::User, values, .. } = &mut term.test else { continue };
            for value in values.iter_mut().filter(|value| !value.raw().starts_with("user-")) {
                if value.raw().contains('*') {
                    return Err(StoreError::Invalid(
                        "users are kept as pseudonyms such as user-7f3a91c04b2d: name one whole id, or a pseudonym, \
                         but no part of an address",
                    ));
                }
                *value = show_user(&self.databases.pseudonyms.user(value)).into();
            }
        }
        Ok(())
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Moment) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Moment::answer(Arc::clone(&self.databases), work).await
    }
}

/// What a question is answered while no SQL answers it.
fn not_yet<T>(what: &'static str) -> Result<T, StoreError> {
    Err(StoreError::Unsupported(what))
}

#[async_trait::async_trait]
impl SignalStore for ClusterStore {
    fn source(&self) -> Source {
        Source { store: StoreKind::Cluster, freshness: Freshness::Live, age_s: 0 }
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key)
            .map_err(|error| StoreError::Engine { context: "the cursor key", source: Box::new(error) })?;
        mac.update(b"cursor");
        Ok(mac.finalize().into_bytes().into())
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let scope = scope.clone();
        self.read(move |moment| moment.projects(&scope)).await
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        let query = query.clone();
        self.read(move |moment| crate::answers::releases(moment, &query)).await
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let scope = scope.clone();
        self.read(move |moment| crate::answers::environments(moment, &scope)).await
    }

    async fn life(&self, scope: &Scope) -> Result<Vec<Life>, StoreError> {
        let scope = scope.clone();
        self.read(move |moment| crate::answers::life(moment, &scope)).await
    }

    async fn tag_keys(&self) -> Result<Option<Vec<Untrusted>>, StoreError> {
        self.read(|moment| moment.tag_names()).await.map(Some)
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let mut query = query.clone();
        self.named_users(&mut query.filter)?;
        self.read(move |moment| crate::answers::issues(moment, &query)).await
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        let (issue, scope) = (issue.clone(), scope.clone());
        self.read(move |moment| crate::answers::issue(moment, &issue, &scope)).await
    }

    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        let (issue, scope) = (issue.clone(), scope.clone());
        self.read(move |moment| moment.bare_issue(&issue, &scope)).await
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.event(&query)).await
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.affected(&query)).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let mut query = query.clone();
        self.named_users(&mut query.filter)?;
        self.read(move |moment| moment.search(&query)).await
    }

    async fn signals(&self, _query: &SignalQuery) -> Result<Page<SearchRow>, StoreError> {
        not_yet("the cluster store does not answer about logs, spans and other signal beside errors yet")
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.commits(&query)).await
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.fix_history(&query)).await
    }

    async fn decided(&self, issue: &IssueRef, scope: &Scope) -> Result<Decided, StoreError> {
        let (issue, scope) = (issue.clone(), scope.clone());
        self.read(move |moment| moment.decided(&issue, &scope)).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.diagnosis(&query)).await
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.replay(&query)).await
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        let query = query.clone();
        self.read(move |moment| moment.replay_segment(&query, segment)).await
    }

    async fn data_version(&self) -> Result<u64, StoreError> {
        self.read(|moment| moment.data_version()).await
    }
}
