//! The frames of an event, as its JSON has them.
//! It uses maps that it is handed.
//! It never takes a frame away: what no map tells stays as it was sent.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    paths::{is_own, join, source_name, upload_names},
    script::{Context, Script},
};

/// Scripts of one event that are looked for.
const SCRIPTS: usize = 50;
/// Exceptions or threads of one event, and frames of each, that are looked at.
const MOST: usize = 500;

/// What is known of the script of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its debug id, where the event names it.
    pub debug_id: Option<u128>,
    /// Release of the event.
    pub release: Option<&'a str>,
    /// Distribution of the event.
    pub dist: Option<&'a str>,
    /// Names under which it may have been uploaded with the release, best first.
    pub names: Vec<String>,
}

/// Puts lines of the source in the place of minified frames, and keeps those beside them as `raw_stacktrace`.
/// Stacks that have one already are left alone. Tells whether anything changed.
pub fn map_event(event: &mut Value, find: &mut dyn FnMut(&Wanted<'_>) -> Option<Arc<Script>>) -> bool {
    let known = ids_of_scripts(event);
    let text = |key: &str| event.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let (release, dist) = (text("release"), text("dist"));
    if known.is_empty() && release.is_none() {
        return false;
    }
    let mut scripts: HashMap<String, Option<Arc<Script>>> = HashMap::new();
    let mut script_of = |path: &str| {
        if let Some(known) = scripts.get(path) {
            return known.clone();
        }
        if scripts.len() >= SCRIPTS {
            return None;
        }
        let names = if release.is_some() { upload_names(path) } else { Vec::new() };
        let (release, dist) = (release.as_deref(), dist.as_deref());
        let found = find(&Wanted { debug_id: known.get(plain_path(path)).copied(), release, dist, names });
        scripts.insert(path.to_owned(), found.clone());
        found
    };
    // Messages have a stack of their own.
    let mut changed = event.as_object_mut().is_some_and(|event| map_stack(event, &mut script_of));
    for holder in holders(event) {
        changed |= map_stack(holder, &mut script_of);
    }
    changed
}

/// Debug ids by the script's file.
fn ids_of_scripts(event: &Value) -> HashMap<String, u128> {
    let images = event.pointer("/debug_meta/images").and_then(Value::as_array);
    let image = |image: &Value| {
        let file = image.get("code_file")?.as_str()?;
        let id: String = image.get("debug_id")?.as_str()?.chars().filter(char::is_ascii_hexdigit).take(32).collect();
        (id.len() == 32).then_some(())?;
        Some((plain_path(file).to_owned(), u128::from_str_radix(&id, 16).ok()?))
    };
    images.into_iter().flatten().take(MOST).filter_map(image).collect()
}

fn plain_path(path: &str) -> &str {
    path.strip_prefix("file://").unwrap_or(path)
}

/// Everything of an event that may have a `stacktrace`.
fn holders(event: &mut Value) -> Vec<&mut Map<String, Value>> {
    let Value::Object(event) = event else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in event.iter_mut() {
        if !["exception", "threads", "sentry.interfaces.Exception"].contains(&key.as_str()) {
            continue;
        }
        let many = value.get("values").is_some_and(Value::is_array);
        let value = if many { &mut value["values"] } else { value };
        match value {
            Value::Object(map) => found.push(map),
            Value::Array(list) => found.extend(list.iter_mut().take(MOST).filter_map(Value::as_object_mut)),
            _ => {}
        }
    }
    found
}

fn map_stack(holder: &mut Map<String, Value>, script_of: &mut dyn FnMut(&str) -> Option<Arc<Script>>) -> bool {
    if holder.get("raw_stacktrace").is_some_and(Value::is_object) {
        return false;
    }
    let Some(frames) = holder.get("stacktrace").and_then(|s| s.get("frames")).and_then(Value::as_array) else {
        return false;
    };
    let skip = frames.len().saturating_sub(MOST);
    let mapped: Vec<Option<Value>> = frames
        .iter()
        .enumerate()
        .map(|(at, frame)| if at < skip { None } else { mapped_frame(frame, script_of) })
        .collect();
    if mapped.iter().all(Option::is_none) {
        return false;
    }
    let raw = holder.get("stacktrace").cloned().unwrap_or_default();
    if let Some(frames) = holder.get_mut("stacktrace").and_then(|s| s.get_mut("frames")).and_then(Value::as_array_mut) {
        for (frame, mapped) in frames.iter_mut().zip(mapped) {
            if let Some(mapped) = mapped {
                *frame = mapped;
            }
        }
    }
    holder.insert("raw_stacktrace".into(), raw);
    true
}

/// The frame in the source, if its script has a map that knows the place.
fn mapped_frame(frame: &Value, script_of: &mut dyn FnMut(&str) -> Option<Arc<Script>>) -> Option<Value> {
    let text = |key: &str| frame.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let path = text("abs_path").or(text("filename"))?;
    let (line, column) = (frame.get("lineno")?.as_u64()?, frame.get("colno")?.as_u64()?);
    if path.starts_with("node:") || line == 0 || column == 0 {
        return None;
    }
    let script = script_of(path)?;
    let place = script.place(line, column)?;
    let mut mapped = frame.as_object()?.clone();
    for gone in ["module", "pre_context", "context_line", "post_context"] {
        mapped.remove(gone);
    }
    let own = is_own(place.source);
    if !own || !frame.get("in_app").is_some_and(Value::is_boolean) {
        mapped.insert("in_app".into(), own.into());
    }
    mapped.insert("filename".into(), source_name(place.source).into());
    mapped.insert("abs_path".into(), join(path, place.source).into());
    mapped.insert("lineno".into(), place.line.into());
    mapped.insert("colno".into(), place.column.into());
    if let Some(function) = script.function(line, column, text("function")) {
        mapped.insert("function".into(), function.into());
    }
    if let Some(Context { before, line, after }) = place.context {
        mapped.insert("pre_context".into(), json!(before));
        mapped.insert("context_line".into(), line.into());
        mapped.insert("post_context".into(), json!(after));
    }
    Some(Value::Object(mapped))
}
