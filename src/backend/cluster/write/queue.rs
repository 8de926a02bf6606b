//! What waits for the writer of this process, and the task that commits it.
//! It uses tokio's channels.
//! It never lets more wait than it is allowed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{mpsc, oneshot};

use super::{commit::Commit, forward::Forwarder, names::Names};
use crate::{
    backend::cluster::{
        fault::RETRY_AFTER_S,
        store::{Caps, Databases},
    },
    store::{Digest, Receipt, StoreError},
};

/// Records and bytes of one transaction at most.
const RECORDS: usize = 10_000;
const BYTES: usize = 24 << 20;
/// Seconds after which a write is worth another try while ClickHouse does not take what waits.
const OUTBOX_RETRY_S: u64 = 10;

/// One digest and who waits for it.
struct Write {
    digest: Digest,
    size: usize,
    answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// The way to the writer.
#[derive(Clone)]
pub(in crate::backend::cluster) struct Queue {
    waiting: mpsc::UnboundedSender<Write>,
    bytes: Arc<AtomicUsize>,
    most: usize,
}

impl Queue {
    /// Starts the writer, and what hands its blocks over; both end with the last of these.
    pub(in crate::backend::cluster) fn start(
        databases: Arc<Databases>,
        caps: Caps,
        most: usize,
        outbox_bytes: i64,
    ) -> Self {
        let (waiting, taken) = mpsc::unbounded_channel();
        let bytes = Arc::new(AtomicUsize::new(0));
        let forwarder = Forwarder::new(Arc::clone(&databases));
        let writer = Writer { databases, names: Names::new(caps), bytes: Arc::clone(&bytes), outbox_bytes };
        tokio::spawn(async move {
            tokio::select! {
                () = writer.run(taken, &forwarder) => {}
                () = forwarder.run() => {}
            }
        });
        Self { waiting, bytes, most }
    }

    /// Whether the writer still runs.
    pub(in crate::backend::cluster) fn is_open(&self) -> bool {
        !self.waiting.is_closed()
    }

    /// Whether a digest would be taken.
    pub(in crate::backend::cluster) fn has_room(&self, digest: &Digest) -> bool {
        self.bytes.load(Ordering::Relaxed) + digest.size_bytes() <= self.most
    }

    /// Hands a digest to the writer.
    pub(in crate::backend::cluster) fn write(
        &self,
        digest: Digest,
    ) -> Result<oneshot::Receiver<Result<Receipt, StoreError>>, StoreError> {
        let size = digest.size_bytes();
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > self.most.max(size) {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(StoreError::Busy { retry_after_s: RETRY_AFTER_S });
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.send(Write { digest, size, answer }).map_err(|_| gone())?;
        Ok(answered)
    }
}

/// The writer has ended.
pub(in crate::backend::cluster) fn gone() -> StoreError {
    StoreError::Engine { context: "writing", source: "the writer has ended".into() }
}

/// The task that commits.
struct Writer {
    databases: Arc<Databases>,
    names: Names,
    bytes: Arc<AtomicUsize>,
    outbox_bytes: i64,
}

impl Writer {
    async fn run(mut self, mut taken: mpsc::UnboundedReceiver<Write>, forwarder: &Forwarder) {
        while let Some(first) = taken.recv().await {
            let (mut records, mut bytes) = (first.digest.records.len(), first.size);
            let mut writes = vec![first];
            while records < RECORDS
                && bytes < BYTES
                && let Ok(next) = taken.try_recv()
            {
                records += next.digest.records.len();
                bytes += next.size;
                writes.push(next);
            }
            self.commit(writes).await;
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            forwarder.wake();
        }
    }

    async fn commit(&mut self, writes: Vec<Write>) {
        let digests: Vec<&Digest> = writes.iter().map(|write| &write.digest).collect();
        match self.try_commit(&digests).await {
            Ok(receipts) => {
                for (write, receipt) in writes.into_iter().zip(receipts) {
                    let _ = write.answer.send(Ok(receipt));
                }
            }
            Err(error) if writes.len() > 1 && is_of_one(&error) => {
                // One digest may be at fault: the others must not share its fate.
                for write in writes {
                    let answer = self.try_commit(&[&write.digest]).await;
                    let _ = write.answer.send(answer.map(|mut receipts| receipts.pop().unwrap_or_default()));
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a write is refused");
                for write in writes {
                    let _ = write.answer.send(Err(error.again()));
                }
            }
        }
    }

    async fn try_commit(&mut self, digests: &[&Digest]) -> Result<Vec<Receipt>, StoreError> {
        let done = self.transaction(digests).await;
        if done.is_err() {
            // Numbers given within the transaction are void.
            self.names.forget();
        }
        done
    }

    async fn transaction(&mut self, digests: &[&Digest]) -> Result<Vec<Receipt>, StoreError> {
        let lent = self.databases.writing.lend().await?;
        lent.begin().await?;
        let mut commit = Commit::begin(&lent, &self.databases.clickhouse, &mut self.names).await?;
        if commit.outbox_bytes().await? > self.outbox_bytes {
            return Err(StoreError::Busy { retry_after_s: OUTBOX_RETRY_S });
        }
        commit.learn(digests).await?;
        let mut receipts = Vec::with_capacity(digests.len());
        for digest in digests {
            receipts.push(commit.store(digest).await?);
        }
        commit.finish().await?;
        lent.commit().await?;
        Ok(receipts)
    }
}

/// Whether a failure may be that of one digest.
fn is_of_one(error: &StoreError) -> bool {
    matches!(error, StoreError::Invalid(_) | StoreError::Unsupported(_) | StoreError::Engine { .. })
}
