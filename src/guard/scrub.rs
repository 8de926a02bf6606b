//! Redaction before anything is kept: secrets and people leave an event here.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    keys::{self, Class, REDACTED},
    own::Own,
    pseudonym::{Pseudonyms, is_pseudonym},
    redact::{normal, redact},
};

/// Parts of an event whose keys were chosen by the application: there, keys decide too.
const FREE: &[&str] = &[
    "contexts",
    "extra",
    "tags",
    "vars",
    "data",
    "headers",
    "env",
    "attributes",
    "query_string",
    "params",
    "cookies",
    "payload",
];
/// Parts that name things of the program and of the protocol: nobody's own name is sought there.
const TECHNICAL: &[&str] = &[
    "event_id",
    "release",
    "environment",
    "dist",
    "platform",
    "level",
    "type",
    "sdk",
    "function",
    "module",
    "category",
    "op",
    "debug_meta",
    "fingerprint",
    "logger",
    "trace_id",
    "span_id",
    "parent_span_id",
    "status",
    "replay_id",
    "mechanism",
];
/// Keys of free parts that hold a person as a structure.
const SOMEBODY: &[&str] = &[
    "user",
    "customer",
    "patient",
    "employee",
    "passenger",
    "recipient",
    "cardholder",
    "person",
    "currentuser",
    "current_user",
    "contact",
    "buyer",
    "seller",
    "subscriber",
    "guest",
];
/// Where somebody is, more closely than the country.
const PLACES: &[&str] = &[
    "city",
    "region",
    "subdivision",
    "state",
    "zip",
    "zipcode",
    "zip_code",
    "postal_code",
    "postcode",
    "postal",
    "latitude",
    "longitude",
    "lat",
    "lon",
    "lng",
    "location",
    "geolocation",
];
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

    /// For what a store of this program exported: pseudonyms in it stay what they are.
    pub fn returning(self) -> Self {
        Self { pseudonyms: self.pseudonyms.returning() }
    }

    /// Whom it names.
    pub fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    /// Scrubs an event's JSON (or that of another item) in place, as it came: a pseudonym in it is a text like any other,
    /// so that nobody passes for somebody else.
    pub fn event(&self, event: &mut Value) {
        let own = Own::of(event.get("user"), &self.pseudonyms);
        self.pass(&own).structure(event, 0);
    }

    /// Scrubs what was scrubbed before and had something added: pseudonyms in it are this program's own and stay.
    pub fn again(&self, event: &mut Value) {
        Pass { pseudonyms: &self.pseudonyms, own: &Own::default(), again: true }.structure(event, 0);
    }

    /// A text that is kept beside an event: a file's name, a file that is text.
    pub fn plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.pass(&Own::default()).inner(&mut text, 0);
        text
    }

    /// The name of somebody, such as whom an issue is given to: a pseudonym, but for names of teams and the like.
    pub fn somebody(&self, name: &str) -> String {
        redact(name.trim(), Some(&self.pseudonyms)).into_owned()
    }

    pub(super) fn pass<'a>(&'a self, own: &'a Own) -> Pass<'a> {
        Pass { pseudonyms: &self.pseudonyms, own, again: self.pseudonyms.is_returning() }
    }
}

/// One walk through one event.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pseudonyms: &'a Pseudonyms,
    /// What names the event's own user.
    own: &'a Own,
    /// Whether pseudonyms that are met are this program's.
    again: bool,
}

