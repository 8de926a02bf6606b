//! Items that are kept whole.

use serde_json::{Value, json};

use super::{Around, crash::is_dump_item, digest16, tags, taken::EnvelopeLog, used};
use crate::{
    guard::Scrubber,
    model::{EventId, Timestamp, Untrusted},
    native::DUMP_TYPE,
    protocol::{
        self, Item, ItemType,
        event::{parse_event, parse_user},
        timestamp,
    },
    replay::{self, rewritten},
    store::{EntryUse, ItemKind, ItemRecord, Record},
};

/// A file: an attachment of the envelope's event, without secrets if it is text; a segment of its replay, as it came.
pub(super) fn file(item: &Item<'_>, around: &Around<'_>, taken: &EnvelopeLog) -> Result<Record, &'static str> {
    let header = |key: &str| {
        let said = item.header.get(key).and_then(protocol::name)?;
        Some(Untrusted::from(around.scrubber.plain(said.raw())))
    };
    let recording = item.ty != ItemType::Attachment;
    // What is beside it knows better than the envelope's header, as with the event itself.
    let parent = if recording { taken.replay() } else { taken.event() }.or(around.envelope.event_id);
    if recording && parent.is_none() {
        return Err("a recording without the id of its replay");
    }
    let name = header("filename");
    let called = name.as_ref().map_or("", Untrusted::raw).as_bytes();
    Ok(Record::Item(Box::new(ItemRecord {
        kind: if recording { ItemKind::ReplayRecording } else { ItemKind::Attachment },
        timestamp: around.envelope.sent_at.map_or(around.clock.received(), |sent| around.clock.correct(sent)),
        parent,
        trace_id: None,
        segment: recording.then(|| segment_of(item.payload)).flatten(),
        release: None,
        environment: None,
        user: None,
        dedupe: Some(digest16(&[item.ty.as_str().as_bytes(), &bytes_of(parent), called, item.payload])),
        used: None,
        name,
        content_type: if is_dump_item(item) { Some(DUMP_TYPE.into()) } else { header("content_type") },
        body: match item.ty {
            ItemType::ReplayRecording => {
                let scrubbed = |json: &str| around.scrubber.json(json, taken.user());
                rewritten(item.payload, &replay::Limits::default(), scrubbed)
            }
            // A film of a screen: nothing in it is text. A dump is read by the server, and shown to nobody.
            ItemType::ReplayVideo => item.payload.to_vec(),
            _ if is_dump_item(item) => item.payload.to_vec(),
            _ => around.scrubber.file(item.payload, taken.user()),
        },
    })))
}

/// A recording begins with a line such as `{"segment_id":3}`.
fn segment_of(payload: &[u8]) -> Option<u64> {
    let line = payload.split(|b| *b == b'\n').next()?;
    serde_json::from_slice::<Value>(line).ok()?.get("segment_id")?.as_u64()
}

/// Metrics of the old kind: lines of text.
pub(super) fn statsd(item: &Item<'_>, around: &Around<'_>) -> Record {
    let mut text = Value::String(String::from_utf8_lossy(item.payload).into_owned());
    around.scrubber.event(&mut text);
    let body = match text {
        Value::String(text) => text.into_bytes(),
        other => other.to_string().into_bytes(),
    };
    Record::Item(Box::new(ItemRecord {
        timestamp: time_of(&Value::Null, around),
        dedupe: Some(digest16(&[b"statsd", item.payload])),
        body,
        ..bare(ItemKind::Metric, around.clock.received())
    }))
}

/// An item that is one JSON value.
pub(super) fn whole(item: &Item<'_>, mut json: Value, around: &Around<'_>) -> Result<Record, &'static str> {
    // Whom it concerns is read before pseudonyms take the place of names, so that it is whom events name.
    let user =
        parse_user(&json).as_ref().and_then(|user| user.identity()).map(|id| around.scrubber.pseudonyms().user(id));
    hide_writer(item.ty, &mut json, around.scrubber);
    around.scrubber.event(&mut json);
    let Place { kind, parent, name, own } = place(item.ty, &json, around);
    if kind == ItemKind::ReplayEvent && parent.is_none() {
        return Err("a replay without its id");
    }
    let named = |key: &str| json.get(key).and_then(protocol::name);
    let segment = (kind == ItemKind::ReplayEvent).then(|| json.get("segment_id").and_then(Value::as_u64)).flatten();
    let state = named("status").unwrap_or_default();
    let dedupe = match own.filter(|id| id.0 != 0) {
        Some(own) => {
            // Two tabs of one session count their segments alike; they began at different moments.
            let began = json.get("replay_start_timestamp").and_then(Value::as_f64).unwrap_or(0.0).to_be_bytes();
            let segment = segment.unwrap_or(0).to_be_bytes();
            digest16(&[item.ty.as_str().as_bytes(), &bytes_of(Some(own)), &segment, &began, state.raw().as_bytes()])
        }
        None => digest16(&[item.ty.as_str().as_bytes(), item.payload]),
    };
    let timestamp = time_of(&json, around);
    let used = match kind {
        ItemKind::Transaction => {
            // Tags are of use where they tell somebody from others.
            let tags = user.map(|_| tags::of_request(&parse_event(&json, EventId(0), around.clock)));
            Some(used::by_transaction(&json, timestamp, user, tags.unwrap_or_default()))
        }
        ItemKind::Profile | ItemKind::Metric => None,
        _ => Some(EntryUse::sign(timestamp, user, None)),
    };
    Ok(Record::Item(Box::new(ItemRecord {
        timestamp,
        used: used.map(Box::new),
        parent,
        trace_id: trace_of(&json, around),
        segment,
        release: named("release"),
        environment: named("environment"),
        user,
        name,
        body: json.to_string().into_bytes(),
        dedupe: Some(dedupe),
        ..bare(kind, around.clock.received())
    })))
}

