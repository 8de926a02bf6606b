//! Users whom an SDK leaves to the server: `ip_address: "{{auto}}"`, or `infer_ip` in the settings that it sends.
//! Source: Sentry's documentation of the user interface and of `sdk.settings.infer_ip`.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::protocol::{ItemType, event::parse_user};

/// What SDKs write where the server has to look.
const LEFT_TO_THE_SERVER: &str = "{{auto}}";

/// Writes the sender's address into an item that leaves it to the server and names no user otherwise.
pub(super) fn fill(ty: ItemType, json: &mut Value, from: IpAddr) {
    if !json.is_object() {
        return;
    }
    match ty {
        ItemType::Session | ItemType::Sessions => fill_session(json, from),
        _ => fill_user(json, from),
    }
}

fn fill_user(json: &mut Value, from: IpAddr) {
    let address = json.pointer("/user/ip_address").and_then(Value::as_str);
    let asked = match address {
        Some(address) => address == LEFT_TO_THE_SERVER,
        None => json.pointer("/sdk/settings/infer_ip").and_then(Value::as_str) == Some("auto"),
    };
    let named = parse_user(json).is_some_and(|user| user.identity().is_some());
    if !asked || named {
        return;
    }
    if !json.get("user").is_some_and(Value::is_object) {
        json["user"] = json!({});
    }
    json["user"]["ip_address"] = from.to_string().into();
}

/// A session without a user's id is its address's.
fn fill_session(json: &mut Value, from: IpAddr) {
    let nobody = |did: Option<&Value>| did.and_then(Value::as_str).is_none_or(str::is_empty);
    let asked = json.pointer("/attrs/ip_address").and_then(Value::as_str) == Some(LEFT_TO_THE_SERVER);
    if asked && json.get("sid").is_some() && nobody(json.get("did")) {
        json["did"] = from.to_string().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_filled_in_where_the_sdk_leaves_it_to_the_server_and_names_nobody() {
        let from: IpAddr = "203.0.113.9".parse().unwrap();
        let filled = |ty: ItemType, mut json: Value| {
            fill(ty, &mut json, from);
            json
        };
        let auto = json!({ "user": { "ip_address": "{{auto}}" } });
        assert_eq!(filled(ItemType::Event, auto)["user"]["ip_address"], "203.0.113.9");
        let inferred = json!({ "sdk": { "settings": { "infer_ip": "auto" } } });
        assert_eq!(filled(ItemType::Event, inferred)["user"]["ip_address"], "203.0.113.9");
        for left in [
            json!({ "user": { "id": "7", "ip_address": "{{auto}}" } }),
            json!({ "user": { "ip_address": "198.51.100.1" } }),
            json!({ "sdk": { "settings": { "infer_ip": "never" } } }),
            json!({}),
        ] {
            assert_eq!(filled(ItemType::Event, left.clone()), left);
        }
        let session = json!({ "sid": "s", "attrs": { "ip_address": "{{auto}}" } });
        assert_eq!(filled(ItemType::Session, session)["did"], "203.0.113.9");
    }
}
