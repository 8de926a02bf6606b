//! Where an event keeps what is written here: its stacks, and the context of its crash.

use serde_json::{Map, Value, json};

/// Exceptions and threads of one event that are looked at.
const MOST: usize = 500;

/// Everything of an event that may have a `stacktrace`.
pub(super) fn holders(event: &mut Value) -> Vec<&mut Map<String, Value>> {
    let Value::Object(event) = event else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in event.iter_mut() {
        if !["exception", "threads"].contains(&key.as_str()) {
            continue;
        }
        let many = value.get("values").is_some_and(Value::is_array);
        let value = if many { &mut value["values"] } else { value };
        match value {
            Value::Object(map) => found.push(map),
            Value::Array(list) => found.extend(list.iter_mut().take(MOST).filter_map(Value::as_object_mut)),
            _ => {}
        }
    }
    found
}

/// Writes the context `crash` of an event.
pub(super) fn put(event: &mut Value, crash: Value) {
    if !event.get("contexts").is_some_and(Value::is_object) {
        event["contexts"] = json!({});
    }
    event["contexts"]["crash"] = crash;
}
