//! Containers: logs, spans and metrics, a record for each line.

use std::collections::HashMap;

use serde_json::Value;

use super::{Around, digest16, item, taken::EnvelopeLog, used};
use crate::{
    model::Untrusted,
    protocol::{self, Item, ItemType},
    store::{ItemKind, ItemRecord, Record},
};

/// Most lines of a container.
const LINES: usize = 1_000;

/// Keeps the lines; those that are broken or beyond the limit are counted.
pub(super) fn container(item: &Item<'_>, json: Value, around: &Around<'_>, taken: &mut EnvelopeLog) {
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
    taken.lose(item, "more lines than a container may have", lines.len().saturating_sub(LINES) as u64);
    let (lines, broken): (Vec<_>, Vec<_>) = lines.into_iter().take(LINES).partition(Value::is_object);
    taken.lose(item, "a line is not a JSON object", broken.len() as u64);
    let mut twins = HashMap::new();
    for line in lines {
        taken.keep(record(kind, line, around, &mut twins));
    }
}

/// `twins`: how often the same line came before. Each counts, and a container sent again has the same ones.
fn record(kind: ItemKind, mut line: Value, around: &Around<'_>, twins: &mut HashMap<[u8; 16], u64>) -> Record {
    let digest = digest16(&[b"line", &[kind.code() as u8], line.to_string().as_bytes()]);
    let before = twins.entry(digest).or_default();
    let dedupe = if *before == 0 { digest } else { digest16(&[&digest, &before.to_be_bytes()]) };
    *before += 1;
    let user = attribute(&line, "user.id").map(|id| around.scrubber.pseudonyms().user(&id));
    around.scrubber.event(&mut line);
    let timestamp = item::time_of(&line, around);
    Record::Item(Box::new(ItemRecord {
        kind,
        timestamp,
        used: Some(Box::new(used::by_line(kind, &line, timestamp, user))),
        parent: None,
        trace_id: item::trace_of(&line, around),
        segment: None,
        release: attribute(&line, "sentry.release"),
        environment: attribute(&line, "sentry.environment"),
        user,
        name: line.get("name").and_then(protocol::name),
        content_type: None,
        body: line.to_string().into_bytes(),
        dedupe: Some(dedupe),
    }))
}

fn attribute(line: &Value, key: &str) -> Option<Untrusted> {
    protocol::name(line.get("attributes")?.get(key)?.get("value")?)
}
