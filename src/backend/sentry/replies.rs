//! Keeps the server's replies in memory: one request is sent once, whoever needs it and however many wait for it.
//!
//! A reply is kept as the bytes that came, under a keyed digest of who asks, where, and what. Only replies are kept, and
//! that something is not there (404); every other failure is asked again. Past its time a reply still serves for when
//! the server fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use moka::{Expiry, future::Cache};
use sha2::Sha256;

use super::{
    ask::{Ask, Ends},
    fault::Fault,
};
use crate::model::Timestamp;

/// How long replies serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// An event by its id that has a successor.
    pub fixed: Duration,
    /// What was asked about a time that is over for an hour.
    pub closed: Duration,
    /// Names: projects, environments.
    pub names: Duration,
    /// Releases, sessions, events in groups.
    pub slow: Duration,
    /// Lists of issues and of events.
    pub moving: Duration,
    /// That something is not there.
    pub absent: Duration,
    /// How old a reply may be that serves when the server fails.
    pub stale: Duration,
}

impl Lives {
    /// Everything for the same time.
    pub const fn each(time: Duration) -> Self {
        Self { fixed: time, closed: time, names: time, slow: time, moving: time, absent: time, stale: time }
    }
}

impl Default for Lives {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            fixed: seconds(24 * 3_600),
            closed: seconds(3_600),
            names: seconds(300),
            slow: seconds(60),
            moving: seconds(15),
            absent: seconds(10),
            stale: seconds(3_600),
        }
    }
}

/// How fast a thing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Names; no signal.
    Names,
    /// Releases, sessions, events in groups.
    Slow,
    /// Lists of issues and of events.
    Moving,
    /// One event: it stays as it is once it has a successor.
    Event,
}

impl Life {
    /// For the table of operations in the documentation.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Names => "5 min",
            Self::Slow => "60 s",
            Self::Moving => "15 s",
            Self::Event => "60 s, or a day once it has a successor",
        }
    }
}

/// A reply of the server.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// Checked JSON; empty where a write was answered with nothing.
    pub(super) body: Bytes,
    /// Where the next page begins.
    pub(super) next: Option<String>,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    /// When it came.
    pub(super) loaded: Instant,
}

/// Who asks, and where: no reply of one is another's.
#[derive(Clone)]
pub(super) struct Tenant([u8; 32]);

impl Tenant {
    /// From a digest of the credential (never the credential), the address and the organisation.
    pub(super) fn new(credential: &[u8; 32], place: &[&str]) -> Self {
        let mut digest = Digest::new(credential);
        place.iter().for_each(|part| digest.part(part.as_bytes()));
        Self(digest.end())
    }
}

/// A keyed digest of parts, each told apart from the next by its length.
pub(super) struct Digest(Hmac<Sha256>);

impl Digest {
    fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn end(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

type Key = [u8; 32];

/// What is kept of one request. `None`: there is no such thing.
#[derive(Clone)]
struct Entry {
    reply: Option<Reply>,
    life: Duration,
}

impl Entry {
    fn of(lives: &Lives, (ask, now): (&Ask, Timestamp), reply: Reply) -> Self {
        let life = match (ask.life, ask.ends(now)) {
            (Life::Names, _) => lives.names,
            (Life::Event, _) if has_successor(&reply.body) => lives.fixed,
            (Life::Slow | Life::Moving, Ends::Over) => lives.closed,
            (Life::Slow | Life::Event, _) => lives.slow,
            (Life::Moving, _) => lives.moving,
        };
        Self { reply: Some(reply), life }
    }

    fn weight(&self) -> u32 {
        let bytes = self.reply.as_ref().map_or(0, |reply| reply.body.len());
        u32::try_from(bytes + 256).unwrap_or(u32::MAX)
    }

    fn given(&self) -> Result<Reply, Fault> {
        self.reply.clone().ok_or(Fault::NotThere)
    }
}

struct ByLife;

impl Expiry<Key, Entry> for ByLife {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.life)
    }

    fn expire_after_update(&self, _: &Key, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.life)
    }
}

