//! Names that things are sorted under: releases, environments, routes, ids of events.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::{EventId, Untrusted};

/// Longest name, in characters. Sentry refuses longer releases; here their ends become a digest, so that two stay two.
const LONGEST: usize = 200;

/// Characters of the digest.
const DIGEST: usize = 8;

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
    (!text.is_empty()).then(|| shortened(text).into())
}

fn shortened(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let kept: String = text.chars().take(LONGEST - DIGEST - 1).collect();
    format!("{kept}~{}", &digest[..DIGEST])
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
        let (one, other) = (read(json!("é".repeat(300))).unwrap(), read(json!("é".repeat(301))).unwrap());
        assert_eq!((one.chars().count(), one == other), (200, false));
        assert_eq!(read(json!("é".repeat(200))), Some("é".repeat(200)));
        assert_eq!(event_id(&json!("00000000-0000-0000-0000-000000000000")), None);
        assert_eq!((read(json!(" ")), read(json!([]))), (None, None));
    }
}
