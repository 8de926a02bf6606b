//! Attributes: typed values become JSON.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use serde_json::{Map, Value};

/// Attributes by name, in the order sent; the last of equal names counts.
pub type Attributes = Map<String, Value>;

/// Most attributes of one record.
const MOST: usize = 256;
/// Longest text of one attribute, in bytes.
const LONGEST: usize = 256 * 1024;

pub(super) fn attributes(list: Vec<KeyValue>) -> Attributes {
    let pairs = list.into_iter().take(MOST).filter(|pair| !pair.key.is_empty());
    pairs.map(|pair| (pair.key, pair.value.map_or(Value::Null, json))).collect()
}

pub(super) fn json(value: AnyValue) -> Value {
    match value.value {
        None | Some(Any::StringValueStrindex(_)) => Value::Null,
        Some(Any::StringValue(mut text)) => {
            if text.len() > LONGEST {
                let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.truncate(end);
            }
            Value::String(text)
        }
        Some(Any::BoolValue(truth)) => Value::Bool(truth),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
        Some(Any::ArrayValue(list)) => list.values.into_iter().take(MOST).map(json).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(attributes(list.values)),
        // Bytes are no text; how many there were is all that is told.
        Some(Any::BytesValue(bytes)) => Value::String(format!("{} bytes", bytes.len())),
    }
}

/// Nanoseconds to microseconds.
pub(super) fn micros(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000).unwrap_or(0)
}

/// An id as hex digits; `None` where it is missing, of the wrong length, or all zero.
pub(super) fn hex(id: &[u8], length: usize) -> Option<String> {
    use std::fmt::Write;
    if id.len() != length || id.iter().all(|b| *b == 0) {
        return None;
    }
    let mut text = String::with_capacity(length * 2);
    for byte in id {
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}
