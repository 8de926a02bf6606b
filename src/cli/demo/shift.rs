//! Moves the times of captured envelopes, so that the newest event is now.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::protocol::read_json;

/// Keys whose values are times, in any item.
const TIMES: [&str; 8] = [
    "sent_at",
    "timestamp",
    "start_timestamp",
    "end_timestamp",
    "started",
    "replay_start_timestamp",
    "startTimestamp",
    "endTimestamp",
];
/// Numbers from here on are milliseconds, as recordings have them; those below are seconds.
const MILLISECONDS: f64 = 1e11;

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

/// One envelope: lines of JSON are moved, what is attached stays as it is.
fn shifted(envelope: &str, lines: Vec<Option<Value>>, span: SignedDuration) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut lines = envelope.split('\n').zip(lines);
    while let Some((text, json)) = lines.next() {
        let Some(mut json) = json else {
            out.push(text.to_owned());
            continue;
        };
        match json.get("type").and_then(Value::as_str) {
            Some("attachment") => {
                out.push(text.to_owned());
                out.extend(lines.next().map(|(payload, _)| payload.to_owned()));
            }
            Some("replay_recording") => {
                // A line that names the segment, and one with what was recorded.
                let payload: Vec<String> = lines.by_ref().take(2).map(|(text, json)| line(text, json, span)).collect();
                let payload = payload.join("\n");
                json["length"] = payload.len().into();
                out.extend([json.to_string(), payload]);
            }
            _ => {
                if let Some(header) = json.as_object_mut() {
                    // Times change their length; without one, the payload ends with its line.
                    header.remove("length");
                }
                out.push(line(text, Some(json), span));
            }
        }
    }
    out.join("\n")
}

fn line(text: &str, json: Option<Value>, span: SignedDuration) -> String {
    let Some(mut json) = json else { return text.to_owned() };
    shift(&mut json, span);
    json.to_string()
}

/// The newest time in an event or session.
fn newest(json: &Value) -> Option<Timestamp> {
    time(json.get("timestamp")?)
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64()?;
            let milliseconds = if number >= MILLISECONDS { number } else { number * 1_000.0 };
            Timestamp::from_millisecond(milliseconds as i64).ok()
        }
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
        Value::Number(old) if old.as_f64().is_some_and(|old| old >= MILLISECONDS) => at.as_millisecond().into(),
        Value::Number(_) => (at.as_millisecond() as f64 / 1_000.0).into(),
        _ => format!("{at:.6}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_moves_with_its_event_and_keeps_its_length_right() {
        let recording = "{\"segment_id\":0}\n[{\"type\":4,\"timestamp\":1795210819500,\"data\":{\"payload\":{\"startTimestamp\":1795210819.25}}}]";
        let envelope = format!(
            "{{\"sent_at\":\"2026-11-20T21:40:20Z\"}}\n{{\"type\":\"event\",\"length\":9}}\n{{\"timestamp\":1795210820.5}}\n\
             {{\"type\":\"replay_recording\",\"length\":{}}}\n{recording}\n",
            recording.len()
        );
        let now = Timestamp::from_millisecond(1_795_210_820_500 + 3_600_000).unwrap();
        let moved = to_now(&[&envelope], now).remove(0);
        assert!(moved.starts_with("{\"sent_at\":\"2026-11-20T22:40:20.000000Z\"}\n{\"type\":\"event\"}\n"), "{moved}");
        let (header, payload) =
            moved.split_once("{\"type\":\"replay_recording\",\"length\":").unwrap().1.split_once("}\n").unwrap();
        assert_eq!(header.parse::<usize>().unwrap(), payload.trim_end().len());
        assert!(
            payload.contains("\"timestamp\":1795214419500") && payload.contains("\"startTimestamp\":1795214419.25"),
            "{payload}"
        );
    }
}
