//! One answer in the making: its connection, and what was counted already.
//! It uses tokio's threads for blocking work.
//! It never goes on for a caller that has gone.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio_postgres::{Row, types::ToSql};

use crate::{
    answers::{Counts, DayCount},
    backend::cluster::{postgres::Lent, store::Databases},
    store::StoreError,
};

/// What an answer is made with. PostgreSQL is read at one moment; ClickHouse's rows of the last second may be in one of
/// its answers and not in another.
pub(in crate::backend::cluster) struct Moment {
    pub(super) databases: Arc<Databases>,
    lent: Lent,
    handle: Handle,
    stopped: Arc<AtomicBool>,
    /// Whether one question is asked for many issues: then counts are of all of them at once.
    pub(super) many: bool,
    /// Counts of all issues, by what was counted.
    pub(super) counted: HashMap<String, HashMap<i64, Counts>>,
    /// Cells of the day that the scope's start cuts, by what was asked.
    pub(super) cut: HashMap<String, HashMap<i64, Vec<DayCount>>>,
}

/// Tells the thread that nobody waits any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Moment {
    /// Makes an answer on a thread for blocking work.
    pub(in crate::backend::cluster) async fn answer<T: Send + 'static>(
        databases: Arc<Databases>,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lent = databases.postgres.lend().await?;
        lent.begin_reading().await?;
        let (handle, stopped) = (Handle::current(), Arc::new(AtomicBool::new(false)));
        let _stop = Stop(Arc::clone(&stopped));
        let task = tokio::task::spawn_blocking(move || {
            let (counted, cut) = (HashMap::new(), HashMap::new());
            let mut moment = Self { databases, lent, handle, stopped, many: false, counted, cut };
            let answer = work(&mut moment)?;
            moment.handle.block_on(moment.lent.commit())?;
            Ok(answer)
        });
        task.await.map_err(|error| StoreError::Engine { context: "answering", source: Box::new(error) })?
    }

    /// Fails once nobody waits for the answer.
    pub(super) fn still_asked(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::Relaxed) { Err(StoreError::Cancelled) } else { Ok(()) }
    }

    /// Rows of PostgreSQL.
    pub(super) fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        self.still_asked()?;
        Ok(self.handle.block_on(self.lent.query(sql, parameters))?)
    }

    /// One row of PostgreSQL, or none.
    pub(super) fn row(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        self.still_asked()?;
        Ok(self.handle.block_on(self.lent.query_opt(sql, parameters))?)
    }

    /// Rows of ClickHouse.
    pub(super) fn facts<T: DeserializeOwned>(&self, sql: &str) -> Result<Vec<T>, StoreError> {
        self.still_asked()?;
        self.handle.block_on(self.databases.clickhouse.rows(sql))
    }

    /// One row of ClickHouse, or none.
    pub(super) fn fact<T: DeserializeOwned>(&self, sql: &str) -> Result<Option<T>, StoreError> {
        Ok(self.facts(sql)?.into_iter().next())
    }
}
