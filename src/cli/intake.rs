//! Envelopes into the store, by the path that ingestion takes, counted.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, stream};

use super::parts;
use crate::{
    backend::embedded::{EmbeddedStore, TransferRecord},
    config::Settings,
    guard::Pseudonyms,
    ingest::Ingest,
    protocol::{self, ClockPolicy},
    store::{Digest, ProjectKey, Receipt, Record, SignalSink, StoreError},
};

/// Envelopes that are on their way at once: enough to fill the writer's transactions.
const AT_ONCE: usize = 128;
/// Records of an export that are stored at once, but for the files of one upload, which stay together.
const RECORDS: usize = 500;

/// What became of everything that was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Envelopes.
    pub envelopes: u64,
    /// Items that are stored now.
    pub stored: u64,
    /// Items that were there already.
    pub duplicates: u64,
    /// What an export told beside its envelopes.
    pub records: u64,
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
        self.records += other.records;
        for (key, n) in other.skipped {
            *self.skipped.entry(key).or_default() += n;
        }
        self.refused.extend(other.refused);
    }
}

/// Something on its way in.
pub struct Incoming {
    /// Where it came from, for whoever reads what was refused.
    pub origin: String,
    /// What came, or why it could not be read.
    pub content: anyhow::Result<Content>,
    /// Whether a store of this program exported it, so that pseudonyms in it are its own.
    pub exported: bool,
}

/// What comes in.
pub enum Content {
    /// An envelope.
    Envelope {
        /// As it was sent.
        body: Vec<u8>,
        /// What an export says of it.
        of: ExportedFacts,
    },
    /// What an export tells beside envelopes.
    Record(Box<TransferRecord>),
}

/// What an export says of an envelope.
#[derive(Clone, Debug, Default)]
pub struct ExportedFacts {
    /// The pseudonym of whose it is.
    pub user: Option<String>,
    /// The hash that the events of its issue share.
    pub group: Option<u128>,
    /// Whether nobody asked for what failed.
    pub unattended: bool,
}

/// What an envelope came to.
enum Apart {
    Digest(Digest),
    Record { origin: String, record: Box<TransferRecord> },
    Refused { origin: String, why: String },
}

/// A store that takes in whole histories.
#[async_trait::async_trait]
pub trait Store: SignalSink {
    /// Writes digests in their order.
    async fn write_in_order(&self, digests: Vec<Digest>) -> Result<Vec<Receipt>, StoreError>;

    /// Keeps records of an export, in their order; returns the places of those that can't be kept, and why.
    async fn restore(&self, records: Vec<TransferRecord>) -> Result<Vec<(usize, String)>, StoreError>;
}

#[async_trait::async_trait]
impl Store for EmbeddedStore {
    async fn write_in_order(&self, digests: Vec<Digest>) -> Result<Vec<Receipt>, StoreError> {
        Self::write_in_order(self, digests).await
    }

    async fn restore(&self, records: Vec<TransferRecord>) -> Result<Vec<(usize, String)>, StoreError> {
        Self::restore(self, records).await
    }
}

/// Takes envelopes in.
#[derive(Clone)]
pub struct Intake {
    store: Arc<dyn Store>,
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

    /// Into any store, taken apart by these.
    #[cfg(feature = "cluster")]
    pub fn over(store: Arc<dyn Store>, ingest: Ingest, returning: Ingest, project: Option<String>) -> Self {
        Self { store, ingest: Arc::new(ingest), returning: Arc::new(returning), project }
    }

