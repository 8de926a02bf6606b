//! A failure becomes an event as a Sentry SDK would have sent it.

use serde_json::{Map, Value, json};

use super::{
    breadcrumbs,
    breadcrumbs::seconds,
    cluster::{ExceptionRecord, text},
    conditions,
    failure::{Failure, What},
    join::shape,
    part::{Attributes, LogLine, Part, SpanLine},
    place::is_by_job,
};
use crate::{
    grouping,
    guard::show_user,
    ingest::{Ingest, digest16, event},
    model::{EventId, Timestamp, UserKey},
    protocol::{Clock, ClockPolicy},
    store::{EventRecord, FailureKey, Joined},
};

/// How many folders above a file may be the root that its module is named from.
const ROOTS: usize = 5;

/// Makes the record of a failure.
pub(super) fn joined(failure: &Failure<'_>, parts: &[(u64, Part)], ingest: &Ingest, received: Timestamp) -> Joined {
    let (project, part) = (parts[failure.part].0, &parts[failure.part].1);
    let user = user_of(failure, parts);
    let json = json_of(failure, parts, user);
    let clock = Clock::new(ClockPolicy::AsSent, received, None);
    let mut record = event::record(json, id_of(failure, part), &clock, &ingest.scrubber, &ingest.names(project));
    record.user = user;
    record.unattended = user.is_none() && failure.entry.is_some_and(|entry| is_by_job(entry, parts));
    also_by_module(&mut record);
    if let What::Logged(log) = &failure.what {
        record.group.also.extend(place_of(log, part));
    }
    record.key = Some(FailureKey::new(None, failure.said().into_iter()));
    Joined { project, event: record, reported_as: failure.reported_as }
}

/// Stays what it is while further records of the same failure come in.
fn id_of(failure: &Failure<'_>, part: &Part) -> EventId {
    let trace = part.trace.clone().unwrap_or_else(|| failure.at.to_string());
    let (kind, what) = match &failure.what {
        What::Thrown(told) => ("thrown", root_of(told)),
        What::Logged(log) => ("logged", shape(&log.body)),
        What::Ended(_) => ("ended", failure.entry.map(|entry| entry.span.id.clone()).unwrap_or_default()),
    };
    let parts = ["otel", &part.service, &trace, kind, &what];
    EventId(u128::from_be_bytes(digest16(&parts.map(str::as_bytes))))
}

/// Type and place of the root cause.
fn root_of(told: &[ExceptionRecord<'_>]) -> String {
    let Some(root) = told.first().and_then(|told| told.thrown.values.first()) else { return String::new() };
    let frame = root.pointer("/stacktrace/frames").and_then(Value::as_array).and_then(|frames| frames.last());
    let place = frame.map_or(String::new(), |frame| format!("{} {}", text(frame, "function"), text(frame, "filename")));
    format!(
        "{} {place} {}",
        text(root, "type"),
        if place.is_empty() { shape(text(root, "value")) } else { String::new() }
    )
}

/// The user of the record, else of what it stands in, else of the trace.
fn user_of(failure: &Failure<'_>, parts: &[(u64, Part)]) -> Option<UserKey> {
    let part = &parts[failure.part].1;
    let own = failure.log().and_then(|log| log.user.as_ref()).or_else(|| failure.span?.user.as_ref());
    let entry = || failure.entry.and_then(|entry| entry.span.user.as_ref());
    let of = |part: &'_ Part| -> Option<String> {
        let logs = part.logs.iter().filter_map(|log| log.user.clone());
        part.spans.iter().filter_map(|span| span.user.clone()).chain(logs).next()
    };
    let service = || parts.iter().filter(|(_, p)| p.service == part.service).find_map(|(_, p)| of(p));
    let trace = || parts.iter().find_map(|(_, part)| of(part));
    let found = own.or_else(entry).cloned().or_else(service).or_else(|| part.trace.as_ref().and_then(|_| trace()))?;
    Some(UserKey(u128::from_str_radix(&found, 16).ok()?.to_be_bytes()))
}

