//! The list of libraries that an SDK sends with its events.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::model::Libraries;

/// Libraries of a list at most.
const MOST: usize = 2_000;
/// Longest name or version in bytes; a longer one is none.
const LONGEST: usize = 200;

/// The event's `modules`: versions by name.
pub(super) fn of(event: &Value) -> Option<Libraries> {
    let mut text = String::with_capacity(4_096);
    for (name, version) in event.get("modules")?.as_object()?.iter().take(MOST) {
        let Some(version) = version.as_str() else { continue };
        if is_plain(name) && is_plain(version) {
            text.push_str(name);
            text.push('\t');
            text.push_str(version);
            text.push('\n');
        }
    }
    if text.is_empty() {
        return None;
    }
    // Lists are compared by what they say: a digest that another build makes otherwise only keeps a list twice.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Some(Libraries { digest: hasher.finish() as i64, text: text.into() })
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.len() <= LONGEST && !word.contains(|c: char| c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_listed_and_what_is_none_is_left_out() {
        let event =
            serde_json::json!({ "modules": { "axios": "1.8.0", "a\tb": "1", "pg": null, "@scope/x": "2.0.0" } });
        let list = of(&event).unwrap();
        assert_eq!(list.text.raw(), "axios\t1.8.0\n@scope/x\t2.0.0\n");
        assert_eq!(of(&event), Some(list));
        for none in [serde_json::json!({}), serde_json::json!({ "modules": [] }), serde_json::json!({ "modules": {} })]
        {
            assert_eq!(of(&none), None);
        }
    }
}
