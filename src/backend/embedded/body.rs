//! A stored event as the model has it.
//! It uses `protocol`.
//! It never stores.

use crate::{
    model::{Event, EventId, Timestamp},
    store::StoreError,
};

/// Reads an event's body; its id and time are those that it was stored under.
pub(super) fn body_to_event(body: &[u8], id: EventId, timestamp: Timestamp) -> Result<Event, StoreError> {
    let _ = (body, id, timestamp);
    Err(StoreError::Unsupported(""))
}
