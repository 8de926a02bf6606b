//! Exceptions, threads and their frames.

use serde_json::Value;

use super::{MOST, image::Images, in_app, list, parts, text};
use crate::model::{Exception, Frame, Mechanism, Thread, Untrusted};

/// Most frames that are read of a stack: half from each end of longer ones.
const FRAMES: usize = 250;

/// What the frames of an event share.
struct Around<'a> {
    platform: &'a str,
    images: Images,
}

impl<'a> Around<'a> {
    fn of(json: &'a Value) -> Self {
        Self { platform: json.get("platform").and_then(Value::as_str).unwrap_or(""), images: Images::of(json) }
    }
}

/// The chain, from the one caught outermost to its root cause: payloads have it the other way round.
pub(super) fn exceptions(json: &Value) -> Vec<Exception> {
    let around = Around::of(json);
    let mut chain: Vec<_> = list(json, "exception").into_iter().take(MOST).map(|e| exception(e, &around)).collect();
    if chain.is_empty() {
        chain.extend(list(json, "sentry.interfaces.Exception").into_iter().take(MOST).map(|e| exception(e, &around)));
    }
    chain.retain(|e| e.ty.is_some() || e.value.is_some() || !e.frames.is_empty());
    chain.reverse();
    chain
}

fn exception(json: &Value, around: &Around<'_>) -> Exception {
    Exception {
        ty: text(json, "type"),
        value: text(json, "value")
            .or_else(|| json.get("value").filter(|v| v.is_object()).map(|v| v.to_string().into())),
        module: text(json, "module"),
        mechanism: mechanism(json.get("mechanism").unwrap_or(&Value::Null)),
        frames: frames(json.get("stacktrace"), around),
        raw_frames: frames(json.get("raw_stacktrace"), around),
    }
}

fn mechanism(json: &Value) -> Mechanism {
    let truth = |key: &str| json.get(key).and_then(Value::as_bool);
    Mechanism {
        ty: text(json, "type"),
        handled: truth("handled"),
        synthetic: truth("synthetic").unwrap_or(false),
        exception_id: json.get("exception_id").and_then(Value::as_u64),
        parent_id: json.get("parent_id").and_then(Value::as_u64),
        is_exception_group: truth("is_exception_group").unwrap_or(false),
        source: text(json, "source"),
    }
}

pub(super) fn threads(json: &Value) -> Vec<Thread> {
    let around = &Around::of(json);
    let mut threads: Vec<Thread> = list(json, "threads").into_iter().take(MOST).map(|t| thread(t, around)).collect();
    // Messages with a stack of their own: the stack of the thread that said it.
    let alone = frames(json.get("stacktrace"), around);
    if !alone.is_empty() && threads.is_empty() {
        threads.push(Thread { current: true, frames: alone, ..Thread::default() });
    }
    threads
}

fn thread(json: &Value, around: &Around<'_>) -> Thread {
    let truth = |key: &str| json.get(key).and_then(Value::as_bool).unwrap_or(false);
    Thread {
        id: text(json, "id"),
        name: text(json, "name"),
        crashed: truth("crashed"),
        current: truth("current"),
        frames: frames(json.get("stacktrace"), around),
    }
}

/// Frames from the crash outwards: payloads have the crash last.
fn frames(stacktrace: Option<&Value>, around: &Around<'_>) -> Vec<Frame> {
    let Some(Value::Array(list)) = stacktrace.and_then(|s| s.get("frames")) else { return Vec::new() };
    let kept = list.iter().enumerate().filter(|(i, _)| *i < FRAMES / 2 || *i + FRAMES / 2 >= list.len());
    let mut frames: Vec<Frame> = kept.filter(|(_, f)| f.is_object()).map(|(_, f)| frame(f, around)).collect();
    frames.reverse();
    frames
}

fn frame(json: &Value, around: &Around<'_>) -> Frame {
    let number = |key: &str| json.get(key).and_then(Value::as_u64).filter(|n| *n > 0);
    let lines = |key: &str| -> Vec<Untrusted> {
        let Some(Value::Array(lines)) = json.get(key) else { return Vec::new() };
        lines.iter().map(|l| l.as_str().unwrap_or("").into()).collect()
    };
    let mut frame = Frame {
        function: text(json, "function"),
        module: text(json, "module"),
        file: text(json, "filename"),
        abs_path: text(json, "abs_path"),
        line: number("lineno"),
        column: number("colno"),
        in_app: false,
        pre_context: lines("pre_context"),
        // An empty line is a line all the same.
        context_line: json.get("context_line").and_then(Value::as_str).map(Into::into),
        post_context: lines("post_context"),
        vars: parts::entries(json.get("vars")),
        image: around.images.place(json),
    };
    let loaded = frame.image.as_ref().and_then(|image| image.package.as_ref()).map(Untrusted::raw);
    let package = json.get("package").and_then(Value::as_str).or(loaded).map(str::to_owned);
    let package = package.as_deref();
    frame.in_app = match json.get("in_app").and_then(Value::as_bool) {
        // SDKs of native code know the file, not what ends programs in it.
        Some(true) if frame.image.is_some() => !in_app::is_platform(&frame, package),
        Some(said) => said,
        None => in_app::of(&frame, package, around.platform),
    };
    frame
}
