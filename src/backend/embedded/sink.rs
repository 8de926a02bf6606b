//! Writing, as callers see it.
//! It uses the writer's queue.
//! It never answers before the disk has it.

use std::sync::PoisonError;

use super::{EmbeddedStore, write::Prepared, write::Writer};
use crate::{
    model::{Project, Timestamp},
    store::{Digest, Receipt, SignalSink, StoreError},
};

/// Bigger digests are compressed on a thread for blocking work.
const BIG: usize = 128 << 10;
/// Bytes that are in line at once when much is written in order.
const LINE: usize = 8 << 20;

impl EmbeddedStore {
    /// Folds everything that is not folded yet.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn fold(&self) -> Result<(), StoreError> {
        self.control(|writer| writer.fold_all().and_then(|()| writer.pack_all())).await
    }

    /// Makes all counts again from the events' columns, as after a doubt about them.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        self.control(Writer::rebuild).await
    }

    /// Takes the events and sessions of a history into the counts alone: no event of it can be shown, and one that is
    /// there already counts twice. For histories of millions whose events are gone or made up.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn load(&self, digest: Digest) -> Result<(), StoreError> {
        self.control(move |writer| writer.load(&digest)).await
    }

    /// Writes digests one after another, in few transactions: the same ones make the same issues with the same names.
    ///
    /// # Errors
    /// Those of the engine; what came before the failure is written.
    pub async fn write_in_order(&self, digests: Vec<Digest>) -> Result<Vec<Receipt>, StoreError> {
        self.need_writer()?;
        let pack = move || digests.into_iter().map(|digest| (digest.size_bytes(), Prepared::of(digest))).collect();
        let packed: Result<Vec<_>, _> = tokio::task::spawn_blocking(pack).await;
        let packed = packed.map_err(|error| StoreError::Engine { context: "compressing", source: Box::new(error) })?;
        let (mut receipts, mut waiting, mut bytes) = (Vec::with_capacity(packed.len()), Vec::new(), 0);
        for (size, prepared) in packed {
            if bytes + size > LINE {
                bytes = 0;
                for receipt in waiting.drain(..) {
                    receipts.push(answered(receipt).await?);
                }
            }
            bytes += size;
            waiting.push(self.queue.write(prepared)?);
        }
        for receipt in waiting {
            receipts.push(answered(receipt).await?);
        }
        Ok(receipts)
    }

    pub(super) async fn control<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.need_writer()?;
        self.queue.control(work)?.await.map_err(|_| gone())?
    }
}

async fn answered(receipt: tokio::sync::oneshot::Receiver<Result<Receipt, StoreError>>) -> Result<Receipt, StoreError> {
    receipt.await.map_err(|_| gone())?
}

fn gone() -> StoreError {
    StoreError::Engine { context: "writing", source: "the writer has ended".into() }
}

#[async_trait::async_trait]
impl SignalSink for EmbeddedStore {
    async fn write(&self, digest: Digest) -> Result<Receipt, StoreError> {
        self.need_writer()?;
        let prepared = if digest.size_bytes() > BIG {
            let pack = tokio::task::spawn_blocking(move || Prepared::of(digest)).await;
            pack.map_err(|error| StoreError::Engine { context: "compressing", source: Box::new(error) })?
        } else {
            Prepared::of(digest)
        };
        answered(self.queue.write(prepared)?).await
    }

    async fn ensure_project(&self, slug: &str) -> Result<Project, StoreError> {
        let slug = slug.to_owned();
        let asked = slug.clone();
        // Mostly it is there: the writer is not asked, so that what waits for it stays one batch.
        if let Some(known) = self.pool.read(move |snapshot| snapshot.project_named(&asked)).await? {
            return Ok(known);
        }
        self.control(move |writer| writer.ensure_project(&slug)).await
    }

    async fn project_for_dsn(&self, project: &str, public_key: Option<&str>) -> Result<Project, StoreError> {
        let (project, key) = (project.to_owned(), public_key.map(str::to_owned));
        self.pool.read(move |snapshot| snapshot.project_for_dsn(&project, key.as_deref())).await
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        self.key()
    }

    async fn retain(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.used_maps.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.control(move |writer| writer.retain(before.as_microsecond())).await
    }
}
