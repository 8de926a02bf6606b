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
use moka::{Expiry, future::Cache};

use super::{
    ask::{Ask, Ends},
    fault::RequestError,
    key::{Key, Tenant},
    life::{Life, Ttl},
};
use crate::model::Timestamp;

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

/// What is kept of one request. `None`: there is no such thing.
#[derive(Clone)]
struct Entry {
    reply: Option<Reply>,
    life: Duration,
}

impl Entry {
    fn of(lives: &Ttl, (ask, now): (&Ask, Timestamp), reply: Reply) -> Self {
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

    fn given(&self) -> Result<Reply, RequestError> {
        self.reply.clone().ok_or(RequestError::NotThere)
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
    lives: Ttl,
    /// Within their time.
    fresh: Cache<Key, Entry>,
    /// Past it, for when the server fails.
    known: Cache<Key, Entry>,
    /// Part of every key: what was asked before a write is never found after it.
    writes: Arc<AtomicU64>,
}

impl Replies {
    /// Keeps about so many bytes.
    pub(super) fn new(bytes: u64, lives: Ttl) -> Self {
        let weigh = |_: &Key, entry: &Entry| entry.weight();
        let fresh = Cache::builder().max_capacity(bytes / 2).weigher(weigh).expire_after(ByLife).build();
        let known = Cache::builder().max_capacity(bytes / 2).weigher(weigh).time_to_live(lives.stale).build();
        Self { lives, fresh, known, writes: Arc::default() }
    }

    fn key(&self, tenant: &Tenant, (ask, now): (&Ask, Timestamp)) -> Key {
        let mut digest = tenant.digest();
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
        load: impl Future<Output = Result<Reply, RequestError>>,
    ) -> Result<(Reply, bool), RequestError> {
        let key = self.key(tenant, asked);
        let load = async {
            let entry = match load.await {
                Ok(reply) => Entry::of(&self.lives, asked, reply),
                Err(RequestError::NotThere) => return Ok(Entry { reply: None, life: self.lives.absent }),
                Err(fault) => return Err(fault),
            };
            self.known.insert(key, entry.clone()).await;
            Ok(entry)
        };
        let fault = match tokio::time::timeout(left, self.fresh.try_get_with(key, load)).await {
            Ok(Ok(entry)) => return entry.given().map(|reply| (reply, false)),
            Ok(Err(fault)) => (*fault).clone(),
            Err(_) => RequestError::Timeout,
        };
        if matches!(fault, RequestError::Unauthorized) {
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
