//! Blocks on their way from PostgreSQL to ClickHouse: each once, whatever fails in between.
//! It uses `tokio_postgres` and ClickHouse's tokens.
//! It never changes a block, and never deletes one that ClickHouse has not taken.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    backend::cluster::{clickhouse::Fault, store::Databases},
    store::StoreError,
};

/// How long a block is another's: past it, that process is taken for dead.
const LEASE_S: f64 = 30.0;
/// How often it is looked for blocks that other processes left.
const LOOK: Duration = Duration::from_secs(1);
/// Wait after a failure, at first and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// A block that this process holds.
struct Block {
    id: i64,
    destination: String,
    token: String,
    bytes: Vec<u8>,
}

/// Hands blocks over. Any number may run at once, in any process.
pub(in crate::backend::cluster) struct Forwarder {
    databases: Arc<Databases>,
    woken: Notify,
}

impl Forwarder {
    pub(in crate::backend::cluster) fn new(databases: Arc<Databases>) -> Self {
        Self { databases, woken: Notify::new() }
    }

    /// Says that there are new blocks.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Hands over whatever comes.
    pub(in crate::backend::cluster) async fn run(&self) {
        let mut wait = BACK_OFF[0];
        loop {
            match self.one().await {
                Ok(true) => wait = BACK_OFF[0],
                Ok(false) => {
                    let _ = tokio::time::timeout(LOOK, self.woken.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "blocks wait for ClickHouse");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(BACK_OFF[1]);
                }
            }
        }
    }

    /// Hands over all that there is, waiting for what others hold.
    pub(in crate::backend::cluster) async fn all(&self) -> Result<(), StoreError> {
        loop {
            while self.one().await? {}
            let lent = self.databases.writing.lend().await?;
            let left: bool = lent.query_one("SELECT EXISTS(SELECT 1 FROM outbox)", &[]).await?.get(0);
            if !left {
                return Ok(());
            }
            drop(lent);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Hands one block over; false if none is free.
    async fn one(&self) -> Result<bool, StoreError> {
        let Some(block) = self.take().await? else { return Ok(false) };
        let Block { id, destination, token, bytes } = block;
        match self.databases.clickhouse.insert(&destination, &token, bytes).await {
            Ok(()) => {
                let lent = self.databases.writing.lend().await?;
                lent.execute("DELETE FROM outbox WHERE id=$1", &[&id]).await?;
                Ok(true)
            }
            Err(fault) => {
                // Free for the next try, which may be another process's.
                let lent = self.databases.writing.lend().await?;
                lent.execute("UPDATE outbox SET lease=NULL WHERE id=$1", &[&id]).await?;
                if let Fault::Refused(said) = &fault {
                    tracing::error!(said, destination, "ClickHouse refuses a block; it is kept and tried again");
                }
                Err(fault.into())
            }
        }
    }

    async fn take(&self) -> Result<Option<Block>, StoreError> {
        let lent = self.databases.writing.lend().await?;
        let sql = "UPDATE outbox SET lease=now()+make_interval(secs => $1) WHERE id=(
                     SELECT id FROM outbox WHERE lease IS NULL OR lease<now() ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
                   RETURNING id, destination, token, block";
        let row = lent.query_opt(sql, &[&LEASE_S]).await?;
        Ok(row.map(|row| Block { id: row.get(0), destination: row.get(1), token: row.get(2), bytes: row.get(3) }))
    }
}
