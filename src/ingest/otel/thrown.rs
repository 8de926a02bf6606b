//! Attributes of a recorded exception become exceptions as Sentry SDKs send them.

use serde_json::{Map, Value, json};

use super::part::{Attributes, Thrown};
use crate::{
    model::{Exception, Frame, Untrusted},
    stacktrace::{self, Language},
};

/// Reads `exception.*`; `None`: there are none.
pub(super) fn read(attributes: &Attributes, at: i64, language: Option<Language>) -> Option<Thrown> {
    let text = |key: &str| attributes.get(key).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
    let (ty, message) = (text("exception.type"), text("exception.message"));
    let mut chain = match attributes.get("exception.stacktrace") {
        Some(Value::String(stack)) => stacktrace::read(stack, language),
        // The sources of an error, as `tracing` tells them.
        Some(Value::Array(sources)) => of_sources(sources),
        _ => Vec::new(),
    };
    if chain.is_empty() && ty.is_none() && message.is_none() {
        return None;
    }
    if chain.is_empty() {
        chain.push(Exception::default());
    }
    let code = settle(&mut chain[0], ty, message, language);
    chain.reverse();
    Some(Thrown { at, values: chain.iter().map(value).collect(), code })
}

fn of_sources(sources: &[Value]) -> Vec<Exception> {
    let causes = sources
        .iter()
        .filter_map(Value::as_str)
        .map(|said| Exception { value: Some(said.into()), ..Exception::default() });
    std::iter::once(Exception::default()).chain(causes).collect()
}

/// Puts together what the stack and the attributes say of the exception; returns the type that was a code.
fn settle(
    outer: &mut Exception,
    ty: Option<&str>,
    message: Option<&str>,
    language: Option<Language>,
) -> Option<String> {
    if outer.value.is_none() {
        outer.value = message.map(Into::into);
    }
    let ty = ty?;
    match &outer.ty {
        None => {
            let dotted = matches!(language, Some(Language::Python | Language::Java));
            let (module, name) = match ty.rsplit_once('.').filter(|_| dotted) {
                Some((module, name)) => (Some(module), name),
                None => (None, ty),
            };
            outer.ty = Some(name.into());
            outer.module = outer.module.take().or_else(|| module.filter(|m| *m != "builtins").map(Into::into));
            None
        }
        Some(found) => (bare(found.raw()) != bare(ty)).then(|| ty.to_owned()),
    }
}

fn bare(name: &str) -> &str {
    name.rsplit(['.', '\\']).next().unwrap_or(name)
}

fn value(exception: &Exception) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, text: &Option<Untrusted>| {
        if let Some(text) = text {
            map.insert(key.into(), text.raw().into());
        }
    };
    put("type", &exception.ty);
    put("value", &exception.value);
    put("module", &exception.module);
    let mechanism = &exception.mechanism;
    if let Some(id) = mechanism.exception_id {
        map.insert("mechanism".into(), json!({ "type": "chained", "exception_id": id }));
        if let Some(parent) = mechanism.parent_id {
            map["mechanism"]["parent_id"] = parent.into();
        }
        if mechanism.is_exception_group {
            map["mechanism"]["is_exception_group"] = true.into();
        }
    }
    if !exception.frames.is_empty() {
        let frames: Vec<Value> = exception.frames.iter().rev().map(frame).collect();
        map.insert("stacktrace".into(), json!({ "frames": frames }));
    }
    Value::Object(map)
}

fn frame(frame: &Frame) -> Value {
    let mut map = Map::new();
    let texts = [
        ("function", &frame.function),
        ("module", &frame.module),
        ("filename", &frame.file),
        ("abs_path", &frame.abs_path),
        ("context_line", &frame.context_line),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            map.insert(key.into(), text.raw().into());
        }
    }
    for (key, number) in [("lineno", frame.line), ("colno", frame.column)] {
        if let Some(number) = number {
            map.insert(key.into(), number.into());
        }
    }
    Value::Object(map)
}
