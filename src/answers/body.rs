//! A stored event as the model has it.
//! It uses `protocol`.
//! It never stores.

use serde_json::Value;

use crate::{
    model::{Event, EventId, Timestamp},
    protocol::{Clock, ClockPolicy, event::parse_event},
};

/// Reads an event's JSON; its id and time are those that it was stored under.
pub(crate) fn json_to_event(json: &Value, id: EventId, timestamp: Timestamp) -> Event {
    // Ingestion has corrected the times already.
    let event = parse_event(json, id, &Clock::new(ClockPolicy::AsSent, timestamp, None));
    Event { id, timestamp, ..event }
}
