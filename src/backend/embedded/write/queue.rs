//! What waits for the writer, bounded by bytes.
//! It uses the standard library.
//! It never blocks who puts something in: past the bound it refuses.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{prepare::Prepared, writer::Writer};
use crate::{
    backend::embedded::fault::RETRY_AFTER_S,
    store::{Receipt, StoreError},
};

/// A digest and who waits for its commit.
pub(super) struct Write {
    pub(super) prepared: Prepared,
    pub(super) answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// Something that runs between commits.
pub(super) type Control = Box<dyn FnOnce(&mut Writer) + Send>;

/// What the writer takes at once.
pub(super) enum Work {
    /// Digests for one transaction.
    Writes(Vec<Write>),
    /// One thing that wants the writer to itself.
    Control(Control),
    /// Nothing waits.
    Idle,
    /// The store is being closed and nothing waits any more.
    Stop,
}

enum Job {
    Write(Write),
    Control(Control),
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    controls: usize,
    closed: bool,
}

/// The queue.
pub(in crate::backend::embedded) struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
    most_bytes: usize,
}

/// Most control jobs that wait.
const MAX_CONTROLS: usize = 1_000;

/// So many records at most make one transaction: it bounds how long a reader's snapshot pins the log.
const BATCH_RECORDS: usize = 4_000;

impl Queue {
    pub(in crate::backend::embedded) fn new(most_bytes: usize) -> Self {
        Self { waiting: Mutex::default(), news: Condvar::new(), most_bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere leaves the queue whole: each change to it is one step.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a digest in line, unless what waits is too much already.
    pub(in crate::backend::embedded) fn write(
        &self,
        prepared: Prepared,
    ) -> Result<oneshot::Receiver<Result<Receipt, StoreError>>, StoreError> {
        let mut waiting = self.lock();
        // One digest may be bigger than the bound, else it could never be written.
        if waiting.closed || (waiting.bytes > 0 && waiting.bytes + prepared.bytes > self.most_bytes) {
            return Err(StoreError::Busy { retry_after_s: RETRY_AFTER_S });
        }
        let (answer, receiver) = oneshot::channel();
        waiting.bytes += prepared.bytes;
        waiting.jobs.push_back(Job::Write(Write { prepared, answer }));
        drop(waiting);
        self.news.notify_one();
        Ok(receiver)
    }

    /// Has `work` run on the writer's thread, unless too much waits already or the store is being closed.
    pub(in crate::backend::embedded) fn control<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, StoreError> {
        let mut waiting = self.lock();
        if waiting.closed || waiting.controls >= MAX_CONTROLS {
            return Err(StoreError::Busy { retry_after_s: RETRY_AFTER_S });
        }
        let (answer, receiver) = oneshot::channel();
        let control: Control = Box::new(move |writer| {
            let _ = answer.send(work(writer));
        });
        waiting.controls += 1;
        waiting.jobs.push_back(Job::Control(control));
        drop(waiting);
        self.news.notify_one();
        Ok(receiver)
    }

    pub(in crate::backend::embedded) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }

    /// Writes that wait at the front.
    pub(super) fn take_writes(&self) -> Vec<Write> {
        take_writes(&mut self.lock())
    }

    /// What waits; with `wait`, once something does.
    pub(super) fn take(&self, wait: bool) -> Work {
        let mut waiting = self.lock();
        while wait && waiting.jobs.is_empty() && !waiting.closed {
            waiting = self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let writes = take_writes(&mut waiting);
        if writes.is_empty()
            && let Some(Job::Control(control)) = waiting.jobs.pop_front()
        {
            waiting.controls -= 1;
            return Work::Control(control);
        }
        match writes.is_empty() {
            false => Work::Writes(writes),
            true if waiting.closed => Work::Stop,
            true => Work::Idle,
        }
    }
}

/// Takes writes from the front, up to a batch; stops at anything else.
fn take_writes(waiting: &mut Waiting) -> Vec<Write> {
    let (mut writes, mut records) = (Vec::new(), 0);
    while records < BATCH_RECORDS {
        match waiting.jobs.pop_front() {
            Some(Job::Write(write)) => {
                waiting.bytes -= write.prepared.bytes;
                records += write.prepared.records.len().max(1);
                writes.push(write);
            }
            Some(control) => {
                waiting.jobs.push_front(control);
                break;
            }
            None => break,
        }
    }
    writes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_busy<T>(put: &Result<T, StoreError>) -> bool {
        matches!(put, Err(StoreError::Busy { .. }))
    }

    #[test]
    fn control_jobs_are_bounded() {
        let queue = Queue::new(1);
        let waiting: Vec<_> = (0..MAX_CONTROLS).map(|_| queue.control(|_| ())).collect();
        assert!(waiting.iter().all(Result::is_ok));
        assert!(is_busy(&queue.control(|_| ())));
        assert!(matches!(queue.take(false), Work::Control(_)));
        assert!(queue.control(|_| ()).is_ok());
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_gives_what_waits() {
        let queue = Queue::new(1);
        let waiting = queue.control(|_| ());
        queue.close();
        assert!(waiting.is_ok() && is_busy(&queue.control(|_| ())));
        assert!(matches!(queue.take(true), Work::Control(_)));
        assert!(matches!(queue.take(true), Work::Stop));
    }
}
