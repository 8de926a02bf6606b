//! Redaction before anything is kept: secrets and people leave an event here.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    keys::{self, REDACTED},
    pseudonym::Pseudonyms,
    redact::{person, redact},
};

/// Parts of an event whose keys were chosen by the application: there, keys decide too.
const FREE: &[&str] =
    &["contexts", "extra", "tags", "vars", "data", "headers", "env", "attributes", "query_string", "params", "cookies"];
/// Deepest level that is looked into; what is below goes.
const DEEPEST: usize = 70;

/// Takes secrets and people out of an event before it is kept.
#[derive(Clone)]
pub struct Scrubber {
    pseudonyms: Pseudonyms,
}

impl Scrubber {
    /// With the pseudonyms of a store.
    pub fn new(pseudonyms: Pseudonyms) -> Self {
        Self { pseudonyms }
    }

    /// Whom it names.
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    /// Scrubs an event's JSON (or that of another item) in place. Twice is the same as once.
    pub fn event(&self, event: &mut Value) {
        self.structure(event, 0);
    }

    /// A text that is kept beside an event: a file's name, a file that is text.
    pub fn plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.inner(&mut text, 0);
        text
    }

    /// Where keys are the protocol's: forms alone decide, until a part begins whose keys are not.
    fn structure(&self, value: &mut Value, depth: usize) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) if depth < DEEPEST => list.iter_mut().for_each(|v| self.structure(v, depth + 1)),
            Value::Object(map) if depth < DEEPEST => {
                for (key, value) in map.iter_mut() {
                    match key.as_str() {
                        "user" if value.is_object() => self.user(value, depth + 1),
                        "cookies" => self.cookies(value),
                        key if FREE.contains(&key) => self.free(value, depth + 1),
                        _ => self.structure(value, depth + 1),
                    }
                }
            }
            Value::Array(_) | Value::Object(_) => *value = Value::String(REDACTED.into()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Where keys are the application's: they decide, then forms do.
    fn free(&self, value: &mut Value, depth: usize) {
        match value {
            Value::String(text) => self.inner(text, depth),
            Value::Array(list) if depth < DEEPEST => {
                if let [Value::String(key), value] = list.as_mut_slice() {
                    self.entry(key, value, depth);
                    return self.text(key);
                }
                list.iter_mut().for_each(|v| self.free(v, depth + 1));
            }
            Value::Object(map) if depth < DEEPEST => self.entries(map, depth),
            Value::Array(_) | Value::Object(_) => *value = Value::String(REDACTED.into()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn entries(&self, map: &mut Map<String, Value>, depth: usize) {
        for (key, value) in map.iter_mut() {
            self.entry(key, value, depth);
        }
        self.names(map);
    }

    /// Names can hold secrets as well; mostly none does, and the map stays as it is.
    fn names(&self, map: &mut Map<String, Value>) {
        let scrubbed = |key: &String| redact(key, Some(&self.pseudonyms)).into_owned();
        if map.keys().any(|key| scrubbed(key) != *key) {
            *map = std::mem::take(map).into_iter().map(|(key, value)| (scrubbed(&key), value)).collect();
        }
    }

    fn entry(&self, key: &str, value: &mut Value, depth: usize) {
        if key.eq_ignore_ascii_case("cookies") {
            return self.cookies(value);
        }
        if let Some(kind) = person_of(key) {
            return self.person(kind, value);
        }
        if keys::is_secret(key) {
            return self.secret(value);
        }
        self.free(value, depth + 1);
    }

    /// The whole value goes, whatever it is; what is gone already and what is nothing stays.
    fn secret(&self, value: &mut Value) {
        let stays = match value {
            Value::Null | Value::Bool(_) => true,
            Value::String(text) => text.is_empty() || keys::is_gone(text),
            // Attributes of logs: `{"value": …, "type": …}`.
            Value::Object(map) if map.contains_key("value") && map.len() <= 3 => {
                if let Some(inner) = map.get_mut("value") {
                    self.secret(inner);
                }
                true
            }
            _ => false,
        };
        if !stays {
            *value = Value::String(REDACTED.into());
        }
    }

    fn person(&self, kind: &'static str, value: &mut Value) {
        match value {
            Value::String(text) => *text = person(kind, text, &self.pseudonyms),
            Value::Number(number) => *value = Value::String(person(kind, &number.to_string(), &self.pseudonyms)),
            Value::Object(map) => {
                if let Some(inner) = map.get_mut("value") {
                    self.person(kind, inner);
                }
            }
            Value::Null | Value::Bool(_) | Value::Array(_) => {}
        }
    }

    /// The user: pseudonyms for what names somebody, the country of where they were, the rest by key and form.
    fn user(&self, value: &mut Value, depth: usize) {
        let Value::Object(map) = value else { return };
        for (key, value) in map.iter_mut() {
            match key.as_str() {
                "id" | "username" => self.person("user", value),
                "email" => self.person("email", value),
                "ip_address" => self.person("ip", value),
                "name" => self.person("name", value),
                "geo" => keep_country(value),
                key => self.entry(key, value, depth + 1),
            }
        }
    }

    /// Names of cookies stay, values go.
    fn cookies(&self, value: &mut Value) {
        match value {
            Value::String(text) if !keys::is_gone(text) => {
                let name = |pair: &str| pair.split('=').next().unwrap_or("").trim().to_owned();
                let kept: Vec<String> = text.split(';').map(|pair| format!("{}={REDACTED}", name(pair))).collect();
                *text = kept.join("; ");
            }
            Value::Object(map) => map.values_mut().for_each(|v| self.secret(v)),
            Value::Array(list) => list.iter_mut().for_each(|pair| match pair {
                Value::Array(two) => two.iter_mut().skip(1).for_each(|v| self.secret(v)),
                other => self.secret(other),
            }),
            _ => {}
        }
    }

    /// A string that is JSON itself is scrubbed as such, so that its keys count.
    fn inner(&self, text: &mut String, depth: usize) {
        let trimmed = text.trim_start();
        if trimmed.starts_with(['{', '['])
            && let Ok(mut inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text)
        {
            let before = inner.clone();
            self.free(&mut inner, depth + 1);
            if inner != before {
                *text = inner.to_string();
            }
            return;
        }
        self.text(text);
    }

    fn text(&self, text: &mut String) {
        if is_id(text) {
            return;
        }
        if let Cow::Owned(redacted) = redact(text, Some(&self.pseudonyms)) {
            *text = redacted;
        }
    }
}

/// Ids of events, traces and spans: 16 or 32 hex digits may look like a card's number by chance.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 16 | 32 | 36)
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && !is_card_like(text)
}

/// Sixteen digits without a letter are no span's id.
fn is_card_like(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Keys of free parts that name somebody.
fn person_of(key: &str) -> Option<&'static str> {
    Some(match key.to_ascii_lowercase().as_str() {
        "user.id" | "user.username" | "user_id" | "userid" | "username" | "x-user-id" | "enduser.id" => "user",
        "user.email" | "email" | "user_email" | "contact_email" => "email",
        "user.ip_address" | "ip_address" | "client.address" | "remote_addr" | "x-forwarded-for" | "x-real-ip" => "ip",
        "user.name" | "full_name" | "fullname" => "name",
        _ => return None,
    })
}

fn keep_country(geo: &mut Value) {
    if let Value::Object(map) = geo {
        map.retain(|key, _| matches!(key.as_str(), "country_code" | "country" | "country_name"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scrubbed(mut event: Value) -> Value {
        Scrubber::new(Pseudonyms::new([3; 32])).event(&mut event);
        event
    }

    #[test]
    fn people_get_pseudonyms_and_keep_their_country() {
        let pseudonyms = Pseudonyms::new([3; 32]);
        let event = scrubbed(json!({ "user": { "id": 21, "email": "ada@shop.example", "ip_address": "{{auto}}",
            "geo": { "country_code": "PT", "city": "Lisbon" }, "plan": "pro" } }));
        assert_eq!(event["user"]["id"], pseudonyms.named("user", "21"));
        assert!(event["user"]["email"].as_str().unwrap().starts_with("email-"));
        assert_eq!(event["user"]["ip_address"], "{{auto}}");
        assert_eq!(event["user"]["geo"], json!({ "country_code": "PT" }));
        assert_eq!(event["user"]["plan"], "pro");
    }

    #[test]
    fn keys_decide_in_free_parts_and_not_in_the_protocols_own() {
        let event = scrubbed(json!({
            "event_id": "9f86d081884c7d659a2feaa0c55ad015", "release": "shop@2.3.0",
            "exception": { "values": [{ "type": "Error", "value": "no session", "mechanism": { "handled": false },
                "stacktrace": { "frames": [{ "function": "sign", "vars": { "api_password": "'hunter2'", "n": 3 } }] } }] },
            "request": { "headers": { "Authorization": "x", "Accept": "y" }, "cookies": { "sid": "1" },
                "data": "{\"password\":\"p\",\"zip\":\"1000\"}", "query_string": "token=abc123def&page=2" },
            "tags": [["session_id", "abc"], ["plan", "pro"]], "extra": { "auth": "a", "author": "b" },
        }));
        assert_eq!(event["event_id"], "9f86d081884c7d659a2feaa0c55ad015");
        assert_eq!(event["release"], "shop@2.3.0");
        let exception = &event["exception"]["values"][0];
        assert_eq!((&exception["value"], &exception["mechanism"]["handled"]), (&json!("no session"), &json!(false)));
        assert_eq!(exception["stacktrace"]["frames"][0]["vars"], json!({ "api_password": REDACTED, "n": 3 }));
        assert_eq!(event["request"]["headers"], json!({ "Authorization": REDACTED, "Accept": "y" }));
        assert_eq!(event["request"]["cookies"], json!({ "sid": REDACTED }));
        assert_eq!(event["request"]["data"], format!("{{\"password\":\"{REDACTED}\",\"zip\":\"1000\"}}"));
        assert_eq!(event["request"]["query_string"], format!("token={REDACTED}&page=2"));
        assert_eq!(event["tags"], json!([["session_id", REDACTED], ["plan", "pro"]]));
        assert_eq!(event["extra"], json!({ "auth": REDACTED, "author": "b" }));
    }

    #[test]
    fn twice_is_the_same_as_once() {
        let once = scrubbed(
            json!({ "user": { "id": "7", "email": "a@b.example" }, "message": "mail a@b.example at 203.0.113.7",
            "extra": { "token": "x", "nested": "{\"secret\":1}" }, "request": { "cookies": "a=1; b=2" } }),
        );
        assert_eq!(scrubbed(once.clone()), once);
    }
}
