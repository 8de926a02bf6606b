//! Reads the fields of captured events that grouping looks at.

use prodsignal::model::{Event, EventKind, Exception, Frame, Level, Mechanism, Sdk, Thread, Timestamp, Untrusted};
use serde_json::Value;

/// An event as grouping sees it.
pub fn event(json: &Value) -> Event {
    let log = &json["logentry"];
    let message = if json["message"].is_object() { &json["message"] } else { log };
    let exceptions: Vec<Exception> = list(&json["exception"]).into_iter().rev().map(exception).collect();
    Event {
        id: json["event_id"].as_str().unwrap_or("0").parse().unwrap_or(prodsignal::model::EventId(0)),
        timestamp: Timestamp::UNIX_EPOCH,
        kind: if exceptions.is_empty() { EventKind::Message } else { EventKind::Error },
        level: Level::parse(json["level"].as_str().unwrap_or("error")).unwrap_or_default(),
        platform: text(&json["platform"]),
        message: text(&json["message"]).or(text(&message["formatted"])).or(text(&message["message"])),
        message_template: text(&message["message"]),
        release: text(&json["release"]),
        dist: text(&json["dist"]),
        environment: text(&json["environment"]),
        transaction: text(&json["transaction"]),
        logger: text(&json["logger"]),
        server_name: None,
        exceptions,
        threads: list(&json["threads"]).into_iter().map(thread).collect(),
        breadcrumbs: Vec::new(),
        request: None,
        user: None,
        tags: Vec::new(),
        contexts: Vec::new(),
        flags: Vec::new(),
        sdk: Sdk::default(),
        trace_id: None,
        replay_id: None,
        fingerprint: strings(&json["fingerprint"]),
    }
}

fn exception(json: &Value) -> Exception {
    let mechanism = &json["mechanism"];
    Exception {
        ty: text(&json["type"]),
        value: text(&json["value"]),
        module: text(&json["module"]),
        mechanism: Mechanism {
            ty: text(&mechanism["type"]),
            handled: mechanism["handled"].as_bool(),
            synthetic: mechanism["synthetic"].as_bool().unwrap_or(false),
            exception_id: mechanism["exception_id"].as_u64(),
            parent_id: mechanism["parent_id"].as_u64(),
            is_exception_group: mechanism["is_exception_group"].as_bool().unwrap_or(false),
            source: text(&mechanism["source"]),
        },
        frames: frames(&json["stacktrace"]),
        raw_frames: Vec::new(),
    }
}

fn thread(json: &Value) -> Thread {
    Thread {
        crashed: json["crashed"].as_bool().unwrap_or(false),
        current: json["current"].as_bool().unwrap_or(false),
        frames: frames(&json["stacktrace"]),
        ..Thread::default()
    }
}

fn frames(stacktrace: &Value) -> Vec<Frame> {
    stacktrace["frames"].as_array().into_iter().flatten().rev().map(frame).collect()
}

fn frame(json: &Value) -> Frame {
    Frame {
        function: text(&json["function"]),
        module: text(&json["module"]),
        file: text(&json["filename"]),
        abs_path: text(&json["abs_path"]),
        line: json["lineno"].as_u64(),
        column: json["colno"].as_u64(),
        in_app: json["in_app"].as_bool().unwrap_or(false),
        pre_context: strings(&json["pre_context"]),
        context_line: text(&json["context_line"]),
        post_context: strings(&json["post_context"]),
        vars: Vec::new(),
        image: None,
    }
}

fn list(json: &Value) -> Vec<&Value> {
    json["values"].as_array().or(json.as_array()).into_iter().flatten().collect()
}

fn strings(json: &Value) -> Vec<Untrusted> {
    json.as_array().into_iter().flatten().filter_map(text).collect()
}

fn text(json: &Value) -> Option<Untrusted> {
    json.as_str().map(Untrusted::from)
}
