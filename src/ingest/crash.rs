//! Crashes of native programs: a dump and what was sent with it become one event.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Around, Names, event, id_of, taken::EnvelopeLog};
use crate::{
    model::EventId,
    native::{DUMP_TYPE, is_dump, is_report, merge, read_dump, read_report, report_type, unreadable},
    protocol::{CrashForm, Envelope, Item, ItemType, Limits, decode_body},
    store::Record,
};

/// A dump with what its form said besides.
pub(super) struct Dump<'a> {
    bytes: Cow<'a, [u8]>,
    annotations: &'a [(String, String)],
}

impl<'a> Dump<'a> {
    /// The dump among an envelope's files, or what a system wrote down of a crash as text.
    pub(super) fn of_items(items: &[Item<'a>], limits: &Limits) -> Option<Self> {
        let report = |item: &&Item<'_>| item.ty == ItemType::Attachment && is_report(item.payload);
        let item = items.iter().find(|item| is_dump_item(item)).or_else(|| items.iter().find(report))?;
        let limits = Limits { compressed_bytes: limits.attachment_bytes, ..*limits };
        let bytes = decode_body(None, item.payload, &limits).unwrap_or(Cow::Borrowed(item.payload));
        Some(Self { bytes, annotations: &[] })
    }

    /// The dump of a form.
    pub(super) fn of_form(form: &'a CrashForm) -> Self {
        let report = form.files.iter().map(|part| &part.bytes).find(|bytes| form.dump.is_empty() && is_report(bytes));
        Self { bytes: Cow::Borrowed(report.unwrap_or(&form.dump)), annotations: &form.annotations }
    }

    /// Puts into an event what the dump tells.
    pub(super) fn tell(&self, event: &mut Value, names: &Names<'_>) {
        if is_report(&self.bytes) {
            return self.tell_report(event);
        }
        match read_dump(&self.bytes, names.symbols, names.project) {
            Some(found) => merge(event, found, self.annotations),
            None if self.bytes.is_empty() => unreadable(event, "no dump came with the report", self.annotations),
            None => unreadable(event, "its dump can't be read", self.annotations),
        }
    }

    /// A report says less than an SDK that read stacks itself.
    fn tell_report(&self, event: &mut Value) {
        if has_stacks(event) {
            return;
        }
        match read_report(&self.bytes) {
            Some(found) => merge(event, found, self.annotations),
            None => unreadable(event, "its report can't be read", self.annotations),
        }
    }
}

/// Whether an event has stacks of its own.
fn has_stacks(event: &Value) -> bool {
    ["exception", "threads"].iter().any(|key| event.get(key).is_some_and(|value| !value.is_null()))
}

/// Whether an attachment is a dump: SDKs say so, and its first bytes do.
pub(super) fn is_dump_item(item: &Item<'_>) -> bool {
    let said = |key: &str| item.header.get(key).and_then(Value::as_str).unwrap_or("");
    item.ty == ItemType::Attachment
        && !is_report(item.payload)
        && (said("attachment_type") == "event.minidump"
            || is_dump(item.payload) && said("filename").to_ascii_lowercase().ends_with(".dmp"))
}

/// A form as the envelope that an SDK would have sent.
pub(super) fn envelope_of<'a>(form: &'a CrashForm, event: &'a [u8], id: EventId) -> Envelope<'a> {
    let own = form.event.get("event_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let file = |index: usize, name: &str, ty: Option<&str>, kind: Option<&str>, payload: &'a [u8]| Item {
        index,
        ty: ItemType::Attachment,
        header: json!({ "filename": name, "content_type": ty, "attachment_type": kind }),
        payload,
    };
    let mut items = vec![Item { index: 0, ty: ItemType::Event, header: json!({}), payload: event }];
    if !form.dump.is_empty() {
        let name = form.dump_name.as_deref().unwrap_or("minidump.dmp");
        items.push(match is_report(&form.dump) {
            true => file(1, name, Some(report_type(&form.dump)), None, &form.dump),
            false => file(1, name, Some(DUMP_TYPE), Some("event.minidump"), &form.dump),
        });
    }
    for (at, part) in form.files.iter().enumerate() {
        let name = part.file.as_deref().unwrap_or(&part.name);
        items.push(file(at + 2, name, part.content_type.as_deref(), None, &part.bytes));
    }
    let (sent_at, dsn, trace_id) = (None, None, None);
    Envelope { event_id: Some(own.unwrap_or(id)), sent_at, dsn, trace_id, items, faults: Vec::new() }
}

/// A dump that came without an event is one.
pub(super) fn event_alone(around: &Around<'_>, taken: &mut EnvelopeLog) {
    let Some(dump) = around.dump else { return };
    let id = around.envelope.event_id.unwrap_or_else(|| id_of(&dump.bytes));
    let mut json = json!({});
    dump.tell(&mut json, &around.names);
    let record = event::record(json, id, around.clock, around.scrubber, &around.names);
    taken.keep(Record::Event(Box::new(record)));
}
