//! Names that things are sorted under: releases, environments, routes, ids of events.

use serde_json::Value;

use crate::model::{EventId, Untrusted};

/// Longest name, in characters. Sentry refuses longer releases; here they are cut.
const LONGEST: usize = 200;

/// A name without spaces or line ends around it, which come from scripts that ask a tool for a version.
pub fn name(value: &Value) -> Option<Untrusted> {
    let number;
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(n) => {
            number = n.to_string();
            &number
        }
        _ => return None,
    };
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    (!text.is_empty()).then(|| text[..end].into())
}

/// The id of an event or replay; all zeros name none.
pub fn event_id(value: &Value) -> Option<EventId> {
    value.as_str()?.parse().ok().filter(|id: &EventId| id.0 != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        let read = |value: Value| name(&value).map(Untrusted::into_raw);
        assert_eq!(read(json!("shop@2.3.0\n")), Some("shop@2.3.0".into()));
        assert_eq!(read(json!(17)), Some("17".into()));
        assert_eq!(read(json!("é".repeat(300))), Some("é".repeat(200)));
        assert_eq!(event_id(&json!("00000000-0000-0000-0000-000000000000")), None);
        assert_eq!((read(json!(" ")), read(json!([]))), (None, None));
    }
}
