//! The writer's thread: commits what waits, folds in between, has the log moved when it grows.
//! It uses `rusqlite` and the standard library's threads.
//! It never holds an answer back once its commit is on disk.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    commit::Commit,
    names::{Caps, Names},
    queue::{Queue, Work, Write},
};
use crate::{
    backend::embedded::{connect, fault::of_files, files::Files, pack::Unpacker},
    store::{Receipt, StoreError},
};

/// The log is moved into the database past so many bytes.
const LOG_BYTES: u64 = 16 << 20;
/// Past so many bytes commits wait until it is moved: while pages are added all the time, the log never starts anew.
const MOST_LOG_BYTES: u64 = 256 << 20;
/// While more than so many times the usual wait for folding, a slice is folded after each commit.
const LATE: u64 = 4;

/// Everything that the thread owns.
pub(in crate::backend::embedded) struct Writer {
    pub(super) conn: Connection,
    pub(super) names: Names,
    pub(super) unpacker: Unpacker,
    pub(super) fold_lock: File,
    /// Facts that are not folded yet, as far as this process knows.
    pub(super) unfolded: u64,
    fold_at: u64,
    queue: Arc<Queue>,
    log: PathBuf,
    moves: mpsc::SyncSender<()>,
}

/// Starts the thread; it ends once the queue is closed and empty.
pub(in crate::backend::embedded) fn start(
    files: &Files,
    queue: Arc<Queue>,
    fold_at: u64,
    caps: Caps,
) -> Result<JoinHandle<()>, StoreError> {
    let conn = connect::writer(files)?;
    let unfolded = conn.query_row("SELECT count(*) FROM tail", [], |row| row.get(0))?;
    let fold_lock = crate::backend::embedded::files::create_private(&files.fold_lock())?;
    let mut writer = Writer {
        conn,
        names: Names::new(caps),
        unpacker: Unpacker::new()?,
        fold_lock,
        unfolded,
        fold_at,
        queue,
        log: files.log(),
        moves: start_moving(connect::checkpointer(files)?)?,
    };
    std::thread::Builder::new()
        .name("signal-writer".into())
        .spawn(move || writer.run())
        .map_err(of_files("starting the writer"))
}

/// A thread of its own moves the log: on the writer's it would hold up commits.
fn start_moving(conn: Connection) -> Result<mpsc::SyncSender<()>, StoreError> {
    let (moves, wanted) = mpsc::sync_channel(1);
    let run = move || {
        while wanted.recv().is_ok() {
            // A reader may hold part of it back; the next try gets further.
            let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    };
    std::thread::Builder::new().name("signal-log".into()).spawn(run).map_err(of_files("starting the writer"))?;
    Ok(moves)
}

impl Writer {
    fn run(&mut self) {
        loop {
            let behind = self.unfolded > self.fold_at;
            match self.queue.take(!behind) {
                Work::Writes(writes) => {
                    self.commit(writes);
                    if self.unfolded > self.fold_at * LATE {
                        self.fold_one();
                    }
                }
                Work::Control(control) => control(self),
                Work::Idle => self.fold_one(),
                Work::Stop => return,
            }
            self.move_log();
        }
    }

    fn move_log(&mut self) {
        let bytes = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if bytes > MOST_LOG_BYTES {
            // What a reader holds back is left to the next try.
            let _ = connect::restart_log(&self.conn);
        } else if bytes > LOG_BYTES {
            // Full: a move is under way already.
            let _ = self.moves.try_send(());
        }
    }

    /// Commits what waits, between the slices of a longer work.
    pub(super) fn commit_waiting(&mut self) {
        let writes = self.queue.take_writes();
        if !writes.is_empty() {
            self.commit(writes);
        }
    }

    fn fold_one(&mut self) {
        match self.fold_slice() {
            Ok(left) => self.unfolded = left,
            Err(error) => {
                // Nothing is lost: the tail stays as it was. The next attempt comes with further events.
                tracing::warn!(error = &error as &dyn std::error::Error, "folding failed; it is tried again later");
                self.unfolded = 0;
            }
        }
    }

    fn commit(&mut self, writes: Vec<Write>) {
        match self.try_commit(&writes) {
            Ok(receipts) => {
                for (write, receipt) in writes.into_iter().zip(receipts) {
                    let _ = write.answer.send(Ok(receipt));
                }
            }
            // One digest may be at fault: the others must not share its fate.
            Err(error) if writes.len() > 1 && !matches!(error, StoreError::Full | StoreError::Busy { .. }) => {
                for write in writes {
                    self.commit(vec![write]);
                }
            }
            Err(error) => refuse(writes, error),
        }
    }

    fn try_commit(&mut self, writes: &[Write]) -> Result<Vec<Receipt>, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut commit = Commit::new(&tx, &mut self.names);
        let receipts: Result<Vec<_>, _> = writes.iter().map(|write| commit.store(&write.prepared)).collect();
        let done = receipts.and_then(|receipts| Ok((receipts, commit.finish()?)));
        match done.and_then(|done| Ok((done, tx.commit()?))) {
            Ok(((receipts, events), ())) => {
                self.unfolded += events;
                Ok(receipts)
            }
            Err(error) => {
                // Numbers given within the transaction are void.
                self.names.forget();
                Err(error)
            }
        }
    }
}

fn refuse(writes: Vec<Write>, error: StoreError) {
    let mut first = Some(error);
    for write in writes {
        let error = match &first {
            Some(StoreError::Full) => StoreError::Full,
            Some(StoreError::Busy { retry_after_s }) => StoreError::Busy { retry_after_s: *retry_after_s },
            _ => first.take().unwrap_or(StoreError::Busy { retry_after_s: 1 }),
        };
        let _ = write.answer.send(Err(error));
    }
}
