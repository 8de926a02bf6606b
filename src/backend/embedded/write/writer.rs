//! The writer's thread: commits what waits, folds in between, has the log moved when it grows.
//! It uses `rusqlite` and the standard library's threads.
//! It never holds an answer back once its commit is on disk.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, OnceLock, mpsc},
    thread::JoinHandle,
};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    commit::Commit,
    join::settled_before,
    lines::LooseRecords,
    names::{Caps, Names},
    queue::{Queue, Work, Write},
};
use crate::{
    backend::embedded::{connect, fault::of_files, files::Files, pack::Unpacker},
    store::{Join, Receipt, StoreError},
};

/// The log is moved into the database past so many bytes.
const LOG_BYTES: u64 = 16 << 20;
/// Past so many bytes commits wait until it is moved: while pages are added all the time, the log never starts anew.
const MOST_LOG_BYTES: u64 = 256 << 20;
/// While more than so many times the usual wait for folding, a slice is folded after each commit.
const LATE: u64 = 4;

/// What makes events of traces, and how much of other traces is kept.
pub(in crate::backend::embedded) struct Joining {
    pub(in crate::backend::embedded) join: Arc<dyn Join>,
    pub(in crate::backend::embedded) keep_lines: u64,
}

/// Everything that the thread owns.
pub(in crate::backend::embedded) struct Writer {
    pub(super) conn: Connection,
    pub(super) names: Names,
    pub(super) unpacker: Unpacker,
    pub(super) fold_lock: File,
    /// Facts that are not folded yet, as far as this process knows.
    pub(super) unfolded: u64,
    /// Records whose lines are in no block, as far as this process knows.
    pub(super) loose: LooseRecords,
    joining: Arc<OnceLock<Joining>>,
    /// When the newest digest came, microseconds since 1970.
    pub(super) latest: i64,
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
    joining: Arc<OnceLock<Joining>>,
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
        loose: LooseRecords::new(),
        joining,
        latest: 0,
        fold_at,
        queue,
        log: files.log(),
        moves: start_moving(connect::checkpointer(files)?)?,
    };
    writer.count_loose()?;
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
            match self.queue.take(!behind && self.most_loose().is_none()) {
                Work::Writes(writes) => {
                    self.commit(writes);
                    if self.unfolded > self.fold_at * LATE {
                        self.fold_one();
                    }
                }
                Work::Control(control) => control(self),
                Work::Idle if behind => self.fold_one(),
                Work::Idle => self.pack_one(),
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
        match self.fold_slice(settled_before(self.latest)) {
            Ok(left) => self.unfolded = left,
            Err(error) => {
                // Nothing is lost: the tail stays as it was. The next attempt comes with further events.
                tracing::warn!(error = &error as &dyn std::error::Error, "folding failed; it is tried again later");
                self.unfolded = 0;
            }
        }
    }

    fn pack_one(&mut self) {
        let Some(most) = self.most_loose() else { return };
        if let Err(error) = self.pack_lines(most) {
            // Nothing is lost: what is in no block is read from its records.
            tracing::warn!(error = &error as &dyn std::error::Error, "packing lines failed; it is tried again later");
            self.loose.remove(&most);
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
        let joining = self.joining.get();
        commit.keep_lines = joining.map_or(u64::MAX, |joining| joining.keep_lines);
        let latest =
            writes.iter().map(|write| write.prepared.received.as_microsecond()).max().unwrap_or(0).max(self.latest);
        let receipts: Result<Vec<_>, _> = writes.iter().map(|write| commit.store(&write.prepared)).collect();
        let joined = receipts.and_then(|receipts| {
            if let Some(joining) = joining.filter(|_| !commit.traces.is_empty()) {
                commit.join_traces(&*joining.join, &mut self.unpacker)?;
                commit.write_parts(latest)?;
            }
            Ok(receipts)
        });
        let loose = std::mem::take(&mut commit.loose);
        let done = joined.and_then(|receipts| Ok((receipts, commit.finish()?)));
        match done.and_then(|done| Ok((done, tx.commit()?))) {
            Ok(((receipts, events), ())) => {
                self.unfolded += events;
                loose.into_iter().for_each(|(of, more)| self.loose.entry(of).or_default().records += more.records);
                self.latest = latest;
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
