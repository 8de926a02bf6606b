//! A Sentry event's JSON becomes a [`Event`]. Wrong types cost the field that has them, nothing more.

mod exception;
mod frameworks;
mod image;
mod in_app;
mod message;
mod native_name;
mod parts;
mod plumbing;

use serde_json::Value;

use super::{Clock, event_id, name, timestamp};
use crate::model::{Data, Event, EventId, EventKind, Level, Sdk, Untrusted, User};

/// Where ingestion writes down by how many seconds the sender's clock was off.
pub const CLOCK_OFF: &str = "clock_off_s";

/// Most breadcrumbs, exceptions, threads that are read of an event.
const MOST: usize = 200;

/// Reads an event. `id` is taken where the event has none that can be read.
pub fn parse_event(json: &Value, id: EventId, clock: &Clock) -> Event {
    let (exceptions, suppressed) = exception::exceptions(json);
    let (message, message_template) = message::message(json);
    let contexts = parts::contexts(json);
    let trace = context(&contexts, "trace").and_then(|trace| trace.get("trace_id")).and_then(Data::text).cloned();
    let tags = parts::pairs(json.get("tags"));
    let named = |key: &str| json.get(key).and_then(name);
    Event {
        id: json.get("event_id").and_then(event_id).unwrap_or(id),
        timestamp: json.get("timestamp").and_then(timestamp).map_or(clock.received(), |t| clock.correct(t)),
        kind: if exceptions.is_empty() { EventKind::Message } else { EventKind::Error },
        level: level(json).unwrap_or_default(),
        platform: named("platform"),
        message,
        message_template,
        release: named("release"),
        dist: named("dist"),
        environment: named("environment"),
        transaction: named("transaction").or_else(|| named("culprit")),
        logger: named("logger"),
        server_name: named("server_name"),
        threads: exception::threads(json),
        breadcrumbs: parts::breadcrumbs(json, clock),
        request: json.get("request").and_then(parts::request),
        user: parse_user(json),
        flags: parts::flags(&contexts),
        sdk: sdk(json),
        trace_id: trace,
        replay_id: replay_id(&tags, &contexts),
        fingerprint: parts::texts(json.get("fingerprint")),
        clock_off_s: json.get(CLOCK_OFF).and_then(Value::as_i64),
        exceptions,
        suppressed,
        tags,
        contexts,
    }
}

/// The user of an event, transaction or replay.
pub fn parse_user(json: &Value) -> Option<User> {
    json.get("user").and_then(parts::user)
}

fn level(json: &Value) -> Option<Level> {
    json.get("level").and_then(Value::as_str).and_then(Level::parse)
}

fn sdk(json: &Value) -> Sdk {
    let sdk = json.get("sdk").unwrap_or(&Value::Null);
    Sdk { name: text(sdk, "name"), version: text(sdk, "version") }
}

/// Browsers put the replay into a tag, other SDKs into a context.
fn replay_id(tags: &[(Untrusted, Untrusted)], contexts: &[(Untrusted, Data)]) -> Option<EventId> {
    let tag = tags.iter().find(|(key, _)| key.raw() == "replayId").map(|(_, value)| value);
    let context = context(contexts, "replay").and_then(|replay| replay.get("replay_id")).and_then(Data::text);
    tag.or(context)?.raw().parse().ok()
}

fn context<'a>(contexts: &'a [(Untrusted, Data)], name: &str) -> Option<&'a Data> {
    contexts.iter().find(|(key, _)| key.raw() == name).map(|(_, data)| data)
}

/// Text of a field: a string that is not empty, or a number or truth as text.
pub(super) fn text(json: &Value, key: &str) -> Option<Untrusted> {
    as_text(json.get(key)?)
}

pub(super) fn as_text(value: &Value) -> Option<Untrusted> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
        _ => None,
    }
}

/// The list under a key: as it is, below `values`, by number as PHP writes a list with gaps, or a single object.
pub(super) fn list<'a>(json: &'a Value, key: &str) -> Vec<&'a Value> {
    let values = match json.get(key) {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Object(map)) => match map.get("values") {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(Value::Object(map)) => by_number(map).unwrap_or_default(),
            Some(_) => Vec::new(),
            None => by_number(map).unwrap_or_else(|| json.get(key).into_iter().collect()),
        },
        _ => Vec::new(),
    };
    values.into_iter().filter(|value| value.is_object()).collect()
}

/// Values whose keys are numbers, in their order.
fn by_number(map: &serde_json::Map<String, Value>) -> Option<Vec<&Value>> {
    let numbered: Option<Vec<(u64, &Value)>> =
        map.iter().map(|(key, value)| Some((key.parse().ok()?, value))).collect();
    let mut numbered = numbered.filter(|list| !list.is_empty())?;
    numbered.sort_by_key(|(number, _)| *number);
    Some(numbered.into_iter().map(|(_, value)| value).collect())
}