/// What an item belongs to, what it is called, and the id that makes it count once.
struct Place {
    kind: ItemKind,
    parent: Option<EventId>,
    name: Option<Untrusted>,
    own: Option<EventId>,
}

fn place(ty: ItemType, json: &Value, around: &Around<'_>) -> Place {
    let envelope = around.envelope.event_id;
    let id = |path: &str| json.pointer(path).and_then(Value::as_str).and_then(|id| id.parse::<EventId>().ok());
    let name = |path: &str| json.pointer(path).and_then(protocol::name);
    let own = id("/event_id").or(envelope);
    match ty {
        ItemType::Transaction => {
            Place { kind: ItemKind::Transaction, parent: id("/event_id"), name: name("/transaction"), own }
        }
        ItemType::ReplayEvent => {
            let replay = id("/replay_id").or(envelope);
            Place { kind: ItemKind::ReplayEvent, parent: replay, name: None, own: replay }
        }
        ItemType::Feedback => {
            let about = id("/contexts/feedback/associated_event_id");
            Place { kind: ItemKind::Feedback, parent: about, name: None, own }
        }
        // Somebody may report twice on one event.
        ItemType::UserReport => {
            Place { kind: ItemKind::Feedback, parent: id("/event_id").or(envelope), name: None, own: None }
        }
        ItemType::CheckIn => {
            let check_in = id("/check_in_id");
            Place { kind: ItemKind::CheckIn, parent: check_in, name: name("/monitor_slug"), own: check_in }
        }
        ItemType::Profile => {
            let parent = id("/transaction/id").or_else(|| id("/transactions/0/id")).or(envelope);
            Place { kind: ItemKind::Profile, parent, name: name("/transaction/name"), own: id("/event_id") }
        }
        ItemType::ProfileChunk => {
            Place { kind: ItemKind::Profile, parent: id("/profiler_id"), name: None, own: id("/chunk_id") }
        }
        _ => Place { kind: ItemKind::Metric, parent: None, name: None, own: None },
    }
}

/// Reports name who wrote them in fields of their own; those get the pseudonyms that a user's fields get.
fn hide_writer(ty: ItemType, json: &mut Value, scrubber: &Scrubber) {
    let fields = match ty {
        ItemType::UserReport => Some(json),
        ItemType::Feedback => json.pointer_mut("/contexts/feedback"),
        _ => None,
    };
    let Some(Value::Object(fields)) = fields else { return };
    for (key, meaning) in [("name", "name"), ("email", "email"), ("contact_email", "email")] {
        if let Some(field) = fields.get_mut(key) {
            let mut user = json!({ "user": { meaning: field.take() } });
            scrubber.event(&mut user);
            *field = user["user"][meaning].take();
        }
    }
}

fn bare(kind: ItemKind, timestamp: Timestamp) -> ItemRecord {
    ItemRecord {
        kind,
        timestamp,
        parent: None,
        trace_id: None,
        segment: None,
        release: None,
        environment: None,
        user: None,
        name: None,
        content_type: None,
        body: Vec::new(),
        dedupe: None,
        used: None,
    }
}

/// When it happened: as it says, else when it was sent, else when it came.
pub(super) fn time_of(json: &Value, around: &Around<'_>) -> Timestamp {
    let own = json.get("timestamp").or_else(|| json.get("end_timestamp")).and_then(timestamp);
    own.or(around.envelope.sent_at).map_or(around.clock.received(), |t| around.clock.correct(t))
}

/// The trace that it belongs to: as it says, else its envelope's.
pub(super) fn trace_of(json: &Value, around: &Around<'_>) -> Option<Untrusted> {
    let in_context = || json.get("contexts")?.get("trace")?.get("trace_id")?.as_str();
    let own = json.get("trace_id").and_then(Value::as_str).or_else(in_context);
    own.or(around.envelope.trace_id.as_deref()).map(Into::into)
}

fn bytes_of(id: Option<EventId>) -> [u8; 16] {
    id.map_or([0; 16], |id| id.0.to_be_bytes())
}
