//! A dump's parts under what the SDK sent with it.

use serde_json::{Map, Value, json};

use super::annotations;

/// Parts that a dump knows better than whoever sent it.
const OF_THE_DUMP: [&str; 3] = ["exception", "threads", "debug_meta"];

/// Puts what a dump tells into an event: stacks and images from the dump, all else from the SDK where it said so, and
/// the form's other fields as tags.
pub fn merge(event: &mut Value, dump: Value, annotations: &[(String, String)]) {
    if !event.is_object() {
        *event = json!({});
    }
    let (Value::Object(event), Value::Object(dump)) = (event, dump) else { return };
    for (key, value) in dump {
        match (key.as_str(), event.get_mut(&key)) {
            ("contexts" | "tags", Some(sent)) => under(sent, value),
            (key, Some(_)) if !OF_THE_DUMP.contains(&key) => {}
            _ => {
                event.insert(key, value);
            }
        }
    }
    event.insert("level".into(), "fatal".into());
    let tags = event.entry("tags").or_insert_with(|| json!({}));
    let mut said = Map::new();
    annotations.iter().for_each(|(key, value)| annotations::add(&mut said, key, value));
    under(tags, Value::Object(said));
}

/// What an event says where its dump could not be read.
pub fn unreadable(event: &mut Value, why: &str, annotations: &[(String, String)]) {
    // An exception that the SDK itself sent says more.
    let has = |key: &str| event.get(key).is_some_and(|value| !value.is_null());
    let dump = match has("exception") || has("threads") {
        true => json!({}),
        false => json!({
            "platform": "native",
            "exception": { "values": [{
                "type": "Minidump",
                "value": format!("A native program crashed; {why}"),
                "mechanism": { "type": "minidump", "handled": false, "synthetic": true },
            }] },
        }),
    };
    merge(event, dump, annotations);
}

/// Adds what is not there yet, two levels deep; tags may be pairs.
fn under(sent: &mut Value, found: Value) {
    let Value::Object(found) = found else { return };
    match sent {
        Value::Object(sent) => {
            for (key, value) in found {
                match sent.get_mut(&key) {
                    None => {
                        sent.insert(key, value);
                    }
                    Some(Value::Object(own)) => {
                        if let Value::Object(value) = value {
                            for (key, value) in value {
                                own.entry(key).or_insert(value);
                            }
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        Value::Array(pairs) => pairs.extend(found.into_iter().map(|(key, value)| json!([key, value]))),
        other => *other = Value::Object(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_believed_but_for_stacks() {
        let mut event = json!({ "release": "a@1", "platform": "cocoa", "tags": [["hob", "left"]], "exception": {},
            "contexts": { "os": { "name": "mine" } }, "level": "info" });
        let dump = json!({ "platform": "native", "exception": { "values": [1] }, "tags": { "prod": "x" },
            "contexts": { "os": { "name": "theirs", "version": "2" }, "crash": {} } });
        merge(&mut event, dump, &[("sentry".into(), "{}".into()), ("ver".into(), "1".into())]);
        assert_eq!(event["exception"], json!({ "values": [1] }));
        assert_eq!(event["platform"], "cocoa");
        assert_eq!(event["contexts"], json!({ "os": { "name": "mine", "version": "2" }, "crash": {} }));
        assert_eq!(event["tags"], json!([["hob", "left"], ["prod", "x"], ["ver", "1"]]));
        assert_eq!(event["level"], "fatal");
        let mut nothing = Value::Null;
        unreadable(&mut nothing, "its dump is cut", &[]);
        assert_eq!(nothing["exception"]["values"][0]["type"], "Minidump");
    }
}
