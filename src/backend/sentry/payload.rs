//! An event as the Web API shows it becomes the payload that an SDK sends, so that one reader reads both.

use serde_json::{Map, Value, json};

use super::json::{list, word};

/// Tags that say what fields say.
const FIELDS: [&str; 8] = ["environment", "level", "release", "dist", "server_name", "transaction", "logger", "user"];

/// The SDK's payload. What can't be said there is left out.
pub(super) fn of_api(api: &Value) -> Value {
    let tag = |key: &str| {
        let found = list(api, "tags").iter().find(|tag| word(tag, "key") == key);
        found.and_then(|tag| tag.get("value")).cloned().unwrap_or(Value::Null)
    };
    let release = api.pointer("/release/version").cloned().filter(|v| v.is_string()).unwrap_or_else(|| tag("release"));
    let own = |tag: &&Value| !FIELDS.contains(&word(tag, "key")) && !word(tag, "key").starts_with("sentry:");
    let tags: Vec<Value> =
        list(api, "tags").iter().filter(own).map(|tag| json!([tag.get("key"), tag.get("value")])).collect();
    let mut event = json!({
        "event_id": api.get("eventID").or_else(|| api.get("id")),
        "timestamp": api.get("dateCreated"),
        "platform": api.get("platform"),
        "level": tag("level"),
        "release": release,
        "dist": api.get("dist"),
        "environment": tag("environment"),
        "transaction": tag("transaction"),
        "logger": tag("logger"),
        "server_name": tag("server_name"),
        "tags": tags,
        "contexts": api.get("contexts"),
        "extra": api.get("context"),
        "sdk": api.get("sdk"),
        "user": api.get("user").map(user),
    });
    let map = event.as_object_mut().expect("made as an object");
    for entry in list(api, "entries") {
        let data = entry.get("data").unwrap_or(&Value::Null);
        match word(entry, "type") {
            "exception" => drop(map.insert("exception".into(), json!({ "values": values(data, exception) }))),
            "threads" => drop(map.insert("threads".into(), json!({ "values": values(data, thread) }))),
            "breadcrumbs" => drop(map.insert("breadcrumbs".into(), data.clone())),
            "request" => drop(map.insert("request".into(), request(data))),
            "message" => drop(map.insert("logentry".into(), data.clone())),
            "stacktrace" => drop(map.insert("stacktrace".into(), stack(data))),
            _ => {}
        }
    }
    if !map.contains_key("exception") && !map.contains_key("logentry") {
        map.insert("logentry".into(), json!({ "formatted": said(api) }));
    }
    map.retain(|_, value| !value.is_null());
    event
}

/// What an event without exception and message is about.
fn said(api: &Value) -> Value {
    let evidence = api.get("occurrence").map_or(&[][..], |occurrence| list(occurrence, "evidenceDisplay"));
    if evidence.is_empty() {
        let text = |key: &str| api.get(key).filter(|text| text.as_str().is_some_and(|t| !t.is_empty())).cloned();
        return text("message").or_else(|| text("title")).unwrap_or(Value::Null);
    }
    let mut lines = vec![word(api, "title").to_owned()];
    lines.extend(evidence.iter().map(|one| format!("{}: {}", word(one, "name"), word(one, "value"))));
    lines.join("\n").into()
}

fn values(data: &Value, each: fn(&Value) -> Value) -> Vec<Value> {
    list(data, "values").iter().filter(|value| value.is_object()).map(each).collect()
}

fn exception(api: &Value) -> Value {
    json!({
        "type": api.get("type"),
        "value": api.get("value"),
        "module": api.get("module"),
        "mechanism": api.get("mechanism"),
        "stacktrace": api.get("stacktrace").map(stack),
        "raw_stacktrace": api.get("rawStacktrace").map(stack),
    })
}

fn thread(api: &Value) -> Value {
    json!({
        "id": api.get("id"),
        "name": api.get("name"),
        "crashed": api.get("crashed"),
        "current": api.get("current"),
        "stacktrace": api.get("stacktrace").map(stack),
    })
}

fn stack(api: &Value) -> Value {
    let frames: Vec<Value> = list(api, "frames").iter().filter(|frame| frame.is_object()).map(frame).collect();
    json!({ "frames": frames })
}

fn frame(api: &Value) -> Value {
    let mut frame = Map::new();
    let names = [
        ("filename", "filename"),
        ("absPath", "abs_path"),
        ("module", "module"),
        ("package", "package"),
        ("function", "function"),
        ("lineNo", "lineno"),
        ("colNo", "colno"),
        ("inApp", "in_app"),
        ("vars", "vars"),
    ];
    for (theirs, own) in names {
        if let Some(value) = api.get(theirs).filter(|value| !value.is_null()) {
            frame.insert(own.to_owned(), value.clone());
        }
    }
    let line = api.get("lineNo").and_then(Value::as_i64);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for pair in list(api, "context") {
        let (Some(number), Some(text)) = (pair.get(0).and_then(Value::as_i64), pair.get(1)) else { continue };
        match line.map(|line| number.cmp(&line)) {
            Some(std::cmp::Ordering::Less) => before.push(text.clone()),
            Some(std::cmp::Ordering::Equal) => drop(frame.insert("context_line".into(), text.clone())),
            _ => after.push(text.clone()),
        }
    }
    for (key, lines) in [("pre_context", before), ("post_context", after)] {
        if !lines.is_empty() {
            frame.insert(key.to_owned(), lines.into());
        }
    }
    Value::Object(frame)
}

fn request(api: &Value) -> Value {
    let mut request = api.clone();
    if let Some(map) = request.as_object_mut() {
        if let Some(query) = map.remove("query") {
            map.insert("query_string".into(), query);
        }
        map.retain(|_, value| !value.is_null());
        ["inferredContentType", "fragment", "apiTarget"].iter().for_each(|key| drop(map.remove(*key)));
    }
    request
}

/// Further values of a user stand beside the others.
fn user(api: &Value) -> Value {
    let mut user = api.clone();
    if let Some(map) = user.as_object_mut() {
        if let Some(Value::Object(data)) = map.remove("data") {
            for (key, value) in data {
                map.entry(key).or_insert(value);
            }
        }
        map.retain(|_, value| !value.is_null());
        if map.is_empty() {
            return Value::Null;
        }
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_lines_are_parted_by_number() {
        let api = json!({"entries": [{"type": "exception", "data": {"values": [{
            "type": "TypeError", "value": "x", "stacktrace": {"frames": [
                {"function": "f", "lineNo": 7, "inApp": true, "context": [[6, "a"], [7, "b"], [8, "c"]], "vars": null},
                {"function": "g", "lineNo": 1, "context": null}
            ]}
        }]}}], "tags": [{"key": "environment", "value": "prod"}, {"key": "browser", "value": "Firefox"}],
            "user": {"id": "7", "email": null, "data": {"plan": "pro"}}, "context": {"a": 1}});
        let sdk = of_api(&api);
        let frame = sdk.pointer("/exception/values/0/stacktrace/frames/0").unwrap();
        assert_eq!(frame["pre_context"], json!(["a"]));
        assert_eq!((&frame["context_line"], &frame["post_context"]), (&json!("b"), &json!(["c"])));
        assert_eq!(sdk["environment"], "prod");
        assert_eq!(sdk["tags"], json!([["browser", "Firefox"]]));
        assert_eq!(sdk["user"], json!({"id": "7", "plan": "pro"}));
        assert!(sdk.get("logentry").is_none());
        assert_eq!(of_api(&json!({"title": "Slow"}))["logentry"], json!({"formatted": "Slow"}));
    }
}
