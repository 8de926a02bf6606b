//! Tests of protocol: envelopes of any bytes come apart, and one broken item costs itself.

use prodsignal::protocol::{EnvelopeError, ItemType, Limits, decode_body, parse, read_json};
use proptest::prelude::*;
use serde_json::json;

/// An item as some SDK would write it.
#[derive(Clone, Debug)]
struct Sent {
    ty: &'static str,
    payload: Vec<u8>,
    length: Length,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    Right,
    Missing,
    /// Beyond the body's end, negative, or text.
    Broken(u8),
}

impl Sent {
    fn write(&self, out: &mut Vec<u8>) {
        let mut header = json!({ "type": self.ty });
        match self.length {
            Length::Right => header["length"] = self.payload.len().into(),
            Length::Missing => {}
            Length::Broken(0) => header["length"] = 99_999_999.into(),
            Length::Broken(1) => header["length"] = (-3).into(),
            Length::Broken(_) => header["length"] = "many".into(),
        }
        out.extend_from_slice(header.to_string().as_bytes());
        out.push(b'\n');
        out.extend_from_slice(&self.payload);
        out.push(b'\n');
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let types = prop::sample::select(vec!["event", "session", "attachment", "log", "transaction"]);
    let length =
        prop_oneof![3 => Just(Length::Right), 1 => Just(Length::Missing), 1 => (0u8..3).prop_map(Length::Broken)];
    // Without a length a payload ends with its line, so there it must be one.
    (types, prop::collection::vec(any::<u8>(), 0..40), length).prop_map(|(ty, mut payload, length)| {
        if length != Length::Right {
            payload = json!({ "message": String::from_utf8_lossy(&payload) }).to_string().into_bytes();
        }
        Sent { ty, payload, length }
    })
}

fn envelope(items: &[Sent]) -> Vec<u8> {
    let mut body = b"{}\n".to_vec();
    items.iter().for_each(|item| item.write(&mut body));
    body
}

proptest! {
    #[test]
    fn any_bytes_are_taken_apart_or_refused(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body, &Limits::default());
        let mut headed = b"{}\n".to_vec();
        headed.extend_from_slice(&body);
        let _ = parse(&headed, &Limits::default());
        for encoding in [None, Some("gzip"), Some("deflate"), Some("br"), Some("zstd"), Some("gzip, br")] {
            let _ = decode_body(encoding, &body, &Limits::default());
        }
        let _ = read_json(&body, 8);
    }

    #[test]
    fn a_broken_item_costs_itself_alone(items in prop::collection::vec(sent(), 0..8)) {
        let body = envelope(&items);
        let parsed = parse(&body, &Limits::default()).unwrap();
        let whole: Vec<(usize, &[u8])> = items
            .iter()
            .enumerate()
            .filter(|(_, item)| !matches!(item.length, Length::Broken(_)))
            .map(|(place, item)| (place, item.payload.as_slice()))
            .collect();
        let found: Vec<(usize, &[u8])> = parsed.items.iter().map(|item| (item.index, item.payload)).collect();
        prop_assert_eq!(found, whole);
        prop_assert_eq!(parsed.faults.len(), items.len() - parsed.items.len());
    }

    #[test]
    fn a_cut_envelope_keeps_the_items_before_the_cut(items in prop::collection::vec(sent(), 1..6), at in any::<prop::sample::Index>()) {
        let body = envelope(&items);
        let whole = parse(&body, &Limits::default()).unwrap();
        let cut = at.index(body.len() - 3) + 3;
        let parsed = parse(&body[..cut], &Limits::default()).unwrap();
        for item in &whole.items {
            let end = item.payload.as_ptr() as usize + item.payload.len() - body.as_ptr() as usize;
            if end <= cut && items[item.index].length == Length::Right {
                prop_assert!(parsed.items.iter().any(|kept| kept.index == item.index && kept.payload == item.payload));
            }
        }
    }
}

#[test]
fn a_wrong_length_does_not_cost_the_next_item() {
    let body =
        b"{}\n{\"type\":\"event\",\"length\":3}\n{\"message\":\"a\"}\n{\"type\":\"event\"}\n{\"message\":\"b\"}\n";
    let parsed = parse(body, &Limits::default()).unwrap();
    assert_eq!(parsed.items.len(), 1);
    assert_eq!(parsed.items[0].payload, br#"{"message":"b"}"#);
    assert_eq!(parsed.faults[0].item_type, "event");
}

#[test]
fn half_a_surrogate_pair_in_the_header_does_not_cost_the_envelope() {
    let body = b"{\"event_id\":\"00112233445566778899aabbccddeeff\",\"trace\":{\"user\":\"\\ud83d\"}}\n{\"type\":\"event\"}\n{}\n";
    let parsed = parse(body, &Limits::default()).unwrap();
    assert!(parsed.event_id.is_some() && parsed.items.len() == 1);
}

#[test]
fn types_that_are_not_known_are_kept_apart_from_those_that_are() {
    let parsed =
        parse(b"{}\n{\"type\":\"hologram\",\"length\":2}\nab\n{\"type\":\"event\"}\n{}", &Limits::default()).unwrap();
    let types: Vec<ItemType> = parsed.items.iter().map(|item| item.ty).collect();
    assert_eq!(types, [ItemType::Unknown, ItemType::Event]);
}

#[test]
fn limits_hold() {
    let limits = Limits { items: 2, event_bytes: 20, envelope_bytes: 400, ..Limits::default() };
    let small = "{\"type\":\"event\"}\n{}\n";
    let many = format!("{{}}\n{}", small.repeat(5));
    let parsed = parse(many.as_bytes(), &limits).unwrap();
    assert_eq!((parsed.items.len(), parsed.faults[0].quantity), (2, 3));
    let large = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}\n{small}", "x".repeat(30));
    let parsed = parse(large.as_bytes(), &limits).unwrap();
    assert_eq!((parsed.items.len(), parsed.faults[0].reason), (1, "too large"));
    assert_eq!(parse(&[b'{'; 500], &limits), Err(EnvelopeError::TooLarge));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    assert!(read_json(deep.as_bytes(), 64).is_err() && read_json(deep.as_bytes(), 200).is_ok());
}
