//! Items that are no events: sessions, and what is kept whole.

use serde_json::Value;

use super::digest16;
use crate::{
    guard::{Pseudonyms, Scrubber},
    model::{EventId, Timestamp, Untrusted, UserKey},
    protocol::{self, Clock, Envelope, Item, ItemType, timestamp},
    store::{ItemKind, ItemRecord, Outcome, Record, SessionRecord, SessionsRecord},
};

/// Most lines of a container of logs, spans or metrics.
const LINES: usize = 1_000;

pub(super) fn session(json: &Value, clock: &Clock, pseudonyms: &Pseudonyms) -> Result<SessionRecord, &'static str> {
    let update = protocol::session(json, clock)?;
    Ok(SessionRecord {
        sid: digest16(&[b"session", update.sid.raw().as_bytes()]),
        user: update.did.as_ref().map(|did| pseudonyms.user(did)),
        started: update.started,
        timestamp: update.timestamp,
        status: update.status,
        errors: update.errors,
        release: update.attributes.release,
        environment: update.attributes.environment,
        user_agent: update.attributes.user_agent,
    })
}

pub(super) fn sessions(
    json: &Value,
    clock: &Clock,
    pseudonyms: &Pseudonyms,
) -> Result<Vec<SessionsRecord>, &'static str> {
    let lines = protocol::aggregates(json, clock)?.into_iter().map(|line| SessionsRecord {
        started: line.started,
        user: line.did.as_ref().map(|did| pseudonyms.user(did)),
        exited: line.exited,
        errored: line.errored,
        crashed: line.crashed,
        abnormal: line.abnormal,
        unhandled: line.unhandled,
        release: line.attributes.release,
        environment: line.attributes.environment,
    });
    Ok(lines.collect())
}

/// What the SDK itself dropped. Reasons and categories are the protocol's: others are counted as such.
pub(super) fn discarded(json: &Value) -> Vec<Outcome> {
    const REASONS: &[&str] = &[
        "sample_rate",
        "event_processor",
        "before_send",
        "ratelimit_backoff",
        "network_error",
        "queue_overflow",
        "cache_overflow",
        "send_error",
        "internal_sdk_error",
        "insufficient_data",
        "backpressure",
        "no_parent_span",
        "ignored",
    ];
    const CATEGORIES: &[&str] = &[
        "error",
        "default",
        "transaction",
        "span",
        "session",
        "attachment",
        "replay",
        "profile",
        "log_item",
        "log_byte",
        "monitor",
        "feedback",
        "metric_bucket",
        "trace_metric",
    ];
    let known = |list: &[&'static str], value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or("");
        list.iter().copied().find(|known| *known == text).unwrap_or("other")
    };
    let lists = ["discarded_events", "rate_limited_events", "filtered_events"];
    let lines = lists.iter().filter_map(|key| json.get(*key)).filter_map(Value::as_array).flatten().take(LINES);
    lines
        .map(|line| Outcome {
            item: known(CATEGORIES, line.get("category")),
            outcome: "dropped_by_sdk",
            reason: known(REASONS, line.get("reason")),
            quantity: line.get("quantity").and_then(Value::as_u64).unwrap_or(1).min(1 << 32),
        })
        .collect()
}

/// An item that is no JSON: a recording as it came, a file that is text without secrets.
pub(super) fn raw(
    item: &Item<'_>,
    envelope: &Envelope<'_>,
    clock: &Clock,
    scrubber: &Scrubber,
) -> Result<Record, &'static str> {
    let header = |key: &str| {
        let text = item.header.get(key).and_then(Value::as_str).filter(|t| !t.is_empty())?;
        Some(Untrusted::from(scrubber.plain(text)))
    };
    let kind = match item.ty {
        ItemType::ReplayRecording | ItemType::ReplayVideo => ItemKind::ReplayRecording,
        ItemType::Statsd => ItemKind::Metric,
        _ => ItemKind::Attachment,
    };
    let segment = (kind == ItemKind::ReplayRecording).then(|| segment_of(item.payload)).flatten();
    if kind == ItemKind::ReplayRecording && envelope.event_id.is_none() {
        return Err("a recording without the id of its replay");
    }
    Ok(Record::Item(Box::new(ItemRecord {
        kind,
        timestamp: envelope.sent_at.map_or(clock.received(), |sent| clock.correct(sent)),
        parent: envelope.event_id,
        trace_id: None,
        segment,
        release: None,
        environment: None,
        user: None,
        name: header("filename"),
        content_type: header("content_type"),
        dedupe: Some(digest16(&[b"raw", &parent_bytes(envelope.event_id), item.payload])),
        body: match std::str::from_utf8(item.payload) {
            Ok(text) if kind != ItemKind::ReplayRecording => scrubber.plain(text).into_bytes(),
            _ => item.payload.to_vec(),
        },
    })))
}

/// A recording begins with a line such as `{"segment_id":3}`.
fn segment_of(payload: &[u8]) -> Option<u64> {
    let line = payload.split(|b| *b == b'\n').next()?;
    serde_json::from_slice::<Value>(line).ok()?.get("segment_id")?.as_u64()
}

