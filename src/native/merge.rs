//! A dump's parts under what the SDK sent with it.

use serde_json::{Map, Value, json};

use super::annotations;

/// Parts that a dump knows better than whoever sent it.
const OF_THE_DUMP: [&str; 3] = ["exception", "threads", "debug_meta"];

/// The field of a form that names the installation: Crashpad's and Breakpad's.
const INSTALLATION: &str = "guid";
/// Fields of a program's name and version. Electron names the program so, and itself as others name the program.
const PROGRAMS: [(&str, &str); 2] = [("_productName", "_version"), ("prod", "ver")];
/// Longest name or version, in bytes.
const LONGEST: usize = 200;

/// Puts what a dump tells into an event: stacks and images from the dump, all else from the SDK where it said so, and
/// the form's other fields as tags.
///
/// Where no SDK was there, handlers still tell who and what crashed: an id of the installation (`guid`), name and version
/// of the program. They are the event's user and release then.
pub fn merge(event: &mut Value, dump: Value, annotations: &[(String, String)]) {
    if !event.is_object() {
        *event = json!({});
    }
    let (Value::Object(event), Value::Object(dump)) = (event, dump) else { return };
    let (user, release) = told_by_handler(&dump, annotations);
    for (key, text) in [("user", user), ("release", release)] {
        if let Some(value) = text.filter(|_| event.get(key).is_none_or(Value::is_null)) {
            event.insert(key.into(), value);
        }
    }
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
    let others = annotations.iter().filter(|(key, _)| key != INSTALLATION);
    others.for_each(|(key, value)| annotations::add(&mut said, key, value));
    under(tags, Value::Object(said));
}

/// Who and what crashed, as handlers name them: in the form, else among the dump's own annotations.
fn told_by_handler(dump: &Map<String, Value>, annotations: &[(String, String)]) -> (Option<Value>, Option<Value>) {
    let said = |name: &str| {
        let own = annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let own = own.or_else(|| dump.get("tags")?.get(name)?.as_str());
        own.map(str::trim).filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains(['/', '\n']))
    };
    let user = said(INSTALLATION).map(|id| json!({ "id": id }));
    let named = PROGRAMS.iter().find_map(|(name, version)| Some((said(name), said(version)?)));
    let release = named.map(|(name, version)| match name {
        Some(name) => format!("{name}@{version}"),
        None => version.to_owned(),
    });
    (user, release.map(Value::from))
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
        let mut bare = json!({});
        let form =
            [("guid", "d1"), ("_productName", "Desk"), ("_version", "2.1.0"), ("prod", "Electron"), ("ver", "44.0")];
        let form = form.map(|(key, value)| (key.to_owned(), value.to_owned()));
        merge(&mut bare, json!({}), &form);
        assert_eq!((&bare["user"]["id"], &bare["release"]), (&json!("d1"), &json!("Desk@2.1.0")));
        assert!(bare["tags"].get("guid").is_none() && bare["tags"]["prod"] == "Electron", "{bare}");
        let mut nothing = Value::Null;
        unreadable(&mut nothing, "its dump is cut", &[]);
        assert_eq!(nothing["exception"]["values"][0]["type"], "Minidump");
    }
}