/// The replies of a process.
#[derive(Clone)]
pub(super) struct Replies {
    lives: Lives,
    /// Within their time.
    fresh: Cache<Key, Entry>,
    /// Past it, for when the server fails.
    known: Cache<Key, Entry>,
    /// Part of every key: what was asked before a write is never found after it.
    writes: Arc<AtomicU64>,
}

impl Replies {
    /// Keeps about so many bytes.
    pub(super) fn new(bytes: u64, lives: Lives) -> Self {
        let weigh = |_: &Key, entry: &Entry| entry.weight();
        let fresh = Cache::builder().max_capacity(bytes / 2).weigher(weigh).expire_after(ByLife).build();
        let known = Cache::builder().max_capacity(bytes / 2).weigher(weigh).time_to_live(lives.stale).build();
        Self { lives, fresh, known, writes: Arc::default() }
    }

    fn key(&self, tenant: &Tenant, (ask, now): (&Ask, Timestamp)) -> Key {
        let mut digest = Digest::new(&tenant.0);
        digest.part(&self.writes.load(Ordering::Acquire).to_be_bytes());
        ask.digest(now, &mut digest);
        digest.end()
    }

    /// The reply that is kept, else the one that is loaded; `true`: past its time, since the server failed. Whoever
    /// asks the same meanwhile waits for the same; where the first is gone, the next one loads.
    pub(super) async fn get(
        &self,
        tenant: &Tenant,
        asked: (&Ask, Timestamp),
        left: Duration,
        load: impl Future<Output = Result<Reply, Fault>>,
    ) -> Result<(Reply, bool), Fault> {
        let key = self.key(tenant, asked);
        let load = async {
            let entry = match load.await {
                Ok(reply) => Entry::of(&self.lives, asked, reply),
                Err(Fault::NotThere) => return Ok(Entry { reply: None, life: self.lives.absent }),
                Err(fault) => return Err(fault),
            };
            self.known.insert(key, entry.clone()).await;
            Ok(entry)
        };
        let fault = match tokio::time::timeout(left, self.fresh.try_get_with(key, load)).await {
            Ok(Ok(entry)) => return entry.given().map(|reply| (reply, false)),
            Ok(Err(fault)) => (*fault).clone(),
            Err(_) => Fault::Timeout,
        };
        if matches!(fault, Fault::Unauthorized) {
            // A token that is refused sees nothing any more.
            self.forget();
        }
        match self.known.get(&key).await.filter(|_| fault.is_outage()) {
            Some(entry) => entry.given().map(|reply| (reply, true)),
            None => Err(fault),
        }
    }

    /// The reply that is kept, if it is within its time.
    pub(super) async fn kept(&self, tenant: &Tenant, asked: (&Ask, Timestamp)) -> Option<Reply> {
        self.fresh.get(&self.key(tenant, asked)).await?.reply
    }

    /// Keeps what another request brought along as the reply to this one.
    pub(super) async fn also(&self, tenant: &Tenant, asked: (&Ask, Timestamp), reply: Reply) {
        let key = self.key(tenant, asked);
        if !self.fresh.contains_key(&key) {
            self.fresh.insert(key, Entry::of(&self.lives, asked, reply)).await;
        }
    }

    /// Forgets everything. What is on its way comes too late to be kept for anybody.
    pub(super) fn forget(&self) {
        self.writes.fetch_add(1, Ordering::AcqRel);
        self.fresh.invalidate_all();
        self.known.invalidate_all();
    }
}

#[derive(serde::Deserialize)]
struct Successor {
    #[serde(rename = "nextEventID")]
    next: Option<String>,
    event: Option<Box<Successor>>,
}

/// Whether an event, by itself or with its issue, has one after it.
fn has_successor(body: &[u8]) -> bool {
    let named = |event: &Successor| event.next.as_ref().is_some_and(|next| !next.is_empty());
    let found = serde_json::from_slice::<Successor>(body);
    found.is_ok_and(|found| named(&found) || found.event.is_some_and(|event| named(&event)))
}

#[cfg(test)]
mod tests;
