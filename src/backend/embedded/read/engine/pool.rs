//! Connections that read, a few for all callers.
//! It uses `rusqlite` and tokio's threads for blocking work.
//! It never goes on for a caller that has gone.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::Semaphore;

use super::memory::Memory;
use crate::{
    backend::embedded::{connect, files::Files, pack::Unpacker},
    guard::Scrubber,
    native::Object,
    sourcemaps::{Cache, Script},
    store::StoreError,
};

/// Connections at most: more would only contend for the same few cores.
const CONNECTIONS: usize = 4;

/// Bytes of scripts and maps that are kept ready.
const SCRIPT_BYTES: usize = 128 << 20;

/// Bytes of symbols that are kept ready.
const SYMBOL_BYTES: usize = 256 << 20;

/// The pool.
pub(in crate::backend::embedded) struct Pool {
    files: Files,
    scripts: Arc<Cache<i64, Script>>,
    objects: Arc<Cache<Vec<i64>, Object>>,
    /// For what a map adds to an event that was stored without.
    scrubber: Scrubber,
    /// Whether the tables are known to be there.
    ready: Mutex<bool>,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
    memory: Memory,
}

/// One connection and what it keeps between answers.
struct Reader {
    conn: Connection,
    unpacker: Unpacker,
}

/// One moment of the store: all that is read through it agrees.
pub(in crate::backend::embedded) struct Snapshot<'c> {
    pub(in crate::backend::embedded) conn: &'c Connection,
    pub(in crate::backend::embedded) unpacker: &'c mut Unpacker,
    pub(in crate::backend::embedded::read) memory: &'c Memory,
    pub(in crate::backend::embedded::read) scripts: Arc<Cache<i64, Script>>,
    pub(in crate::backend::embedded::read) objects: Arc<Cache<Vec<i64>, Object>>,
    /// For questions that are asked while another is answered.
    pub(in crate::backend::embedded::read) pool: &'c Pool,
    pub(in crate::backend::embedded::read) scrubber: &'c Scrubber,
    stopped: &'c AtomicBool,
}

impl Snapshot<'_> {
    /// Fails once nobody waits for the answer; to be called in long loops outside SQLite.
    pub(in crate::backend::embedded::read) fn go_on(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::Relaxed) { Err(StoreError::Cancelled) } else { Ok(()) }
    }
}

/// What a caller that goes away stops.
#[derive(Default)]
struct Running {
    stopped: AtomicBool,
    handle: Mutex<Option<InterruptHandle>>,
}

impl Running {
    fn set(&self, handle: Option<InterruptHandle>) {
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = handle;
    }
}

/// Stops the work when the future that waits for it is dropped.
struct StopOnDrop(Arc<Running>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        // The handle is taken away before its connection serves anybody else.
        if let Some(handle) = &*self.0.handle.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }
}

impl Pool {
    pub(in crate::backend::embedded) fn new(files: Files, scrubber: Scrubber) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Self {
            files,
            scrubber,
            scripts: Arc::new(Cache::new(SCRIPT_BYTES, Script::size_bytes)),
            objects: Arc::new(Cache::new(SYMBOL_BYTES, Object::size_bytes)),
            ready: Mutex::new(false),
            idle: Mutex::default(),
            permits,
            memory: Memory::default(),
        }
    }

    /// Makes sure that the tables are there and of a format known here.
    pub(in crate::backend::embedded) fn ready(&self) -> Result<(), StoreError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ready {
            connect::prepare(&self.files)?;
            *ready = true;
        }
        Ok(())
    }

    /// Runs `work` on a thread for blocking work, within one read transaction.
    pub(in crate::backend::embedded) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Cancelled)?;
        let (pool, running) = (Arc::clone(self), Arc::new(Running::default()));
        let guard = StopOnDrop(Arc::clone(&running));
        let task = tokio::task::spawn_blocking(move || {
            let answer = pool.run(&running, work);
            drop(permit);
            answer
        });
        let answer = task.await;
        drop(guard);
        answer.map_err(|error| StoreError::Engine { context: "answering", source: Box::new(error) })?
    }

    fn run<T>(
        &self,
        running: &Running,
        work: impl FnOnce(&mut Snapshot<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.ready()?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader { conn: connect::reader(&self.files)?, unpacker: Unpacker::new()? },
        };
        running.set(Some(reader.conn.get_interrupt_handle()));
        let answer = self.answer(&mut reader, &running.stopped, work);
        running.set(None);
        // A connection whose answer failed is not trusted with another.
        if answer.is_ok() || matches!(answer, Err(StoreError::NotFound { .. } | StoreError::Invalid(_))) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        }
        answer
    }

    /// Runs `work` where the caller is, within one read transaction.
    pub(in crate::backend::embedded) fn read_now<T>(
        &self,
        work: impl FnOnce(&mut Snapshot<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.run(&Running::default(), work)
    }

    /// The transaction ends with the answer, so that the log can be moved on.
    fn answer<T>(
        &self,
        reader: &mut Reader,
        stopped: &AtomicBool,
        work: impl FnOnce(&mut Snapshot<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = reader.conn.unchecked_transaction()?;
        let mut snapshot = Snapshot {
            conn: &tx,
            unpacker: &mut reader.unpacker,
            memory: &self.memory,
            scripts: Arc::clone(&self.scripts),
            objects: Arc::clone(&self.objects),
            pool: self,
            scrubber: &self.scrubber,
            stopped,
        };
        snapshot.go_on()?;
        let answer = work(&mut snapshot);
        drop(tx);
        answer
    }
}
