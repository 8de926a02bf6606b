//! A stored event as the model has it.
//! It never stores.

use super::fault::Corrupt;
pub(super) use crate::answers::json_to_event;
use crate::{
    model::{Event, EventId, Timestamp},
    store::StoreError,
};

/// Reads an event's body; its id and time are those that it was stored under.
pub(super) fn body_to_event(body: &[u8], id: EventId, timestamp: Timestamp) -> Result<Event, StoreError> {
    let json = serde_json::from_slice(body).map_err(|_| Corrupt("event"))?;
    Ok(json_to_event(&json, id, timestamp))
}
