//! What waits to be sent: a file an envelope, written whole before its sender is answered.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::limits::categories;
use crate::model::Timestamp;

/// Most bytes that wait; what comes then is not passed on.
const MOST_BYTES: u64 = 1 << 30;
const ENDING: &str = "envelope";
/// Ends the name of a file that is being written.
const PART: &str = "part";

/// The folder, and what is in it.
pub(super) struct Spool {
    folder: PathBuf,
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: u64,
    /// Number of the next file.
    next: u64,
}

/// One envelope that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    path: PathBuf,
    bytes: u64,
    pub received: Timestamp,
    pub categories: Vec<&'static str>,
}

impl Spool {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        make(folder)?;
        let mut names: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        names.sort();
        let mut queue = Queue::default();
        for path in names {
            match numbers(&path) {
                Some((number, received)) => {
                    let envelope = fs::read(&path)?;
                    queue.next = queue.next.max(number + 1);
                    queue.bytes += envelope.len() as u64;
                    let (bytes, categories) = (envelope.len() as u64, categories(&envelope));
                    queue.waiting.push_back(Waiting { path, bytes, received, categories });
                }
                // What was being written when the program ended: its sender got no answer and sends again.
                None if path.extension().is_some_and(|ending| ending == PART) => drop(fs::remove_file(path)),
                // Nothing of ours.
                None => {}
            }
        }
        Ok(Self { folder: folder.to_owned(), queue: Mutex::new(queue), filled: Notify::new() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an envelope; `false`: too much waits already.
    pub(super) fn push(&self, envelope: &[u8], received: Timestamp) -> io::Result<bool> {
        let bytes = envelope.len() as u64;
        let number = {
            let mut queue = self.queue();
            if queue.bytes + bytes > MOST_BYTES {
                return Ok(false);
            }
            queue.bytes += bytes;
            queue.next += 1;
            queue.next - 1
        };
        let path = self.folder.join(format!("{number:020}-{}.{ENDING}", received.as_microsecond()));
        if let Err(error) = self.write(&path, envelope) {
            self.queue().bytes -= bytes;
            return Err(error);
        }
        let waiting = Waiting { path, bytes, received, categories: categories(envelope) };
        self.queue().waiting.push_back(waiting);
        self.filled.notify_one();
        Ok(true)
    }

    fn write(&self, path: &Path, envelope: &[u8]) -> io::Result<()> {
        let beside = path.with_extension(PART);
        let mut file = File::create(&beside)?;
        let written = file.write_all(envelope).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written?;
        // The name is on disk once the folder is.
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    /// The oldest that may go now.
    pub(super) fn next(&self, most: usize, may: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        self.queue().waiting.iter().filter(|waiting| may(waiting)).take(most).cloned().collect()
    }

    pub(super) fn read(&self, waiting: &Waiting) -> io::Result<Vec<u8>> {
        fs::read(&waiting.path)
    }

    /// It is done with.
    pub(super) fn remove(&self, waiting: &Waiting) {
        if let Err(error) = fs::remove_file(&waiting.path) {
            tracing::error!(%error, "a forwarded envelope can't be removed: it is sent again after a restart");
        }
        let mut queue = self.queue();
        let before = queue.waiting.len();
        queue.waiting.retain(|other| other.path != waiting.path);
        if queue.waiting.len() < before {
            queue.bytes -= waiting.bytes;
        }
    }

    /// When something comes in.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    pub(super) fn len(&self) -> usize {
        self.queue().waiting.len()
    }
}

/// For its owner alone: senders' texts are in it.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Number and time out of a name.
fn numbers(path: &Path) -> Option<(u64, Timestamp)> {
    if path.extension()? != ENDING {
        return None;
    }
    let (number, received) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((number.parse().ok()?, Timestamp::from_microsecond(received.parse().ok()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_there_again_in_its_order_and_what_was_cut_off_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for n in 0..12_i64 {
            let kind = if n % 2 == 0 { "event" } else { "session" };
            assert!(spool.push(format!("{{}}\n{{\"type\":\"{kind}\"}}\n{{\"n\":{n}}}\n").as_bytes(), at(n)).unwrap());
        }
        fs::write(folder.path().join("00000000000000000099-1.part"), b"half").unwrap();
        fs::write(folder.path().join("notes.txt"), b"of somebody").unwrap();
        let first = spool.next(1, |_| true).remove(0);
        spool.remove(&first);
        drop(spool);
        let again = Spool::open(folder.path()).unwrap();
        assert_eq!(again.len(), 11);
        let sessions = again.next(3, |waiting| waiting.categories == ["session"]);
        let received: Vec<i64> = sessions.iter().map(|waiting| waiting.received.as_second()).collect();
        assert_eq!(received, [1, 3, 5]);
        assert!(again.push(b"{}\n", at(20)).unwrap());
        assert_eq!(again.next(20, |_| true).last().unwrap().received, at(20), "numbers go on");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 13, "the part is gone, and nothing of others");
    }
}
