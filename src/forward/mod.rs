//! Passes accepted envelopes on to another Sentry server, so that a team tries this one without leaving anything.
//! It uses `protocol`, and keeps what waits in a folder of its own.
//! It never changes what an envelope says, only whose it is, and never holds up a sender.

mod address;
mod limits;
mod send;
mod spool;

use std::{path::Path, time::Duration};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

pub use address::{Destination, DestinationError};
use limits::Limited;
use send::{Outcome, Sender};
use spool::{Spool, Waiting};

use crate::model::Timestamp;

/// Envelopes on their way at once.
const AT_ONCE: usize = 8;
/// First wait after a failure; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How often it is looked whether a rate limit is over.
const LOOK: Duration = Duration::from_secs(1);

/// Hears what became of envelopes: `sent`, `dropped`, `full`, `failed`.
pub type Observe = std::sync::Arc<dyn Fn(&'static str) + Send + Sync>;

/// What is passed on, and where to.
pub struct Forward {
    to: Destination,
    /// Share of envelopes, 0 to 1; those of one trace go together.
    sample: f64,
    spool: Spool,
    observe: Observe,
    now: fn() -> Timestamp,
}

impl Forward {
    /// With a folder for what waits, which is made if there is none.
    ///
    /// # Errors
    /// When the folder can't be made or read.
    pub fn open(
        folder: &Path,
        to: Destination,
        sample: f64,
        observe: Observe,
        now: fn() -> Timestamp,
    ) -> std::io::Result<Self> {
        Ok(Self { to, sample, spool: Spool::open(folder)?, observe, now })
    }

    /// Whether an envelope is among those that are passed on.
    pub fn takes(&self, envelope: &[u8]) -> bool {
        address::is_sampled(envelope, self.sample)
    }

    /// Puts an envelope into the queue: it is on disk when this returns. What can't be kept is counted and logged, and is
    /// no concern of its sender.
    pub async fn push(self: &std::sync::Arc<Self>, envelope: Vec<u8>) {
        let own = self.clone();
        let received = (self.now)();
        let kept = tokio::task::spawn_blocking(move || own.spool.push(&envelope, received)).await;
        match kept {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => (self.observe)("full"),
            Ok(Err(error)) => {
                (self.observe)("failed");
                tracing::error!(%error, "an envelope could not be put into the queue of --forward");
            }
            Err(_) => (self.observe)("failed"),
        }
    }

    /// Sends what waits, oldest first, until `end`. What is under a rate limit of the server waits until that is over, and
    /// lets others go first.
    pub async fn run(&self, end: CancellationToken) {
        let sender = match Sender::new(&self.to) {
            Ok(sender) => sender,
            Err(error) => return tracing::error!(%error, "nothing can be forwarded"),
        };
        let (mut limited, mut wait) = (Limited::default(), FIRST_WAIT);
        while !end.is_cancelled() {
            let next = self.spool.next(AT_ONCE, |waiting| limited.allows(&waiting.categories, (self.now)()));
            if next.is_empty() {
                tokio::select! {
                    () = end.cancelled() => return,
                    () = self.spool.filled() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
                continue;
            }
            let sent = join_all(next.iter().map(|waiting| self.one(&sender, waiting))).await;
            let mut failed = false;
            for (waiting, (outcome, said)) in next.iter().zip(sent) {
                limited.note(&said, (self.now)());
                failed |= self.settle(waiting, &outcome);
            }
            if failed {
                tokio::select! { () = end.cancelled() => return, () = tokio::time::sleep(wait) => {} }
            }
            wait = if failed { (wait * 2).min(LONGEST_WAIT) } else { FIRST_WAIT };
        }
    }

    async fn one(&self, sender: &Sender, waiting: &Waiting) -> (Outcome, limits::Said) {
        match self.spool.read(waiting) {
            Ok(envelope) => {
                let body = address::readdressed(&envelope, &self.to, waiting.received, (self.now)());
                sender.send(body).await
            }
            Err(error) => (Outcome::Refused(error.to_string()), limits::Said::default()),
        }
    }

    /// Whether it has to be tried again after a wait.
    fn settle(&self, waiting: &Waiting, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Sent => {
                (self.observe)("sent");
                self.spool.remove(waiting);
            }
            Outcome::Refused(why) => {
                (self.observe)("dropped");
                tracing::warn!(why, "the server that is forwarded to refused an envelope: it is dropped");
                self.spool.remove(waiting);
            }
            Outcome::Limited => {}
            Outcome::Failed(why) => {
                (self.observe)("failed");
                tracing::warn!(why, waiting = self.spool.len(), "forwarding failed; it is tried again");
            }
        }
        matches!(outcome, Outcome::Failed(_))
    }
}
