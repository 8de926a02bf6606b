//! Envelopes into the store, by the path that ingestion takes, counted.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, stream};

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    ingest::Ingest,
    protocol::{self, ClockPolicy},
    store::{ProjectKey, SignalSink, StoreError},
};

/// Envelopes that are on their way at once: enough to fill the writer's transactions.
const AT_ONCE: usize = 128;

/// What became of everything that was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Envelopes.
    pub envelopes: u64,
    /// Items that are stored now.
    pub stored: u64,
    /// Items that were there already.
    pub duplicates: u64,
    /// Items that are not stored, by type and reason.
    pub skipped: BTreeMap<(&'static str, &'static str), u64>,
    /// Envelopes that could not be read at all: where they came from, and why.
    pub refused: Vec<(String, String)>,
}

impl Tally {
    /// Counts another together with this one.
    pub fn add(&mut self, other: Self) {
        self.envelopes += other.envelopes;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        for (key, n) in other.skipped {
            *self.skipped.entry(key).or_default() += n;
        }
        self.refused.extend(other.refused);
    }
}

/// Takes envelopes in.
#[derive(Clone)]
pub struct Intake {
    store: Arc<EmbeddedStore>,
    ingest: Arc<Ingest>,
    /// The project that all go to, else each goes to its own.
    project: Option<String>,
}

impl Intake {
    /// Into a store.
    pub fn new(store: Arc<EmbeddedStore>, ingest: Ingest, project: Option<String>) -> Self {
        Self { store, ingest: Arc::new(ingest), project }
    }

    /// Takes all in; `progress` hears how many bytes are done.
    pub async fn all(
        &self,
        envelopes: impl Iterator<Item = (String, anyhow::Result<Vec<u8>>)>,
        progress: impl Fn(u64),
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut waiting = stream::iter(envelopes)
            .map(|(origin, body)| async move {
                let size = body.as_ref().map_or(0, Vec::len) as u64;
                (size, self.one(origin, body).await)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((size, done)) = waiting.next().await {
            tally.add(done?);
            progress(size);
        }
        Ok(tally)
    }

    async fn one(&self, origin: String, body: anyhow::Result<Vec<u8>>) -> Result<Tally, StoreError> {
        let refused = |why: String| Tally { envelopes: 1, refused: vec![(origin.clone(), why)], ..Tally::default() };
        let body = match body {
            Ok(body) => body,
            Err(error) => return Ok(refused(format!("{error:#}"))),
        };
        let project = match self.project_of(&body).await {
            Ok(project) => project,
            Err(error @ (StoreError::Invalid(_) | StoreError::NotFound { .. })) => {
                return Ok(refused(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let ingest = self.ingest.clone();
        let digested =
            tokio::task::spawn_blocking(move || ingest.envelope(&project, &body, parts::now(), ClockPolicy::AsSent));
        let ingested = match digested.await {
            Ok(Ok(ingested)) => ingested,
            Ok(Err(error)) => return Ok(refused(error.to_string())),
            Err(error) => return Err(StoreError::Engine { context: "taking an envelope apart", source: error.into() }),
        };
        let mut tally = Tally { envelopes: 1, ..Tally::default() };
        for outcome in &ingested.digest.outcomes {
            *tally.skipped.entry((outcome.item, outcome.reason)).or_default() += outcome.quantity;
        }
        let receipt = self.store.write(ingested.digest).await?;
        (tally.stored, tally.duplicates) = (receipt.stored, receipt.duplicates);
        Ok(tally)
    }

    /// The one named, else that of the DSN in the envelope's header, else `default`.
    async fn project_of(&self, body: &[u8]) -> Result<ProjectKey, StoreError> {
        let project = match (&self.project, protocol::dsn_of(body)) {
            (Some(slug), _) => self.store.ensure_project(slug).await?,
            (None, Some(dsn)) => match self.store.project_for_dsn(&dsn.project, None).await {
                Err(StoreError::NotFound { .. }) => self.store.ensure_project(&named(&dsn.project)).await?,
                found => found?,
            },
            (None, None) => self.store.ensure_project("default").await?,
        };
        Ok(ProjectKey::from(&project))
    }
}

/// The name of a project that a DSN knows by its number alone: a lone number is taken for one of this store's own.
fn named(project: &str) -> String {
    if project.bytes().all(|b| b.is_ascii_digit()) { format!("project-{project}") } else { project.to_owned() }
}
