//! What went before a failure: earlier logs of its trace, and requests that were made for it.

use serde_json::{Value, json};

use super::{
    failure::Failure,
    part::{Attributes, LogLine, Part, SpanLine},
};

/// Most breadcrumbs of an event: those nearest before it.
const MOST: usize = 50;

pub(super) fn of(failure: &Failure<'_>, parts: &[(u64, Part)]) -> Vec<Value> {
    let part = &parts[failure.part].1;
    let own = || parts.iter().map(|(_, other)| other).filter(|o| o.service == part.service && o.trace == part.trace);
    let told = failure.log();
    let logs = own().flat_map(|part| &part.logs).filter(|log| {
        log.at <= failure.at && log.thrown.is_none() && told.is_none_or(|told| !std::ptr::eq(told, *log))
    });
    let spans = own().flat_map(|part| &part.spans).filter(|span| span.kind == "client" && span.start <= failure.at);
    let mut crumbs: Vec<(i64, Value)> =
        logs.map(|log| (log.at, of_log(log))).chain(spans.map(|span| (span.start, of_span(span)))).collect();
    crumbs.sort_by_key(|(at, _)| *at);
    crumbs.drain(..crumbs.len().saturating_sub(MOST));
    crumbs.into_iter().map(|(_, crumb)| crumb).collect()
}

fn of_log(log: &LogLine) -> Value {
    let category = if log.event.is_empty() { &log.logger } else { &log.event };
    let message = match (log.body.is_empty(), log.event.as_str()) {
        (false, _) => log.body.clone(),
        (true, "browser.user_action.click") => selector(&log.attributes),
        (true, event) => event.to_owned(),
    };
    let category = if category == "browser.user_action.click" { "ui.click" } else { category.as_str() };
    json!({ "timestamp": seconds(log.at), "category": category, "level": log.level, "message": message,
        "data": few(&log.attributes) })
}

fn of_span(span: &SpanLine) -> Value {
    let database = span.text(&["db.system.name", "db.system"]).is_some();
    let (ty, category) = if database { ("query", "query") } else { ("http", "http") };
    let message = span.text(&["db.query.text", "db.statement"]).unwrap_or(&span.name);
    let level = if span.status == "error" { "error" } else { "info" };
    let data = json!({
        "method": span.text(&["http.request.method", "http.method"]),
        "url": span.text(&["url.full", "http.url"]),
        "status_code": span.http_status(),
        "error": (!span.said.is_empty()).then_some(&span.said),
        "duration_ms": (span.end - span.start) as f64 / 1_000.0,
    });
    let data: Attributes = match data {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Attributes::new(),
    };
    json!({ "timestamp": seconds(span.start), "type": ty, "category": category, "level": level, "message": message,
        "data": data })
}

/// Microseconds as Sentry events write times.
pub(super) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

fn selector(attributes: &Attributes) -> String {
    let text = |key: &str| attributes.get(key).and_then(Value::as_str).unwrap_or("");
    let selector = text("browser.css_selector");
    if selector.is_empty() { text("browser.tag_name").to_owned() } else { selector.to_owned() }
}

/// Attributes that are single values, not ids.
fn few(attributes: &Attributes) -> Attributes {
    let single = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    let telling = |key: &str| !["user.", "enduser.", "session.", "code.", "thread."].iter().any(|p| key.starts_with(p));
    attributes
        .iter()
        .filter(|(key, value)| single(value) && telling(key))
        .take(12)
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}
