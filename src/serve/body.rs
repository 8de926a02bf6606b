//! Bodies, read within bounds of size, time and memory.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::HeaderMap,
};
use futures::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

/// What one permit of the room for bodies stands for.
pub(super) const PERMIT_BYTES: usize = 1024;
/// Longest that a body may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest between two parts of it.
const SILENCE: Duration = Duration::from_secs(15);
/// Room is taken in steps of this size, for bytes that came: what a sender says of the length gives none.
const STEP_BYTES: usize = 16 * 1024;
/// A refused body of this size at most is read to its end and dropped, so that its sender hears why.
const DRAINED_BYTES: usize = 256 * 1024;

/// A body and its place in memory.
pub(super) struct ReservedBody {
    pub bytes: Vec<u8>,
    room: Room,
}

impl ReservedBody {
    /// The room that it takes, and its bytes.
    pub(super) fn into_parts(self) -> (Room, Vec<u8>) {
        (self.room, self.bytes)
    }

    /// Room for what is made of it, taken while it grows.
    pub(super) fn room(&mut self) -> &mut Room {
        &mut self.room
    }
}

/// Room taken of what all bodies share.
pub(super) struct Room {
    all: Arc<Semaphore>,
    taken: Vec<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Room {
    /// Takes as much as so many bytes need in all; tells whether there was enough.
    pub(super) fn reaches(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            return true;
        }
        let permits = (bytes - self.bytes).div_ceil(STEP_BYTES) * (STEP_BYTES / PERMIT_BYTES);
        let taken = u32::try_from(permits).ok().and_then(|n| self.all.clone().try_acquire_many_owned(n).ok());
        let Some(taken) = taken else { return false };
        self.taken.push(taken);
        self.bytes += permits * PERMIT_BYTES;
        true
    }

    /// Another account of the same room.
    pub(super) fn beside(&self) -> Self {
        Self { all: self.all.clone(), taken: Vec::new(), bytes: 0 }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Larger than allowed.
    TooLarge,
    /// Too many bodies at once.
    Busy,
    /// It came too slowly, or broke off.
    Broken,
}

/// A body that is being read.
pub(super) struct Incoming {
    chunks: BodyDataStream,
    held: ReservedBody,
    most: usize,
    said: Option<usize>,
    until: Instant,
    ended: bool,
}

impl Incoming {
    /// A body of at most `most` bytes, none of which is read yet.
    pub(super) fn new(headers: &HeaderMap, body: Body, most: usize, room: &Arc<Semaphore>) -> Result<Self, Refused> {
        let said =
            headers.get("content-length").and_then(|h| h.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
        if said.is_some_and(|n| n > most) {
            return Err(Refused::TooLarge);
        }
        let room = Room { all: room.clone(), taken: Vec::new(), bytes: 0 };
        let held = ReservedBody { bytes: Vec::new(), room };
        Ok(Self { chunks: body.into_data_stream(), held, most, said, until: Instant::now() + PATIENCE, ended: false })
    }

    /// What came so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.held.bytes
    }

    /// Reads one part more; tells whether there was one.
    async fn more(&mut self) -> Result<bool, Refused> {
        if self.ended {
            return Ok(false);
        }
        let next = timeout_at(self.until, timeout(SILENCE, self.chunks.next())).await;
        let next = next.map_err(|_| Refused::Broken)?.map_err(|_| Refused::Broken)?;
        let Some(chunk) = next else {
            self.ended = true;
            return Ok(false);
        };
        let chunk = chunk.map_err(|_| Refused::Broken)?;
        let length = self.held.bytes.len() + chunk.len();
        if length > self.most {
            return Err(Refused::TooLarge);
        }
        if !self.held.room.reaches(length) {
            return Err(Refused::Busy);
        }
        self.held.bytes.extend_from_slice(&chunk);
        Ok(true)
    }

    /// Reads until what came is enough, or to the end.
    pub(super) async fn until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<(), Refused> {
        while !enough(&self.held.bytes) && self.more().await? {}
        Ok(())
    }

    /// Reads to the end.
    pub(super) async fn whole(mut self) -> Result<ReservedBody, Refused> {
        while self.more().await? {}
        Ok(self.held)
    }

    /// Reads a short rest and drops it: a connection that is closed on a sender who is still writing loses the answer.
    pub(super) async fn drop_rest(mut self) {
        if self.said.is_none_or(|said| said > DRAINED_BYTES) {
            return;
        }
        let reading = async { while let Some(Ok(_)) = self.chunks.next().await {} };
        // A sender that is too slow for this doesn't hear.
        let _ = timeout(Duration::from_secs(2), reading).await;
    }
}

/// Reads a body of at most `most` bytes, with room taken for it while it comes.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    room: &Arc<Semaphore>,
) -> Result<ReservedBody, Refused> {
    Incoming::new(headers, body, most, room)?.whole().await
}
