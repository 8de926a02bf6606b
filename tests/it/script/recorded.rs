//! Recorded sessions of `tests/data/replay`, read into replays.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use prodsignal::{
    model::{EventId, Timestamp},
    protocol::{self, ItemType},
    replay::{Failure, Limits, Reader, Replay},
};
use serde_json::Value;

/// Envelopes of a session, one a line, as `prodsignal import` takes them.
pub fn lines(session: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/replay/sessions/{session}.ndjson.zst"));
    let bytes = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A session as a replay, its errors taken from the events beside it.
pub fn replay(session: &str) -> Replay {
    let mut reader: Option<Reader> = None;
    let mut failures = Vec::new();
    for line in lines(session).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let bytes = STANDARD.decode(line["envelope_base64"].as_str().unwrap()).unwrap();
        let envelope = protocol::parse(&bytes, &protocol::Limits::default()).unwrap();
        for item in envelope.items {
            match item.ty {
                ItemType::ReplayEvent => {
                    let id = envelope.event_id.unwrap();
                    reader.get_or_insert_with(|| Reader::new(id, Limits::default())).header(item.payload);
                }
                ItemType::ReplayRecording => reader.as_mut().unwrap().segment(None, item.payload),
                ItemType::Event => failures.extend(failure(&serde_json::from_slice(item.payload).unwrap())),
                _ => {}
            }
        }
    }
    let mut reader = reader.unwrap();
    for (at, failure) in failures {
        reader.failure(at, failure, Vec::new());
    }
    reader.finish()
}

fn failure(event: &Value) -> Option<(Timestamp, Failure)> {
    let exception = event["exception"]["values"].as_array()?.last()?;
    let text = |value: &Value| value.as_str().map(Into::into);
    let failure = Failure {
        event: event["event_id"].as_str()?.parse::<EventId>().unwrap(),
        issue: None,
        title: None,
        ty: text(&exception["type"]),
        value: text(&exception["value"]),
        unhandled: exception["mechanism"]["handled"] == false,
    };
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time of day")]
    let ms = (event["timestamp"].as_f64()? * 1_000.0) as i64;
    Some((Timestamp::from_millisecond(ms).unwrap(), failure))
}
