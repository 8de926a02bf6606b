//! One event: grouped as it came, kept without secrets.

use serde_json::Value;

use super::{Names, attended, libraries, tags};
use crate::{
    grouping,
    guard::Scrubber,
    model::{Event, EventId, Level, Untrusted},
    native::symbolicate,
    protocol::{
        Clock,
        event::{CLOCK_OFF, parse_event},
        timestamp,
    },
    sourcemaps::map_event,
    store::{EventRecord, FailureKey},
};

/// Makes the record of an event's JSON. Grouping reads what was sent; all that is kept or shown has been scrubbed.
pub(super) fn record(
    mut json: Value,
    id: EventId,
    clock: &Clock,
    scrubber: &Scrubber,
    names: &Names<'_>,
) -> EventRecord {
    if let Some(maps) = names.maps {
        map_event(&mut json, &mut |wanted| maps.script(names.project, wanted));
    }
    symbolicate(&mut json, names.symbols, names.project);
    let sent = parse_event(&json, id, clock);
    let mut group = grouping::group(&sent);
    let user = sent.user.as_ref().and_then(|u| u.identity()).map(|identity| scrubber.pseudonyms().user(identity));
    let unattended = attended::is_by_job(&json);
    settle(&mut json, &sent, clock);
    scrubber.event(&mut json);
    let event = parse_event(&json, id, &clock.settled());
    let shown = grouping::group(&event);
    (group.title, group.ty, group.value) = (shown.title, shown.ty, shown.value);
    (group.culprit, group.top_frame) = (shown.culprit, shown.top_frame);
    let tags = tags::of(&event);
    let richness = richness(&event);
    let libraries = libraries::of(&json);
    let key = failure_key(&event, &json);
    EventRecord { body: json.to_string().into_bytes(), event, group, user, unattended, key, tags, richness, libraries }
}

/// Writes down what reading again could not know: the id that was made, and times that were corrected.
fn settle(json: &mut Value, event: &Event, clock: &Clock) {
    let Some(map) = json.as_object_mut() else { return };
    map.insert("event_id".into(), event.id.to_string().into());
    let sent = map.get("timestamp").and_then(timestamp);
    if sent != Some(event.timestamp) {
        map.insert("timestamp".into(), format!("{:.6}", event.timestamp).into());
    }
    map.remove(CLOCK_OFF);
    if let Some(off) = sent.and_then(|sent| clock.off(sent)) {
        map.insert(CLOCK_OFF.into(), off.as_secs().into());
    }
    if clock.shift().is_zero() {
        return;
    }
    let crumbs = match map.get_mut("breadcrumbs") {
        Some(Value::Object(crumbs)) => crumbs.get_mut("values"),
        other => other,
    };
    for crumb in crumbs.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(time) = crumb.get("timestamp").and_then(timestamp) {
            crumb["timestamp"] = format!("{:.6}", clock.correct(time)).into();
        }
    }
}

/// By what spans and logs of the same failure are known, where the event names the span that it happened in.
fn failure_key(event: &Event, json: &Value) -> Option<FailureKey> {
    let span = json.pointer("/contexts/trace/span_id").and_then(Value::as_str)?;
    event.trace_id.as_ref()?;
    if !matches!(event.level, Level::Error | Level::Fatal) {
        return None;
    }
    let raw = |text: &'_ Option<Untrusted>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
    let mut said: Vec<(String, String)> = event.exceptions.iter().map(|e| (raw(&e.ty), raw(&e.value))).collect();
    if said.is_empty() {
        said.push((String::new(), raw(&event.message)));
    }
    let said = said.iter().map(|(ty, text)| (ty.as_str(), text.as_str()));
    Some(FailureKey::new(Some(span.to_ascii_lowercase()), said))
}

/// How much an event tells somebody who has to mend it, 0 to 255.
fn richness(event: &Event) -> u8 {
    let frames = || event.exceptions.iter().flat_map(|e| &e.frames).filter(|f| f.in_app);
    let parts = [
        (event.replay_id.is_some(), 60),
        (frames().any(|f| f.context_line.is_some()), 50),
        (!event.breadcrumbs.is_empty(), 40),
        (frames().any(|f| !f.vars.is_empty()), 35),
        (event.request.is_some(), 25),
        (event.user.is_some(), 15),
        (!event.flags.is_empty(), 10),
        (event.release.is_some(), 10),
        (event.trace_id.is_some(), 5),
    ];
    parts.iter().filter(|(has, _)| *has).map(|(_, points)| points).sum()
}
