//! What may tell the affected from others: tags of a failure and of requests that went well, by the same names.

use serde_json::{Map, Value, json};

use super::{
    failure::{Failure, What},
    part::{Attributes, Part, SpanLine},
};
use crate::{ingest::tags_of_user_agent, model::Untrusted, store::NO_CONDITION};

/// Beginnings of attributes that name a machine, a person or a place in the code rather than a condition.
const NO_TAG: &[&str] = &[
    "client.",
    "thread.",
    "user.",
    "enduser.",
    "session.",
    "exception.",
    "code.",
    "telemetry.",
    "process.",
    "url.",
    "net.",
    "network.",
    "http.url",
    "http.target",
    "http.client_ip",
    "http.user_agent",
    "user_agent.",
    "db.statement",
    "db.query.text",
    "server.",
    "host.ip",
    "host.mac",
    "sentry.",
    "otel.",
    // How long a span of Rust's `tracing` was worked on.
    "busy_ns",
    "idle_ns",
];
/// Longest value of a tag, in bytes.
const LONGEST: usize = 200;

/// The value of an attribute that may be a condition.
fn condition(key: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    let taken = !text.is_empty() && text.len() <= LONGEST && !NO_TAG.iter().any(|no| key.starts_with(no));
    taken.then_some(text)
}

/// Tags of a failure: of its span, the request, the log, the resource.
pub(super) fn of_failure(failure: &Failure<'_>, part: &Part) -> Value {
    let mut tags = Map::new();
    let mut add = |attributes: &Attributes| {
        for (key, value) in attributes {
            if let Some(text) = condition(key, value).filter(|_| !tags.contains_key(key)) {
                tags.insert(key.clone(), text.into());
            }
        }
    };
    failure.span.into_iter().for_each(|span| add(&span.attributes));
    failure.entry.into_iter().for_each(|entry| add(&entry.span.attributes));
    failure.log().into_iter().for_each(|log| add(&log.attributes));
    add(&part.resource);
    if let What::Thrown(told) = &failure.what
        && let Some(code) = told.iter().find_map(|told| told.thrown.code.clone())
    {
        tags.insert("error.code".into(), code.into());
    }
    Value::Array(tags.into_iter().map(|(key, value)| json!([key, value])).collect())
}

/// Tags of a request: those that a failure within it would have of the request itself, the resource, its flags and its browser.
pub(super) fn of_entry(span: &SpanLine, part: &Part) -> Vec<(Untrusted, Untrusted)> {
    let mut tags: Vec<(Untrusted, Untrusted)> = Vec::new();
    let mut add = |key: &str, text: String| {
        if !NO_CONDITION.contains(&key) && !tags.iter().any(|(known, _)| known.raw() == key) {
            tags.push((key.into(), text.into()));
        }
    };
    for (key, value) in span.attributes.iter().chain(&part.resource) {
        if let Some(text) = condition(key, value) {
            add(key, text);
        }
    }
    for event in span.events.iter().filter(|event| event.name.starts_with("feature_flag")) {
        if let Some((name, value)) = flag(&event.attributes) {
            add(&format!("flag:{name}"), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    let agent = span.text(&["user_agent.original", "http.user_agent"]);
    let agent = agent.or_else(|| part.resource.get("user_agent.original")?.as_str());
    // On a server the system of the visitor is not the one that the program runs on.
    let visitor = part.platform == "javascript";
    for (key, value) in agent.map(tags_of_user_agent).unwrap_or_default() {
        if visitor || key.raw().starts_with("browser") {
            add(key.raw(), value.raw().to_owned());
        }
    }
    tags
}

/// Name and value of a flag that was evaluated.
pub(super) fn flag(attributes: &Attributes) -> Option<(&str, Value)> {
    let name = attributes.get("feature_flag.key")?.as_str()?;
    let value = ["feature_flag.result.variant", "feature_flag.variant", "feature_flag.result.value"];
    Some((name, value.iter().find_map(|key| attributes.get(*key)).cloned()?))
}
