//! Reading what the Web API answers: a wrong type costs the field that has it, nothing more.

use serde_json::Value;

use crate::{
    model::{Timestamp, Untrusted},
    protocol,
};

/// The value under a key; GlitchTip writes some keys with underscores.
fn value<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    let snake = || {
        let mut name = String::with_capacity(key.len() + 2);
        for c in key.chars() {
            if c.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        json.get(&name)
    };
    json.get(key).or_else(|| if key.bytes().any(|b| b.is_ascii_uppercase()) { snake() } else { None })
}

/// Text that is not empty; numbers count as text, `"None"` and null don't.
pub(super) fn text(json: &Value, key: &str) -> Option<Untrusted> {
    as_text(value(json, key)?)
}

pub(super) fn as_text(value: &Value) -> Option<Untrusted> {
    match value {
        Value::String(text) if !text.is_empty() && text != "None" => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
        // `error.type` and its like are lists, one for each exception: the outermost names the event.
        Value::Array(list) => list.iter().rev().find_map(as_text),
        _ => None,
    }
}

/// A word of theirs, to compare with.
pub(super) fn word<'a>(json: &'a Value, key: &str) -> &'a str {
    value(json, key).and_then(Value::as_str).unwrap_or_default()
}

/// A count, as a number or in text.
pub(super) fn count(json: &Value, key: &str) -> Option<u64> {
    match value(json, key)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A moment.
pub(super) fn time(json: &Value, key: &str) -> Option<Timestamp> {
    protocol::timestamp(value(json, key)?)
}

pub(super) fn truth(json: &Value, key: &str) -> Option<bool> {
    match value(json, key)? {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => Some(text == "true" || text == "1"),
        _ => None,
    }
}

/// The list that an answer is, or holds under a key.
pub(super) fn list<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    let list = if key.is_empty() { Some(json) } else { value(json, key) };
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
