//! Bodies, read within bounds of size, time and memory.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::HeaderMap};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one permit of the room for bodies stands for.
pub(super) const PERMIT_BYTES: usize = 1024;
/// Longest that a body may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Room for a body that doesn't say how long it is; more is taken as it comes.
const UNKNOWN_BYTES: usize = 64 * 1024;

/// A body and its place in memory.
pub(super) struct Held {
    pub bytes: Vec<u8>,
    _room: Vec<OwnedSemaphorePermit>,
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

/// Reads a body of at most `most` bytes, with room taken for it before and while it comes.
pub(super) async fn read(headers: &HeaderMap, body: Body, most: usize, room: &Arc<Semaphore>) -> Result<Held, Refused> {
    let said = headers.get("content-length").and_then(|h| h.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    if said.is_some_and(|n| n > most) {
        return Err(Refused::TooLarge);
    }
    let mut held = Held { bytes: Vec::with_capacity(said.unwrap_or(0)), _room: Vec::new() };
    let mut reserved = reserve(&mut held, said.unwrap_or(UNKNOWN_BYTES), room)?;
    let reading = async {
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refused::Broken)?;
            let length = held.bytes.len() + chunk.len();
            if length > most {
                return Err(Refused::TooLarge);
            }
            if length > reserved {
                reserved += reserve(&mut held, length.max(UNKNOWN_BYTES), room)?;
            }
            held.bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reading).await.map_err(|_| Refused::Broken)??;
    Ok(held)
}

/// Takes room for so many bytes more; returns how many that are.
fn reserve(held: &mut Held, bytes: usize, room: &Arc<Semaphore>) -> Result<usize, Refused> {
    let permits = bytes.div_ceil(PERMIT_BYTES).max(1);
    let permit = room.clone().try_acquire_many_owned(u32::try_from(permits).map_err(|_| Refused::TooLarge)?);
    held._room.push(permit.map_err(|_| Refused::Busy)?);
    Ok(permits * PERMIT_BYTES)
}
