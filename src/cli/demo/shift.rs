//! Moves the times of captured envelopes, so that the newest event is now.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::protocol::read_json;

/// Keys whose values are times, in any item.
const TIMES: [&str; 5] = ["sent_at", "timestamp", "start_timestamp", "end_timestamp", "started"];

/// Levels of JSON that a captured line may have.
const DEPTH: usize = 100;

/// The envelopes with all their times moved by one span.
pub fn to_now(envelopes: &[&str], now: Timestamp) -> Vec<String> {
    let parsed: Vec<Vec<Option<Value>>> =
        envelopes.iter().map(|e| e.split('\n').map(|line| read_json(line.as_bytes(), DEPTH).ok()).collect()).collect();
    let newest = parsed.iter().flatten().flatten().filter_map(newest).max();
    let span = newest.map_or(SignedDuration::ZERO, |newest| now.duration_since(newest));
    envelopes.iter().zip(parsed).map(|(envelope, lines)| shifted(envelope, lines, span)).collect()
}

/// One envelope: lines of JSON are moved, the others and what is attached stay as they are.
fn shifted(envelope: &str, lines: Vec<Option<Value>>, span: SignedDuration) -> String {
    let mut attached = false;
    let lines = envelope.split('\n').zip(lines).map(|(text, json)| {
        let Some(mut json) = json.filter(|_| !std::mem::take(&mut attached)) else { return text.to_owned() };
        attached = json.get("type").is_some_and(|t| t == "attachment");
        if !attached && let Some(header) = json.as_object_mut() {
            // Times change their length; without one, the payload ends with its line.
            header.remove("length");
        }
        shift(&mut json, span);
        json.to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The newest time in an event or session.
fn newest(json: &Value) -> Option<Timestamp> {
    time(json.get("timestamp")?)
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(seconds) => Timestamp::from_millisecond((seconds.as_f64()? * 1_000.0) as i64).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn shift(json: &mut Value, span: SignedDuration) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                match (TIMES.contains(&key.as_str()), time(value)) {
                    (true, Some(at)) => *value = moved(value, at.saturating_add(span).unwrap_or(at)),
                    _ => shift(value, span),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| shift(v, span)),
        _ => {}
    }
}

/// The new time in the form that the old one had.
fn moved(old: &Value, at: Timestamp) -> Value {
    match old {
        Value::Number(_) => (at.as_millisecond() as f64 / 1_000.0).into(),
        _ => format!("{at:.6}").into(),
    }
}
