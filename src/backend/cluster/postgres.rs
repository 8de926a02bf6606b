//! Connections to PostgreSQL, a few for all callers.
//! It uses `tokio_postgres`.
//! It never gives a connection out again that failed.

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Config, NoTls};

use super::fault::unreachable_postgres;
use crate::store::StoreError;

/// Connections of one process at most.
const CONNECTIONS: usize = 8;
/// Longest that a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest that a statement may take, as PostgreSQL is told.
const PATIENCE: &str = "-c statement_timeout=30000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=60000";

/// The pool.
pub(super) struct Postgres {
    config: Config,
    idle: Mutex<Vec<Arc<Client>>>,
    permits: Arc<Semaphore>,
}

/// A connection that one caller has.
pub(super) struct Lent {
    client: Arc<Client>,
    pool: Arc<Postgres>,
    /// Within a transaction, or after one whose end is not known.
    open: AtomicBool,
    _permit: OwnedSemaphorePermit,
}

impl Postgres {
    /// A pool for a URL such as `postgres://user@host/database`; nothing is opened yet.
    pub(super) fn new(url: &str, password: Option<&str>) -> Result<Self, StoreError> {
        let mut config = Config::from_str(url)
            .map_err(|_| StoreError::Invalid("--postgres-url is no address such as postgres://user@host/database"))?;
        if let Some(password) = password {
            config.password(password);
        }
        config.connect_timeout(CONNECT).options(PATIENCE).application_name("prodsignal");
        Ok(Self { config, idle: Mutex::default(), permits: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// A connection; it goes back when it is dropped, unless it is closed or within a transaction.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| unreachable_postgres())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let client = match idle.filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.open().await?,
        };
        Ok(Lent { client, pool: Arc::clone(self), open: AtomicBool::new(false), _permit: permit })
    }

    async fn open(&self) -> Result<Arc<Client>, StoreError> {
        let (client, connection) = self.config.connect(NoTls).await?;
        // Ends when the client is dropped, or when PostgreSQL goes: then the client says so itself.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Arc::new(client))
    }
}

impl Lent {
    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        self.open.store(true, Ordering::Relaxed);
        Ok(self.client.batch_execute("BEGIN").await?)
    }

    /// Begins a transaction that reads, all of it from one moment.
    pub(super) async fn begin_reading(&self) -> Result<(), StoreError> {
        self.open.store(true, Ordering::Relaxed);
        Ok(self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    /// Ends the transaction. When this returns, it is on disk.
    pub(super) async fn commit(&self) -> Result<(), StoreError> {
        self.client.batch_execute("COMMIT").await?;
        self.open.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl std::ops::Deref for Lent {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // One that is still within a transaction ends with its connection.
        if !self.open.load(Ordering::Relaxed) && !self.client.is_closed() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.client));
        }
    }
}
