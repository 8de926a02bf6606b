//! An event in Sentry's shape.

use serde_json::{Value, json};

use super::{
    entries,
    issue_view::metadata,
    shapes::{data, entries as map, moment, some, version_info},
};
use crate::{
    model::{Event, EventKind, Project, Untrusted, User},
    store::EventFacts,
};

/// A whole event.
pub(super) fn event(facts: &EventFacts, project: &Project) -> Value {
    let event = &facts.event;
    let mut shape = short(facts, project);
    let contexts: Vec<_> = event.contexts.iter().filter(|(name, _)| name.raw() != "extra").cloned().collect();
    let extra = event.contexts.iter().find(|(name, _)| name.raw() == "extra");
    let more = json!({
        "dateReceived": moment(facts.received),
        "contexts": map(&contexts),
        "context": extra.map_or(json!({}), |(_, extra)| data(extra)),
        "entries": entries::of(event),
        "dist": some(&event.dist),
        "sdk": { "name": some(&event.sdk.name), "version": some(&event.sdk.version) },
        "packages": {},
        "type": if event.kind == EventKind::Error { "error" } else { "default" },
        "errors": [],
        "occurrence": null,
        "_meta": {},
        "size": null,
        "fingerprints": event.fingerprint.iter().map(Untrusted::raw).collect::<Vec<_>>(),
        "groupingConfig": { "id": "prodsignal", "enhancements": "" },
        "release": event.release.as_ref().map(|version| release(version.raw())),
        "userReport": null,
        "sdkUpdates": [],
        "resolvedWith": [],
        "nextEventID": facts.next.map(|id| id.to_string()),
        "previousEventID": facts.previous.map(|id| id.to_string()),
    });
    if let (Some(shape), Value::Object(more)) = (shape.as_object_mut(), more) {
        shape.extend(more);
    }
    shape
}

/// What lists show of an event.
pub(super) fn short(facts: &EventFacts, project: &Project) -> Value {
    let event = &facts.event;
    let title = title(facts);
    let message = event.message.as_ref().map_or("", Untrusted::raw);
    let frame = facts.issue.top_frame.as_ref();
    json!({
        "id": event.id.to_string(),
        "eventID": event.id.to_string(),
        "event.type": if event.kind == EventKind::Error { "error" } else { "default" },
        "groupID": facts.issue.id.to_string(),
        "projectID": project.id.to_string(),
        "projectSlug": project.slug,
        "title": title,
        "message": if message.is_empty() { title.as_str() } else { message },
        "location": frame.map_or(Value::Null, |frame| some(&frame.file)),
        "culprit": some(&facts.issue.culprit),
        "user": event.user.as_ref().map(user),
        "tags": tags(event),
        "platform": event.platform.as_ref().map_or("other", Untrusted::raw),
        "dateCreated": moment(event.timestamp),
        "crashFile": null,
        "metadata": metadata(&facts.issue),
    })
}

/// The event's own, which may differ from that of its issue in numbers and names.
fn title(facts: &EventFacts) -> String {
    let named = |e: &&crate::model::Exception| e.ty.is_some();
    match facts.event.exceptions.iter().find(named) {
        Some(exception) => {
            let (ty, value) = (exception.ty.as_ref(), exception.value.as_ref());
            let first = value.and_then(|value| value.raw().lines().next()).unwrap_or("");
            let ty = ty.map_or("", Untrusted::raw);
            if first.is_empty() { ty.to_owned() } else { format!("{ty}: {first}") }
        }
        None => match facts.event.message.as_ref().and_then(|message| message.raw().lines().next()) {
            Some(message) => message.to_owned(),
            None => facts.issue.title.raw().to_owned(),
        },
    }
}

fn user(user: &User) -> Value {
    json!({
        "id": some(&user.id),
        "email": some(&user.email),
        "username": some(&user.username),
        "ip_address": some(&user.ip_address),
        "name": some(&user.name),
        "geo": user.geo.as_ref().map(data),
        "data": map(&user.other),
    })
}

/// The tags that were sent, and the fields that Sentry shows as tags.
fn tags(event: &Event) -> Vec<Value> {
    let level: Untrusted = event.level.as_str().into();
    let fields = [
        ("level", Some(&level)),
        ("environment", event.environment.as_ref()),
        ("release", event.release.as_ref()),
        ("dist", event.dist.as_ref()),
        ("transaction", event.transaction.as_ref()),
        ("server_name", event.server_name.as_ref()),
        ("logger", event.logger.as_ref()),
    ];
    let sent = |key: &str| event.tags.iter().any(|(name, _)| name.raw() == key);
    let fields = fields.into_iter().filter(|(key, _)| !sent(key)).filter_map(|(key, value)| Some((key, value?.raw())));
    let tags = fields.chain(event.tags.iter().map(|(key, value)| (key.raw(), value.raw())));
    tags.map(|(key, value)| json!({ "key": key, "value": value, "query": "" })).collect()
}

/// A release where an event or issue names it.
pub(super) fn release(version: &str) -> Value {
    json!({
        "id": 0,
        "version": version,
        "shortVersion": crate::release::split_name(version).1,
        "versionInfo": version_info(version),
        "status": "open",
        "ref": null,
        "url": null,
        "userAgent": null,
        "data": {},
    })
}