fn json_of(failure: &Failure<'_>, parts: &[(u64, Part)], user: Option<UserKey>) -> Value {
    let part = &parts[failure.part].1;
    let entry = failure.entry.map(|entry| entry.span);
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            map.insert(key.to_owned(), value);
        }
    };
    put("timestamp", seconds(failure.at).into());
    put("platform", part.platform.as_str().into());
    put("level", level(failure).into());
    put("release", json!(part.release));
    put("environment", json!(part.environment));
    put("server_name", resource(part, &["host.name", "k8s.pod.name"]));
    put("transaction", json!(entry.filter(|e| e.kind != "client").map(SpanLine::operation)));
    put("user", user.map_or(Value::Null, |key| json!({ "id": show_user(&key) })));
    match &failure.what {
        What::Thrown(told) => put("exception", json!({ "values": exceptions(told, failure.handled) })),
        What::Logged(log) => {
            put("logentry", json!({ "message": log.body, "formatted": log.body }));
            put("logger", log.logger.as_str().into());
        }
        What::Ended(words) => put("logentry", json!({ "message": words, "formatted": words })),
    }
    put("breadcrumbs", json!({ "values": breadcrumbs::of(failure, parts) }));
    put("request", request(failure, part));
    put("tags", conditions::of_failure(failure, part));
    put("contexts", contexts(failure, parts));
    put("sdk", json!({ "name": "opentelemetry", "version": resource(part, &["telemetry.sdk.version"]) }));
    Value::Object(map)
}

fn level<'a>(failure: &Failure<'a>) -> &'a str {
    match failure.log() {
        Some(log) if failure.handled != Some(false) || log.level == "fatal" => &log.level,
        _ => "error",
    }
}

fn exceptions(told: &[ExceptionRecord<'_>], handled: Option<bool>) -> Vec<Value> {
    let mut values = told.first().map(|told| told.thrown.values.clone()).unwrap_or_default();
    if let Some(outer) = values.last_mut() {
        let mechanism = json!({ "type": "otel", "handled": handled });
        match outer.get_mut("mechanism") {
            Some(Value::Object(known)) => {
                known.insert("type".into(), "otel".into());
                known.insert("handled".into(), json!(handled));
            }
            _ => outer["mechanism"] = mechanism,
        }
    }
    values
}

fn resource(part: &Part, keys: &[&str]) -> Value {
    keys.iter().find_map(|key| part.resource.get(*key)).cloned().unwrap_or(Value::Null)
}

fn request(failure: &Failure<'_>, part: &Part) -> Value {
    let entry = failure.entry.map(|entry| entry.span).filter(|entry| entry.kind != "client");
    let of_log = || failure.log().and_then(|log| log.attributes.get("url.full")).cloned();
    let of_span = || failure.span.and_then(|span| span.attributes.get("url.full")).cloned();
    let url = entry.and_then(url_of).map(Value::String).or_else(of_log).or_else(of_span);
    let agent = entry.and_then(|e| e.text(&["user_agent.original", "http.user_agent"])).map(Value::from);
    let agent = agent.or_else(|| part.resource.get("user_agent.original").cloned());
    if url.is_none() && agent.is_none() {
        return Value::Null;
    }
    let mut request = Map::new();
    if let Some(method) = entry.and_then(|e| e.text(&["http.request.method", "http.method"])) {
        request.insert("method".into(), method.into());
    }
    if let Some(url) = url {
        request.insert("url".into(), url);
    }
    if let Some(agent) = agent {
        request.insert("headers".into(), json!({ "User-Agent": agent }));
    }
    Value::Object(request)
}

fn url_of(entry: &SpanLine) -> Option<String> {
    if let Some(url) = entry.text(&["url.full", "http.url"]) {
        return Some(url.to_owned());
    }
    let path = entry.text(&["url.path", "http.target"])?;
    let scheme = entry.text(&["url.scheme", "http.scheme"]).unwrap_or("http");
    let host = entry.text(&["server.address", "http.host", "net.host.name"]).unwrap_or("localhost");
    Some(format!("{scheme}://{host}{path}"))
}

fn contexts(failure: &Failure<'_>, parts: &[(u64, Part)]) -> Value {
    let part = &parts[failure.part].1;
    let mut contexts = Map::new();
    if let Some(trace) = &part.trace {
        let span = failure.log().and_then(|log| log.span.as_ref()).or_else(|| Some(&failure.span?.id));
        contexts.insert("trace".into(), json!({ "trace_id": trace, "span_id": span }));
    }
    let flags = flags(failure, parts);
    if !flags.is_empty() {
        contexts.insert("flags".into(), json!({ "values": flags }));
    }
    let runtime = resource(part, &["process.runtime.name"]);
    if !runtime.is_null() {
        contexts.insert(
            "runtime".into(),
            json!({ "name": runtime, "version": resource(part, &["process.runtime.version"]) }),
        );
    }
    contexts.insert("resource".into(), Value::Object(part.resource.clone()));
    Value::Object(contexts)
}

/// Flags evaluated before it happened: by span events or log events, each by its last value.
fn flags(failure: &Failure<'_>, parts: &[(u64, Part)]) -> Vec<Value> {
    let part = &parts[failure.part].1;
    let own = parts.iter().map(|(_, other)| other).filter(|o| o.service == part.service && o.trace == part.trace);
    let mut found: Vec<(i64, &str, Value)> = Vec::new();
    let note = |at: i64, attributes: &'_ Attributes| -> Option<(i64, String, Value)> {
        let (name, value) = conditions::flag(attributes)?;
        (at <= failure.at).then(|| (at, name.to_owned(), value))
    };
    let mut noted: Vec<(i64, String, Value)> = Vec::new();
    for part in own {
        let events =
            part.spans.iter().flat_map(|span| &span.events).filter(|event| event.name.starts_with("feature_flag"));
        noted.extend(events.filter_map(|event| note(event.at, &event.attributes)));
        let logs = part.logs.iter().filter(|log| log.event.starts_with("feature_flag"));
        noted.extend(logs.filter_map(|log| note(log.at, &log.attributes)));
    }
    noted.sort_by_key(|(at, ..)| *at);
    for (at, name, value) in &noted {
        found.retain(|(_, known, _)| known != name);
        found.push((*at, name, value.clone()));
    }
    found.into_iter().map(|(_, flag, result)| json!({ "flag": flag, "result": result })).collect()
}

