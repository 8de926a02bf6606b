//! Envelopes into the store, by the path that ingestion takes, counted.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, stream};

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    config::Settings,
    ingest::Ingest,
    protocol::{self, ClockPolicy},
    store::{Digest, ProjectKey, SignalSink, StoreError},
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

/// An envelope on its way in.
pub struct Incoming {
    /// Where it came from, for whoever reads what was refused.
    pub origin: String,
    /// The envelope, or why it could not be read.
    pub body: anyhow::Result<Vec<u8>>,
    /// Whether a store of this program exported it, so that pseudonyms in it are its own.
    pub exported: bool,
}

/// What an envelope came to.
enum Apart {
    Digest(Digest),
    Refused { origin: String, why: String },
}

/// Takes envelopes in.
#[derive(Clone)]
pub struct Intake {
    store: Arc<EmbeddedStore>,
    ingest: Arc<Ingest>,
    /// For what was exported.
    returning: Arc<Ingest>,
    /// The project that all go to, else each goes to its own.
    project: Option<String>,
}

impl Intake {
    /// Into a store.
    pub fn new(settings: &Settings, store: &Arc<EmbeddedStore>, project: Option<String>) -> Self {
        Self {
            store: store.clone(),
            ingest: Arc::new(parts::ingest(settings, store)),
            returning: Arc::new(parts::returning(settings, store)),
            project,
        }
    }

    /// Takes all in; `progress` hears how many bytes are done. Many are taken apart at once, and stored in the order that
    /// they came: the same envelopes make the same issues with the same names.
    pub async fn all(
        &self,
        envelopes: impl Iterator<Item = Incoming>,
        progress: impl Fn(u64),
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut batches = stream::iter(envelopes)
            .map(|incoming| async move {
                let size = incoming.body.as_ref().map_or(0, Vec::len) as u64;
                (size, self.apart(incoming).await)
            })
            .buffered(AT_ONCE)
            .ready_chunks(AT_ONCE);
        while let Some(batch) = batches.next().await {
            let (mut digests, mut bytes) = (Vec::new(), 0);
            for (size, apart) in batch {
                bytes += size;
                match apart? {
                    Apart::Digest(digest) => digests.push(digest),
                    Apart::Refused { origin, why } => {
                        tally.add(Tally { envelopes: 1, refused: vec![(origin, why)], ..Tally::default() });
                    }
                }
            }
            tally.add(self.stored(digests).await?);
            progress(bytes);
        }
        Ok(tally)
    }

    /// Takes an envelope apart.
    async fn apart(&self, incoming: Incoming) -> Result<Apart, StoreError> {
        let Incoming { origin, body, exported } = incoming;
        let body = match body {
            Ok(body) => body,
            Err(error) => return Ok(Apart::Refused { origin, why: format!("{error:#}") }),
        };
        let project = match self.project_of(&body).await {
            Ok(project) => project,
            Err(error @ (StoreError::Invalid(_) | StoreError::NotFound { .. })) => {
                return Ok(Apart::Refused { origin, why: error.to_string() });
            }
            Err(error) => return Err(error),
        };
        let ingest = if exported { self.returning.clone() } else { self.ingest.clone() };
        let digested =
            tokio::task::spawn_blocking(move || ingest.envelope(&project, &body, parts::now(), ClockPolicy::AsSent));
        match digested.await {
            Ok(Ok(ingested)) => Ok(Apart::Digest(ingested.digest)),
            Ok(Err(error)) => Ok(Apart::Refused { origin, why: error.to_string() }),
            Err(error) => Err(StoreError::Engine { context: "taking an envelope apart", source: error.into() }),
        }
    }

    /// Stores what came of envelopes, in their order.
    async fn stored(&self, digests: Vec<Digest>) -> Result<Tally, StoreError> {
        let mut tally = Tally { envelopes: digests.len() as u64, ..Tally::default() };
        for outcome in digests.iter().flat_map(|digest| &digest.outcomes) {
            *tally.skipped.entry((outcome.item, outcome.reason)).or_default() += outcome.quantity;
        }
        for receipt in self.store.write_in_order(digests).await? {
            tally.stored += receipt.stored;
            tally.duplicates += receipt.duplicates;
        }
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