    /// Takes all in; `progress` hears how many bytes are done. Many are taken apart at once, and stored in the order that
    /// they came: the same envelopes make the same issues with the same names.
    pub async fn all(
        &self,
        incoming: impl Iterator<Item = Incoming>,
        progress: impl Fn(u64),
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut incoming = incoming.peekable();
        // Before anything is of them, so that they keep their numbers and keys.
        while let Some(project) = incoming.next_if(is_project) {
            tally.add(self.kept(&mut vec![self.apart(project).await?]).await?);
        }
        let mut batches = stream::iter(incoming)
            .map(|incoming| async move {
                let size = match &incoming.content {
                    Ok(Content::Envelope { body, .. }) => body.len() as u64,
                    _ => 0,
                };
                (size, self.apart(incoming).await)
            })
            .buffered(AT_ONCE)
            .ready_chunks(AT_ONCE);
        let mut records = Vec::new();
        while let Some(batch) = batches.next().await {
            let (mut digests, mut bytes) = (Vec::new(), 0);
            for (size, apart) in batch {
                bytes += size;
                match apart? {
                    Apart::Digest(digest) => {
                        tally.add(self.kept(&mut records).await?);
                        digests.push(digest);
                    }
                    record @ Apart::Record { .. } => {
                        tally.add(self.stored(std::mem::take(&mut digests)).await?);
                        records.push(record);
                    }
                    Apart::Refused { origin, why } => {
                        tally.add(Tally { envelopes: 1, refused: vec![(origin, why)], ..Tally::default() });
                    }
                }
            }
            tally.add(self.stored(digests).await?);
            if records.len() >= RECORDS && !records.last().is_some_and(is_file) {
                tally.add(self.kept(&mut records).await?);
            }
            progress(bytes);
        }
        tally.add(self.kept(&mut records).await?);
        Ok(tally)
    }

    /// Keeps records of an export, in their order.
    async fn kept(&self, records: &mut Vec<Apart>) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut kept = Vec::new();
        let mut origins = Vec::new();
        for apart in records.drain(..) {
            if let Apart::Record { origin, mut record } = apart {
                if let (Some(one), Some(own)) = (&self.project, record.project_mut()) {
                    own.clone_from(one);
                }
                origins.push(origin);
                kept.push(*record);
            }
        }
        if !kept.is_empty() {
            for (place, why) in self.store.restore(kept).await? {
                tally.refused.push((std::mem::take(&mut origins[place]), why));
            }
        }
        tally.records = origins.len() as u64 - tally.refused.len() as u64;
        Ok(tally)
    }

    /// Takes an envelope apart.
    async fn apart(&self, incoming: Incoming) -> Result<Apart, StoreError> {
        let Incoming { origin, content, exported } = incoming;
        let (body, of) = match content {
            Ok(Content::Envelope { body, of }) => (body, of),
            Ok(Content::Record(record)) => return Ok(Apart::Record { origin, record }),
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
            Ok(Ok(ingested)) => Ok(Apart::Digest(self.known(&of, ingested.digest))),
            Ok(Err(error)) => Ok(Apart::Refused { origin, why: error.to_string() }),
            Err(error) => Err(StoreError::Engine { context: "taking an envelope apart", source: error.into() }),
        }
    }

    /// Adds what an export says of an envelope to what came of it.
    fn known(&self, of: &ExportedFacts, mut digest: Digest) -> Digest {
        let people = Pseudonyms::new(self.store.pseudonym_key()).returning();
        let user = of.user.as_ref().map(|user| people.user(&user.as_str().into()));
        for record in &mut digest.records {
            match record {
                Record::Event(event) => {
                    event.user = user.or(event.user);
                    event.group.hash = of.group.map_or(event.group.hash, u128::to_be_bytes);
                    event.unattended |= of.unattended;
                }
                Record::Item(item) if user.is_some() => {
                    item.user = user;
                    if let Some(used) = &mut item.used {
                        used.user = user;
                    }
                }
                _ => {}
            }
        }
        digest
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

fn is_project(incoming: &Incoming) -> bool {
    matches!(&incoming.content, Ok(Content::Record(record)) if matches!(**record, TransferRecord::Project(_)))
}

/// Whether the upload that it is of comes yet.
fn is_file(apart: &Apart) -> bool {
    matches!(apart, Apart::Record { record, .. }
        if matches!(**record, TransferRecord::Script(_) | TransferRecord::DebugFile(_)))
}
