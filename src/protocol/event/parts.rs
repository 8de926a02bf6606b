//! The parts of an event beside its exceptions.

use serde_json::{Map, Value};

use super::{MOST, as_text, list, text};
use crate::{
    model::{Breadcrumb, Data, Flag, Level, Request, Untrusted, User},
    protocol::{Clock, timestamp},
};

/// Keys and values of an object.
pub(super) fn entries(json: Option<&Value>) -> Vec<(Untrusted, Data)> {
    let Some(Value::Object(map)) = json else { return Vec::new() };
    map.iter().map(|(key, value)| (key.as_str().into(), Data::from(value))).collect()
}

/// Names and texts: of an object, or of a list of pairs.
pub(super) fn pairs(json: Option<&Value>) -> Vec<(Untrusted, Untrusted)> {
    let pair = |key: &Value, value: &Value| Some((as_text(key)?, as_text(value)?));
    match json {
        Some(Value::Object(map)) => {
            map.iter().filter_map(|(key, value)| Some((key.as_str().into(), as_text(value)?))).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|entry| match entry {
                Value::Array(two) => pair(two.first()?, two.get(1)?),
                Value::Object(map) => pair(map.get("key")?, map.get("value")?),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Texts of a list.
pub(super) fn texts(json: Option<&Value>) -> Vec<Untrusted> {
    match json {
        Some(Value::Array(list)) => list.iter().filter_map(as_text).take(MOST).collect(),
        _ => Vec::new(),
    }
}

/// Contexts by name, and the SDK's `extra` under that name.
pub(super) fn contexts(json: &Value) -> Vec<(Untrusted, Data)> {
    let mut contexts = entries(json.get("contexts"));
    let extra = json.get("extra").map(Data::from).filter(|extra| !extra.is_empty());
    contexts.extend(extra.map(|extra| ("extra".into(), extra)));
    contexts
}

/// Flags evaluated before, from the context of that name.
pub(super) fn flags(contexts: &[(Untrusted, Data)]) -> Vec<Flag> {
    let context = contexts.iter().find(|(name, _)| name.raw() == "flags");
    let Some(Data::List(values)) = context.and_then(|(_, flags)| flags.get("values")) else { return Vec::new() };
    let flag = |value: &Data| {
        Some(Flag {
            name: value.get("flag")?.text()?.clone(),
            result: value.get("result").cloned().unwrap_or(Data::Null),
        })
    };
    values.iter().filter_map(flag).take(MOST).collect()
}

/// The newest breadcrumbs, oldest first.
pub(super) fn breadcrumbs(json: &Value, clock: &Clock) -> Vec<Breadcrumb> {
    let all = list(json, "breadcrumbs");
    let skip = all.len().saturating_sub(MOST);
    all.into_iter().skip(skip).map(|b| breadcrumb(b, clock)).collect()
}

fn breadcrumb(json: &Value, clock: &Clock) -> Breadcrumb {
    Breadcrumb {
        timestamp: json.get("timestamp").and_then(timestamp).map(|t| clock.correct(t)),
        ty: text(json, "type").filter(|ty| ty.raw() != "default"),
        category: text(json, "category"),
        level: json.get("level").and_then(Value::as_str).and_then(Level::parse),
        message: text(json, "message"),
        data: json.get("data").map(Data::from).filter(|data| !data.is_empty()),
    }
}

pub(super) fn request(json: &Value) -> Option<Request> {
    let data = |key: &str| json.get(key).map(Data::from).filter(|data| !data.is_empty());
    json.is_object().then(|| Request {
        method: text(json, "method"),
        url: text(json, "url"),
        query: data("query_string"),
        data: data("data"),
        headers: headers(json.get("headers")),
        cookies: data("cookies"),
        env: data("env"),
    })
}

/// Headers as other pairs, but that one may have several values.
fn headers(json: Option<&Value>) -> Vec<(Untrusted, Untrusted)> {
    let Some(Value::Object(map)) = json else { return pairs(json) };
    let several = |values: &Vec<Value>| {
        let texts: Vec<String> = values.iter().filter_map(as_text).map(Untrusted::into_raw).collect();
        (!texts.is_empty()).then(|| texts.join(", ").into())
    };
    let header = |(key, value): (&String, &Value)| {
        let text = value.as_array().map_or_else(|| as_text(value), several)?;
        Some((key.as_str().into(), text))
    };
    map.iter().filter_map(header).collect()
}

pub(super) fn user(json: &Value) -> Option<User> {
    const KNOWN: [&str; 6] = ["id", "email", "username", "ip_address", "name", "geo"];
    let map: &Map<String, Value> = json.as_object().filter(|map| !map.is_empty())?;
    let other = map.iter().filter(|(key, value)| !KNOWN.contains(&key.as_str()) && !value.is_null());
    Some(User {
        id: text(json, "id"),
        email: text(json, "email"),
        username: text(json, "username"),
        ip_address: text(json, "ip_address"),
        name: text(json, "name"),
        geo: json.get("geo").map(Data::from).filter(|geo| !geo.is_empty()),
        other: other.map(|(key, value)| (key.as_str().into(), Data::from(value))).collect(),
    })
}
