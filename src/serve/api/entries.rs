//! The parts of an event as Sentry lists them: exceptions, message, threads, breadcrumbs, request.

use serde_json::{Value, json};

use super::shapes::{data, entries as map, maybe, some};
use crate::model::{Breadcrumb, Data, Event, Exception, Frame, Request, Thread, Untrusted, query_pairs};

/// All that the event has.
pub(super) fn of(event: &Event) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut add = |ty: &str, data: Value| entries.push(json!({ "type": ty, "data": data }));
    if !event.exceptions.is_empty() {
        // Sentry has the root cause first, as SDKs send it.
        let values: Vec<Value> = event.exceptions.iter().rev().map(exception).collect();
        add("exception", json!({ "values": values, "hasSystemFrames": has_system_frames(event), "excOmitted": null }));
    }
    if event.message.is_some() || event.message_template.is_some() {
        let template = event.message_template.as_ref().or(event.message.as_ref());
        let message = template.map(Untrusted::raw);
        add("message", json!({ "formatted": some(&event.message), "message": message, "params": null }));
    }
    if !event.threads.is_empty() {
        add("threads", json!({ "values": event.threads.iter().map(thread).collect::<Vec<_>>() }));
    }
    if !event.breadcrumbs.is_empty() {
        add("breadcrumbs", json!({ "values": event.breadcrumbs.iter().map(breadcrumb).collect::<Vec<_>>() }));
    }
    if let Some(asked) = &event.request {
        add("request", request(asked));
    }
    entries
}

fn has_system_frames(event: &Event) -> bool {
    event.exceptions.iter().any(|exception| any_in_app(&exception.frames))
}

fn exception(exception: &Exception) -> Value {
    let mechanism = &exception.mechanism;
    json!({
        "type": some(&exception.ty),
        "value": some(&exception.value),
        "module": some(&exception.module),
        "threadId": null,
        "mechanism": {
            "type": mechanism.ty.as_ref().map_or("generic", Untrusted::raw),
            "handled": mechanism.handled,
            "synthetic": mechanism.synthetic,
            "exception_id": mechanism.exception_id,
            "parent_id": mechanism.parent_id,
            "is_exception_group": mechanism.is_exception_group,
            "source": some(&mechanism.source),
        },
        "stacktrace": stack(&exception.frames),
        "rawStacktrace": stack(&exception.raw_frames),
    })
}

/// What Sentry calls `hasSystemFrames`: whether a frame is the application's own.
fn any_in_app(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.in_app)
}

fn stack(frames: &[Frame]) -> Value {
    if frames.is_empty() {
        return Value::Null;
    }
    // Sentry has the crash last, as SDKs send it.
    let list: Vec<Value> = frames.iter().rev().map(frame).collect();
    json!({ "frames": list, "framesOmitted": null, "registers": null, "hasSystemFrames": any_in_app(frames) })
}

fn frame(frame: &Frame) -> Value {
    json!({
        "filename": some(&frame.file),
        "absPath": some(&frame.abs_path),
        "module": some(&frame.module),
        "package": null,
        "platform": null,
        "function": some(&frame.function),
        "rawFunction": null,
        "lineNo": frame.line,
        "colNo": frame.column,
        "inApp": frame.in_app,
        "context": context(frame),
        "vars": map(&frame.vars),
        "instructionAddr": null,
        "symbolAddr": null,
        "symbol": null,
        "trust": null,
        "errors": null,
        "lock": null,
        "sourceLink": null,
    })
}

/// Source lines with their numbers.
fn context(frame: &Frame) -> Vec<Value> {
    let (Some(line), Some(own)) = (frame.line, &frame.context_line) else { return Vec::new() };
    let first = line.saturating_sub(frame.pre_context.len() as u64);
    let lines = frame.pre_context.iter().chain([own]).chain(&frame.post_context);
    lines.enumerate().map(|(at, text)| json!([first + at as u64, text.raw()])).collect()
}

fn thread(thread: &Thread) -> Value {
    json!({
        "id": some(&thread.id),
        "name": some(&thread.name),
        "crashed": thread.crashed,
        "current": thread.current,
        "stacktrace": stack(&thread.frames),
        "rawStacktrace": null,
    })
}

fn breadcrumb(crumb: &Breadcrumb) -> Value {
    json!({
        "timestamp": maybe(crumb.timestamp),
        "type": crumb.ty.as_ref().map_or("default", Untrusted::raw),
        "category": some(&crumb.category),
        "level": crumb.level.map_or("info", |level| level.as_str()),
        "message": some(&crumb.message),
        "data": crumb.data.as_ref().map(data),
        "event_id": null,
    })
}

fn request(request: &Request) -> Value {
    let headers: Vec<Value> = request.headers.iter().map(|(key, value)| json!([key.raw(), value.raw()])).collect();
    json!({
        "method": some(&request.method),
        "url": some(&request.url),
        "query": request.query.as_ref().map_or(json!([]), query),
        "fragment": null,
        "data": request.data.as_ref().map(data),
        "headers": headers,
        "cookies": request.cookies.as_ref().map_or(json!([]), cookies),
        "env": request.env.as_ref().map(data),
        "inferredContentType": null,
        "apiTarget": null,
    })
}

/// A query's names and values, however they were sent.
fn query(sent: &Data) -> Value {
    match sent {
        Data::Text(text) => query_pairs(text.raw()).into_iter().map(|(name, value)| json!([name, value])).collect(),
        other => pairs(other),
    }
}

/// Names and values of cookies, however they were sent.
fn cookies(sent: &Data) -> Value {
    let Data::Text(text) = sent else { return pairs(sent) };
    let parts = text.raw().split([';', '&']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(name, value)| json!([name, value])).collect()
}

fn pairs(sent: &Data) -> Value {
    match sent {
        Data::Map(map) => map.iter().map(|(key, value)| json!([key.raw(), data(value)])).collect(),
        other => data(other),
    }
}
