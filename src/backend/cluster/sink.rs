//! Writing, as callers see it.
//! It uses the writer's queue.
//! It never answers before PostgreSQL has it on disk.

use super::{ClusterStore, fault::corrupt, postgres::Lent, write::gone};
use crate::{
    answers::{SLUG_RULE, is_slug, moment, same_key},
    model::{Project, Timestamp},
    store::{Digest, Receipt, SignalSink, StoreError},
};

/// The columns that [`project_of`] reads.
pub(super) const COLUMNS: &str = "id, slug, name, public_key, platform, last_event";

/// A row as a project.
pub(super) fn project_of(row: &tokio_postgres::Row) -> Project {
    Project {
        id: row.get::<_, i64>(0) as u64,
        slug: row.get(1),
        name: row.get::<_, String>(2).into(),
        public_key: row.get(3),
        platform: row.get::<_, Option<String>>(4).map(Into::into),
        last_event: row.get::<_, Option<i64>>(5).map(moment),
    }
}

/// Held while a project is made.
const LOCK: i64 = 0x7072_6f64_7369_6770;

impl ClusterStore {
    /// Writes digests one after another: the same ones make the same issues with the same names.
    ///
    /// # Errors
    /// Those of the databases; what came before the failure is written.
    pub async fn write_in_order(&self, digests: Vec<Digest>) -> Result<Vec<Receipt>, StoreError> {
        let queue = self.queue();
        let mut receipts = Vec::with_capacity(digests.len());
        let mut waiting = std::collections::VecDeque::new();
        for digest in digests {
            // What fills the queue is waited for.
            while !queue.has_room(&digest) && !waiting.is_empty() {
                receipts.extend(answered(waiting.pop_front()).await?);
            }
            waiting.push_back(queue.write(digest)?);
        }
        while !waiting.is_empty() {
            receipts.extend(answered(waiting.pop_front()).await?);
        }
        Ok(receipts)
    }

    async fn project_named(&self, lent: &Lent, slug: &str) -> Result<Option<Project>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM project WHERE slug=$1");
        Ok(lent.query_opt(&sql, &[&slug]).await?.as_ref().map(project_of))
    }
}

type Waiting = tokio::sync::oneshot::Receiver<Result<Receipt, StoreError>>;

async fn answered(waiting: Option<Waiting>) -> Result<Option<Receipt>, StoreError> {
    match waiting {
        Some(waiting) => waiting.await.map_err(|_| gone())?.map(Some),
        None => Ok(None),
    }
}

#[async_trait::async_trait]
impl SignalSink for ClusterStore {
    async fn write(&self, digest: Digest) -> Result<Receipt, StoreError> {
        let waiting = self.queue().write(digest)?;
        waiting.await.map_err(|_| gone())?
    }

    async fn ensure_project(&self, slug: &str) -> Result<Project, StoreError> {
        let lent = self.databases.postgres.lend().await?;
        if let Some(known) = self.project_named(&lent, slug).await? {
            return Ok(known);
        }
        if !is_slug(slug) {
            return Err(StoreError::Invalid(SLUG_RULE));
        }
        let mut key = [0; 16];
        getrandom::fill(&mut key)
            .map_err(|error| StoreError::Engine { context: "random bytes", source: error.into() })?;
        let key = format!("{:032x}", u128::from_be_bytes(key));
        lent.begin().await?;
        lent.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let sql = "INSERT INTO project(id, slug, name, public_key)
                   SELECT 1+coalesce(max(id), 0), $1, $1, $2 FROM project ON CONFLICT DO NOTHING";
        lent.execute(sql, &[&slug, &key]).await?;
        let made = self.project_named(&lent, slug).await?;
        lent.commit().await?;
        made.ok_or_else(|| corrupt("project"))
    }

    async fn project_for_dsn(&self, project: &str, public_key: Option<&str>) -> Result<Project, StoreError> {
        let lent = self.databases.postgres.lend().await?;
        let sql = format!("SELECT {COLUMNS} FROM project WHERE id=$1 OR slug=$2");
        let found = lent.query_opt(&sql, &[&project.parse::<i64>().ok(), &project]).await?;
        match found.as_ref().map(project_of) {
            Some(found) if public_key.is_none_or(|key| same_key(key, &found.public_key)) => Ok(found),
            Some(_) => Err(StoreError::Forbidden("the public key is not this project's")),
            // Whoever sends without a key learns no names.
            None => Err(StoreError::NotFound { what: "project", asked: project.into(), near: Vec::new() }),
        }
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        self.key()
    }

    async fn retain(&self, before: Timestamp) -> Result<u64, StoreError> {
        let _ = before;
        Err(StoreError::Unsupported("the cluster store does not drop what is past the retention yet"))
    }
}
