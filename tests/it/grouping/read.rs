//! Reads captured events as ingestion does.

use prodsignal::{
    model::{Event, EventId, Timestamp},
    protocol::{Clock, ClockPolicy, event::parse_event},
};
use serde_json::Value;

/// An event as grouping sees it.
pub fn event(json: &Value) -> Event {
    parse_event(json, EventId(0), &Clock::new(ClockPolicy::AsSent, Timestamp::UNIX_EPOCH, None))
}
