//! Segments cut anywhere, sent twice, cut short, made wrong: the same steps, or fewer, and never a panic.

use base64::{Engine, engine::general_purpose::STANDARD};
use prodsignal::{
    protocol::{self, ItemType},
    replay::{Limits, Reader, Replay, Step},
};
use proptest::prelude::*;
use serde_json::Value;

use super::app::{read, segment};
use crate::script::recorded;

/// Raw recordings of a session, in the order of their numbers.
fn recordings(session: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for line in recorded::lines(session).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let bytes = STANDARD.decode(line["envelope_base64"].as_str().unwrap()).unwrap();
        let envelope = protocol::parse(&bytes, &protocol::Limits::default()).unwrap();
        let recordings = envelope.items.iter().filter(|item| item.ty == ItemType::ReplayRecording);
        all.extend(recordings.map(|item| item.payload.to_vec()));
    }
    all
}

/// All events of a session in one list.
fn events(session: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for bytes in recordings(session) {
        let body = &bytes[bytes.iter().position(|b| *b == b'\n').unwrap() + 1..];
        let json = match body[0] {
            b'[' => body.to_vec(),
            _ => {
                let mut json = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(body), &mut json).unwrap();
                json
            }
        };
        all.extend(serde_json::from_slice::<Vec<Value>>(&json).unwrap());
    }
    let at = |event: &Value| {
        let at = event["timestamp"].as_f64().unwrap();
        if at < 1e11 { at * 1_000.0 } else { at }
    };
    all.sort_by(|a, b| at(a).total_cmp(&at(b)));
    all
}

fn user_steps(replay: &Replay) -> Vec<&Step> {
    replay.steps.iter().filter(|step| step.kind().by_user()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn where_segments_are_cut_and_whether_they_come_twice_changes_no_step(
        session in prop::sample::select(vec!["notes-undo", "shop-coupon", "board-move", "widgets-shadow"]),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<bool>()), 0..6),
    ) {
        let all = events(session);
        let whole = read(&[segment(0, &all, false)]);
        let mut places: Vec<usize> = cuts.iter().map(|(at, ..)| at.index(all.len())).collect();
        places.push(all.len());
        places.sort_unstable();
        let mut segments = Vec::new();
        let mut from = 0;
        for (number, to) in places.into_iter().enumerate() {
            let (compressed, twice) = cuts.get(number).map_or((true, true), |(_, compressed, twice)| (*compressed, *twice));
            let bytes = segment(number as u64, &all[from..to], compressed);
            segments.extend(std::iter::repeat_n(bytes, 1 + usize::from(twice)));
            from = to;
        }
        let cut = read(&segments);
        prop_assert_eq!(user_steps(&cut), user_steps(&whole));
        prop_assert!(cut.complete);
    }

    #[test]
    fn broken_bytes_cost_a_segment_and_no_more(
        session in prop::sample::select(vec!["notes-long", "shop-dead", "notes-quiet"]),
        which in any::<prop::sample::Index>(),
        harm in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut all = recordings(session);
        let at = which.index(all.len());
        for (place, byte) in harm {
            let place = place.index(all[at].len());
            all[at][place] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(all[at].len());
            all[at].truncate(length);
        }
        let mut reader = Reader::new("0123456789abcdef0123456789abcdef".parse().unwrap(), Limits::default());
        for (number, bytes) in all.iter().enumerate() {
            reader.segment(Some(number as u64), bytes);
        }
        let replay = reader.finish();
        prop_assert!(replay.segments as usize >= all.len() - 1, "{} of {}", replay.segments, all.len());
    }

    #[test]
    fn any_json_is_read_without_a_panic(shapes in prop::collection::vec(anything(), 1..30)) {
        let replay = read(&[segment(0, &shapes, true)]);
        prop_assert!(replay.steps.len() <= shapes.len() * 2);
    }
}

/// Values in the shape of events, with parts missing, wrong or wild.
fn anything() -> impl Strategy<Value = Value> {
    let number = prop_oneof![Just(-1.0), Just(0.0), Just(1e300), 0.0..20.0, 1.7e12..1.8e12];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::from),
        "[a-z*<>\"\\\\]{0,8}".prop_map(Value::from),
        (0i64..12).prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "type",
        "timestamp",
        "data",
        "source",
        "id",
        "node",
        "childNodes",
        "attributes",
        "adds",
        "removes",
        "parentId",
        "nextId",
        "texts",
        "value",
        "text",
        "isChecked",
        "tag",
        "payload",
        "category",
        "positions",
        "x",
        "y",
        "href",
        "tagName",
        "textContent",
        "isShadow",
        "op",
        "description",
        "startTimestamp",
        "message",
        "class",
        "style",
    ]);
    scalar.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(keys.clone(), inner, 0..8)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}