impl Pass<'_> {
    /// Where keys are the protocol's: forms alone decide, until a part begins whose keys are not.
    fn structure(&self, value: &mut Value, depth: usize) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) if depth < DEEPEST => list.iter_mut().for_each(|v| self.structure(v, depth + 1)),
            Value::Object(map) if depth < DEEPEST => {
                let none = Own::default();
                for (key, value) in map.iter_mut() {
                    match key.as_str() {
                        "user" if value.is_object() => self.user(value, depth + 1),
                        "cookies" => self.cookies(value),
                        key if FREE.contains(&key) => self.free(value, depth + 1),
                        key if TECHNICAL.contains(&key) => Pass { own: &none, ..*self }.structure(value, depth + 1),
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
            Value::Array(list) if depth < DEEPEST => self.list(list, depth),
            Value::Object(map) if depth < DEEPEST => self.entries(map, depth),
            Value::Array(_) | Value::Object(_) => *value = Value::String(REDACTED.into()),
            Value::Number(number) => {
                let text = number.to_string();
                if text.len() >= 13 && *redact(&text, None) != *text {
                    *value = Value::String("[redacted: card]".into());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A pair of name and value, or the words of a command, or values.
    fn list(&self, list: &mut [Value], depth: usize) {
        if let [Value::String(key), value] = list
            && !key.starts_with('-')
        {
            self.entry(key, value, depth);
            return self.text(key);
        }
        let mut secret = false;
        for value in list {
            let option =
                value.as_str().and_then(|word| word.strip_prefix('-')).map(|word| word.trim_start_matches('-'));
            let names = option.is_some_and(|word| !word.contains('=') && keys::is_secret(word));
            match value {
                Value::String(text) if secret && !text.starts_with('-') => *text = REDACTED.into(),
                value => self.free(value, depth + 1),
            }
            secret = names;
        }
    }

    fn entries(&self, map: &mut Map<String, Value>, depth: usize) {
        // `{"name": "password", "value": …}`: one entry names the other.
        let named = ["name", "key", "field", "header", "param", "parameter"].into_iter().find_map(|key| {
            map.get(key).and_then(Value::as_str).filter(|name| keys::class(name).is_some()).map(str::to_owned)
        });
        for (key, value) in map.iter_mut() {
            match &named {
                Some(name) if matches!(key.as_str(), "value" | "val" | "content" | "text" | "data") => {
                    self.entry(name, value, depth);
                }
                _ => self.entry(key, value, depth),
            }
        }
        self.names(map);
    }

    /// Names can hold secrets as well; mostly none does, and the map stays as it is.
    fn names(&self, map: &mut Map<String, Value>) {
        let scrubbed = |key: &String| redact(key, Some(self.pseudonyms)).into_owned();
        if map.keys().any(|key| key.len() > 8 && scrubbed(key) != *key) {
            *map = std::mem::take(map).into_iter().map(|(key, value)| (scrubbed(&key), value)).collect();
        }
    }

    pub(super) fn entry(&self, key: &str, value: &mut Value, depth: usize) {
        if key.eq_ignore_ascii_case("cookies") {
            return self.cookies(value);
        }
        if value.is_object() && SOMEBODY.iter().any(|word| key.eq_ignore_ascii_case(word)) && depth < DEEPEST {
            return self.user(value, depth + 1);
        }
        match keys::class(key) {
            Some(Class::Person(kind)) => self.person(kind, value, depth),
            Some(_) => self.secret(value),
            None => self.free(value, depth + 1),
        }
    }

    /// The whole value goes, whatever it is; what is gone already and what is nothing stays.
    fn secret(&self, value: &mut Value) {
        let stays = match value {
            Value::Null | Value::Bool(_) => true,
            Value::String(text) => text.is_empty() || keys::is_gone(text),
            // Attributes of logs: `{"value": …, "type": …}` and nothing else.
            Value::Object(map)
                if map.contains_key("value")
                    && map.keys().all(|key| matches!(key.as_str(), "value" | "type" | "unit")) =>
            {
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

    /// A street, a town: anything with more letters than the code of a country has.
    fn part_of_address(&self, value: &mut Value, depth: usize) {
        match value {
            Value::String(text) if text.chars().filter(|c| c.is_alphabetic()).count() > 3 && !keys::is_gone(text) => {
                *text = "[redacted: address]".into();
            }
            value => self.person("address", value, depth),
        }
    }

    /// What a key says is somebody's: a pseudonym where one can be told apart by it, else it is gone.
    fn person(&self, kind: &'static str, value: &mut Value, depth: usize) {
        match value {
            Value::String(text) if kind == "ip" || kind == "address" => {
                // Machines of one's own explain errors; an address in memory is no place to live.
                let postal = kind == "address" && text.contains(' ') && text.contains(char::is_alphabetic);
                let listed = kind == "ip" && text.contains(',');
                match normal("ip", text) {
                    one if !listed && kind == "ip" && one.parse::<std::net::IpAddr>().is_ok() => {
                        *text = self.named(kind, text)
                    }
                    _ if postal => *text = "[redacted: address]".into(),
                    _ => self.text(text),
                }
            }
            Value::String(text) => *text = self.named(kind, text),
            Value::Number(_) if kind == "ip" || kind == "address" => {}
            Value::Number(number) => *value = Value::String(self.named(kind, &number.to_string())),
            Value::Object(map) if map.contains_key("value") => {
                if let Some(inner) = map.get_mut("value") {
                    self.person(kind, inner, depth);
                }
            }
            // Its words go; what shapes it has, and its numbers, explain errors.
            Value::Object(map) if kind == "address" && depth < DEEPEST => {
                map.values_mut().for_each(|part| self.part_of_address(part, depth + 1));
            }
            Value::Array(list) if kind == "address" && depth < DEEPEST => {
                list.iter_mut().for_each(|part| self.part_of_address(part, depth + 1));
            }
            Value::Object(_) | Value::Array(_) => self.free(value, depth + 1),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn named(&self, kind: &'static str, said: &str) -> String {
        let kept =
            said.trim().is_empty() || said == "{{auto}}" || keys::is_gone(said) || (self.again && is_pseudonym(said));
        match kind {
            _ if kept => said.to_owned(),
            "user" | "email" | "ip" | "name" => self.pseudonyms.named(kind, &normal(kind, said)),
            kind => format!("[redacted: {kind}]"),
        }
    }

    /// The user: pseudonyms for what names somebody, the country of where they were, the rest by key and form.
    fn user(&self, value: &mut Value, depth: usize) {
        let Value::Object(map) = value else { return };
        for (key, value) in map.iter_mut() {
            match key.as_str() {
                "id" | "username" => self.identity(value),
                "email" => self.person("email", value, depth),
                "ip_address" => self.whole("ip", value),
                "name" => self.person("name", value, depth),
                "geo" => keep_country(value),
                key if PLACES.contains(&key) => *value = Value::String("[redacted: location]".into()),
                _ if value.is_object() && depth < DEEPEST => self.user(value, depth + 1),
                key => self.entry(key, value, depth + 1),
            }
        }
    }

    /// Who a user is by the application's own word, as it stands: counts go by it.
    fn identity(&self, value: &mut Value) {
        let said = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return self.whole("user", value),
        };
        let kept = said.is_empty() || keys::is_gone(&said) || (self.again && is_pseudonym(&said));
        if !kept {
            *value = Value::String(self.pseudonyms.named("user", &said));
        }
    }

    /// A value that is somebody's in any form.
    fn whole(&self, kind: &'static str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.named(kind, text),
            Value::Number(number) => *value = Value::String(self.named(kind, &number.to_string())),
            Value::Null | Value::Bool(_) => {}
            Value::Array(_) | Value::Object(_) => *value = Value::String(format!("[redacted: {kind}]")),
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
    pub(super) fn inner(&self, text: &mut String, depth: usize) {
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

    pub(super) fn text(&self, text: &mut String) {
        if is_id(text) {
            return;
        }
        if let Some(without) = self.own.taken_from(text) {
            *text = without;
        }
        if let Cow::Owned(redacted) = redact(text, Some(self.pseudonyms)) {
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
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

fn keep_country(geo: &mut Value) {
    match geo {
        Value::Object(map) => map.retain(|key, _| matches!(key.as_str(), "country_code" | "country" | "country_name")),
        Value::Null => {}
        _ => *geo = Value::String("[redacted: location]".into()),
    }
}

#[cfg(test)]
mod tests;
