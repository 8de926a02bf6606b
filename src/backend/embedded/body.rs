//! A stored event as the model has it.
//! It uses `protocol`.
//! It never stores.

use serde_json::Value;

use super::fault::Corrupt;
use crate::{
    model::{Event, EventId, Timestamp},
    protocol::{Clock, ClockPolicy, event::parse_event},
    store::StoreError,
};

/// Reads an event's body; its id and time are those that it was stored under.
pub(super) fn body_to_event(body: &[u8], id: EventId, timestamp: Timestamp) -> Result<Event, StoreError> {
    let json: Value = serde_json::from_slice(body).map_err(|_| Corrupt("event"))?;
    Ok(json_to_event(&json, id, timestamp))
}

/// The same of a body that is JSON already.
pub(super) fn json_to_event(json: &Value, id: EventId, timestamp: Timestamp) -> Event {
    // Ingestion has corrected the times already.
    let event = parse_event(json, id, &Clock::new(ClockPolicy::AsSent, timestamp, None));
    Event { id, timestamp, ..event }
}
