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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_costs_its_own_field_alone() {
        let row = json!({ "count": "12", "users": 3.0, "title": "None", "seen": 5, "types": ["A", "B"], "yes": 1, "first_seen": "2026-11-20T12:00:00Z" });
        assert_eq!((count(&row, "count"), count(&row, "users"), count(&row, "title")), (Some(12), Some(3), None));
        assert_eq!(text(&row, "title"), None);
        assert_eq!(text(&row, "seen").unwrap().raw(), "5");
        assert_eq!(text(&row, "types").unwrap().raw(), "B", "the outermost exception");
        assert_eq!((truth(&row, "yes"), truth(&row, "title")), (Some(true), Some(false)));
        assert_eq!(time(&row, "firstSeen").unwrap().to_string(), "2026-11-20T12:00:00Z", "with underscores as well");
        assert!(list(&row, "count").is_empty() && list(&row, "").is_empty());
        assert_eq!(list(&json!([1]), "").len(), 1);
    }
}