/// An item that is one JSON object.
pub(super) fn whole(
    item: &Item<'_>,
    json: &Value,
    envelope: &Envelope<'_>,
    clock: &Clock,
    pseudonyms: &Pseudonyms,
) -> Result<Record, &'static str> {
    let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    let id = |key: &str| text(key).and_then(|t| t.parse::<EventId>().ok());
    let feedback = |key: &str| {
        json.get("contexts").and_then(|c| c.get("feedback")).and_then(|f| f.get(key)).and_then(Value::as_str)
    };
    let (kind, parent, name) = match item.ty {
        ItemType::Transaction => (ItemKind::Transaction, id("event_id"), text("transaction")),
        ItemType::ReplayEvent => (ItemKind::ReplayEvent, id("replay_id").or(envelope.event_id), None),
        ItemType::Feedback => (ItemKind::Feedback, feedback("associated_event_id").and_then(|t| t.parse().ok()), None),
        ItemType::UserReport => (ItemKind::Feedback, id("event_id").or(envelope.event_id), None),
        ItemType::CheckIn => (ItemKind::CheckIn, id("check_in_id"), text("monitor_slug")),
        ItemType::Profile | ItemType::ProfileChunk => (ItemKind::Profile, id("event_id"), None),
        _ => (ItemKind::Metric, None, None),
    };
    if kind == ItemKind::ReplayEvent && parent.is_none() {
        return Err("a replay without its id");
    }
    let segment = (kind == ItemKind::ReplayEvent).then(|| json.get("segment_id").and_then(Value::as_u64)).flatten();
    let own = id("event_id").or(parent).or(envelope.event_id);
    let state = text("status").unwrap_or("");
    let identity = json.get("user").and_then(|u| u.get("id").or_else(|| u.get("username"))).and_then(Value::as_str);
    Ok(Record::Item(Box::new(ItemRecord {
        kind,
        timestamp: time_of(json, envelope, clock),
        parent,
        trace_id: trace_of(json, envelope),
        segment,
        release: text("release").map(Into::into),
        environment: text("environment").map(Into::into),
        user: identity.map(|identity| pseudonyms.user(&identity.into())),
        name: name.map(Into::into),
        content_type: None,
        dedupe: own.map(|own| {
            let segment = segment.unwrap_or(0).to_be_bytes();
            digest16(&[item.ty.as_str().as_bytes(), &parent_bytes(Some(own)), &segment, state.as_bytes()])
        }),
        body: json.to_string().into_bytes(),
    })))
}

/// The lines of a container: logs, spans, metrics.
pub(super) fn container(
    item: &Item<'_>,
    json: Value,
    envelope: &Envelope<'_>,
    clock: &Clock,
    scrubber: &Scrubber,
) -> Vec<Record> {
    let kind = match item.ty {
        ItemType::Log | ItemType::OtelLog => ItemKind::Log,
        ItemType::Span | ItemType::OtelSpan => ItemKind::Span,
        _ => ItemKind::Metric,
    };
    // Without `items` the payload is one line by itself.
    let lines = match json {
        Value::Object(mut map) => match map.remove("items") {
            Some(Value::Array(lines)) => lines,
            _ => vec![Value::Object(map)],
        },
        other => vec![other],
    };
    lines.into_iter().take(LINES).map(|line| line_record(kind, line, envelope, clock, scrubber)).collect()
}

fn line_record(kind: ItemKind, mut line: Value, envelope: &Envelope<'_>, clock: &Clock, scrubber: &Scrubber) -> Record {
    let attribute = |line: &Value, key: &str| {
        let value = line.get("attributes").and_then(|a| a.get(key)).and_then(|a| a.get("value"))?;
        value.as_str().map(Untrusted::from)
    };
    let user: Option<UserKey> = attribute(&line, "user.id").map(|id| scrubber.pseudonyms().user(&id));
    let dedupe = Some(digest16(&[b"line", &[kind.code() as u8], line.to_string().as_bytes()]));
    scrubber.event(&mut line);
    Record::Item(Box::new(ItemRecord {
        kind,
        timestamp: time_of(&line, envelope, clock),
        parent: None,
        trace_id: trace_of(&line, envelope),
        segment: None,
        release: attribute(&line, "sentry.release"),
        environment: attribute(&line, "sentry.environment"),
        user,
        name: line.get("name").and_then(Value::as_str).map(Into::into),
        content_type: None,
        body: line.to_string().into_bytes(),
        dedupe,
    }))
}

fn time_of(json: &Value, envelope: &Envelope<'_>, clock: &Clock) -> Timestamp {
    let own = json.get("timestamp").or_else(|| json.get("end_timestamp")).and_then(timestamp);
    own.or(envelope.sent_at).map_or(clock.received(), |t| clock.correct(t))
}

fn trace_of(json: &Value, envelope: &Envelope<'_>) -> Option<Untrusted> {
    let in_context = || json.get("contexts")?.get("trace")?.get("trace_id")?.as_str();
    let own = json.get("trace_id").and_then(Value::as_str).or_else(in_context);
    own.or(envelope.trace_id.as_deref()).map(Into::into)
}

fn parent_bytes(id: Option<EventId>) -> [u8; 16] {
    id.map_or([0; 16], |id| id.0.to_be_bytes())
}
