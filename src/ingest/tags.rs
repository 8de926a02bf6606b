//! The tags that conditions are looked for in: those sent, and those that contexts, flags and user agents tell.

use std::collections::HashSet;

use super::agent::{self, Agent};
use crate::{
    grouping::process_type,
    model::{Data, Event, Untrusted},
    store::NO_CONDITION,
};

/// Most tags of an event.
const MOST: usize = 200;
/// Longest value, in characters.
const LONGEST: usize = 200;

/// Tags with unique keys; what was sent comes first and wins.
pub(super) fn of(event: &Event) -> Vec<(Untrusted, Untrusted)> {
    let mut tags = Tags { known: HashSet::new(), list: Vec::new() };
    for (key, value) in &event.tags {
        tags.add(key.raw(), value.raw());
    }
    for flag in &event.flags {
        if let Some(value) = as_text(&flag.result) {
            tags.add(&format!("flag:{}", flag.name.raw()), &value);
        }
    }
    tags.add_some("process.type", process_type(event).as_deref());
    of_contexts(event, &mut tags);
    of_agent(event, &mut tags);
    let fields = [
        ("transaction", &event.transaction),
        ("logger", &event.logger),
        ("server_name", &event.server_name),
        ("dist", &event.dist),
    ];
    for (key, value) in fields {
        tags.add_some(key, value.as_ref().map(|v| v.raw()));
    }
    if let Some(first) = event.exceptions.first() {
        tags.add_some("mechanism", first.mechanism.ty.as_ref().map(|t| t.raw()));
        tags.add_some("handled", first.mechanism.handled.map(|h| if h { "yes" } else { "no" }));
    }
    tags.add("level", event.level.as_str());
    // Without query and fragment: those differ with every visit.
    let url = event.request.as_ref().and_then(|r| r.url.as_ref()).and_then(|url| url.raw().split(['?', '#']).next());
    tags.add_some("url", url);
    tags.list
}

/// The tags of a request that went well or not: those of an event that may be conditions.
pub(super) fn of_request(event: &Event) -> Vec<(Untrusted, Untrusted)> {
    let mut tags = of(event);
    tags.retain(|(key, _)| !NO_CONDITION.contains(&key.raw()));
    tags
}

/// The tags that the attributes of a request's own span tell. Attributes of a name and a version are one tag, as in events.
pub(super) fn of_segment<'a>(attributes: impl Iterator<Item = (&'a str, String)>) -> Vec<(Untrusted, Untrusted)> {
    let attributes: Vec<(&str, String)> = attributes.collect();
    let text = |name: &str| attributes.iter().find(|(key, _)| *key == name).map(|(_, text)| text.as_str());
    let mut tags = Tags { known: HashSet::new(), list: Vec::new() };
    for key in ["browser", "os", "runtime"] {
        if let Some(name) = text(&format!("{key}.name")) {
            tags.add_versioned(key, name, text(&format!("{key}.version")));
        }
    }
    for (key, value) in attributes.iter().filter(|(key, _)| !key.starts_with("sentry.") && !key.starts_with("user.")) {
        let key = key.strip_prefix("flag.evaluation.").map_or_else(|| (*key).to_owned(), |flag| format!("flag:{flag}"));
        if !NO_CONDITION.contains(&key.as_str()) {
            tags.add(&key, value);
        }
    }
    tags.list
}

struct Tags {
    known: HashSet<String>,
    list: Vec<(Untrusted, Untrusted)>,
}

impl Tags {
    fn add(&mut self, key: &str, value: &str) {
        let value: String = value.trim().chars().take(LONGEST).collect();
        let key: String = key.trim().chars().take(LONGEST).collect();
        if self.list.len() < MOST && !value.is_empty() && !key.is_empty() && self.known.insert(key.clone()) {
            self.list.push((key.into(), value.into()));
        }
    }

    fn add_some(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    /// `NAME VERSION` with the first part of the version, and the name alone.
    fn add_versioned(&mut self, key: &str, name: &str, version: Option<&str>) {
        self.add(&format!("{key}.name"), name);
        match version.and_then(|v| v.split('.').next()).filter(|v| !v.is_empty()) {
            Some(major) => self.add(key, &format!("{name} {major}")),
            None => self.add(key, name),
        }
    }
}

fn of_contexts(event: &Event, tags: &mut Tags) {
    let context = |name: &str| event.contexts.iter().find(|(key, _)| key.raw() == name).map(|(_, data)| data);
    let text = |data: &Data, key: &str| data.get(key).and_then(as_text);
    for key in ["browser", "os", "runtime"] {
        if let Some(data) = context(key)
            && let Some(name) = text(data, "name")
        {
            tags.add_versioned(key, &name, text(data, "version").as_deref());
        }
    }
    if let Some(device) = context("device") {
        let named = ["model", "family", "model_id"].iter().find_map(|key| text(device, key));
        tags.add_some("device", named.as_deref());
        tags.add_some("device.class", text(device, "device_class").or_else(|| text(device, "class")).as_deref());
        tags.add_some("device.arch", text(device, "arch").as_deref());
    }
    if let Some(culture) = context("culture") {
        tags.add_some("locale", text(culture, "locale").as_deref());
        tags.add_some("timezone", text(culture, "timezone").as_deref());
    }
    if let Some(app) = context("app") {
        tags.add_some("app.version", text(app, "app_version").as_deref());
    }
    let country = event.user.as_ref().and_then(|u| u.geo.as_ref()).and_then(|geo| text(geo, "country_code"));
    tags.add_some("country", country.as_deref());
}

/// Browser events name their browser in the request's header alone. A server's request header speaks of its visitor.
fn of_agent(event: &Event, tags: &mut Tags) {
    let headers = event.request.as_ref().map_or(&[][..], |r| &r.headers);
    let Some((_, value)) = headers.iter().find(|(key, _)| key.raw().eq_ignore_ascii_case("user-agent")) else { return };
    let Agent { browser, os, device } = agent::read(value.raw());
    if let Some((name, version)) = browser {
        tags.add_versioned("browser", name, version.as_deref());
    }
    // On a server the system of the visitor is not the one that the program runs on.
    let visitor = event.platform.as_ref().is_some_and(|p| p.raw() == "javascript");
    if let Some((name, version)) = os.filter(|_| visitor) {
        tags.add_versioned("os", name, version.as_deref());
    }
    if visitor {
        tags.add_some("device", device.as_deref());
    }
}

/// The tags that a session's user agent tells, as a browser's events have them: browser and system.
pub(super) fn of_user_agent(text: &str) -> Vec<(Untrusted, Untrusted)> {
    let mut tags = Tags { known: HashSet::new(), list: Vec::new() };
    let Agent { browser, os, device: _ } = agent::read(text);
    for (key, part) in [("browser", browser), ("os", os)] {
        if let Some((name, version)) = part {
            tags.add_versioned(key, name, version.as_deref());
        }
    }
    tags.list
}

fn as_text(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) => Some(text.raw().to_owned()),
        Data::Bool(truth) => Some(truth.to_string()),
        Data::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