/// Sentry SDKs name the module of a Python frame, stacks printed as text only its file. So that both find the same issue,
/// the keys are added that the frames have when one of the folders above is the root of modules.
fn also_by_module(record: &mut EventRecord) {
    if record.event.platform.as_ref().is_none_or(|p| p.raw() != "python") {
        return;
    }
    for depth in 0..ROOTS {
        let mut named = record.event.clone();
        let mut any = false;
        for frame in named.exceptions.iter_mut().flat_map(|e| &mut e.frames).filter(|f| f.in_app) {
            if let Some(module) = frame.abs_path.as_ref().and_then(|path| module_of(path.raw(), depth)) {
                frame.module = Some(module.into());
                any = true;
            }
        }
        let hash = grouping::group(&named).hash;
        if any && hash != record.group.hash && !record.group.also.contains(&hash) {
            record.group.also.push(hash);
        }
    }
}

/// Another key of a logged error: its logger, the function that wrote it or the names of what it tells beside, and those of
/// its words that no value can be. The text comes without its template, and what was put into it doesn't always look like
/// a value. The request is no part of it: that may be known only later.
fn place_of(log: &LogLine, part: &Part) -> Option<[u8; 16]> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| log.attributes.get(*key)?.as_str());
    let names: Vec<&str> = log.attributes.keys().map(String::as_str).collect();
    let names = names.join(" ");
    let place = text(&["code.function.name", "code.function"]).unwrap_or(&names);
    let plain = |word: &&str| word.chars().all(|c| c.is_lowercase() || matches!(c, '\'' | ',' | '.' | ':'));
    let words: Vec<&str> = log.body.split_whitespace().filter(plain).collect();
    let telling = words.len() >= 3;
    let parts = ["logged at", &part.service, &log.logger, place, &words.join(" ")];
    telling.then(|| digest16(&parts.map(str::as_bytes)))
}

/// `/srv/shop/pay/till.py` with one folder: `pay.till`.
fn module_of(path: &str, folders: usize) -> Option<String> {
    let path = path.strip_suffix("/__init__.py").or_else(|| path.strip_suffix(".py"))?;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    (parts.len() > folders).then(|| parts[parts.len() - 1 - folders..].join("."))
}
