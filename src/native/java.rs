//! Frames and types of Java, Kotlin and Dart under the names that R8 or the compiler took away.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Object, Symbols, holders::holders, images::Image};

/// Gives classes, methods and types their names back; what was sent stays beside it as `raw_stacktrace`.
pub(super) fn name_classes(event: &mut Value, images: &[Image], symbols: &dyn Symbols, project: u64) -> bool {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    // A map of Dart's names has the id of the program that it was made with.
    let is_dart = text("/platform") == "dart" || text("/sdk/name").starts_with("sentry.dart");
    let named = images.iter().filter(|image| image.mapping || is_dart);
    let mappings: Vec<Arc<Object>> = named.filter_map(|image| symbols.object(project, &image.wanted)).collect();
    let mut changed = false;
    for object in &mappings {
        for holder in holders(event) {
            // Frames have names of their own now: a second time they would be taken for obfuscated ones.
            if holder.contains_key("raw_stacktrace") {
                changed |= name_dart_type(object, holder);
                continue;
            }
            changed |= name_type(object, holder) | name_frames(object, holder);
        }
    }
    changed
}

fn name_dart_type(object: &Object, holder: &mut Map<String, Value>) -> bool {
    let ty = holder.get("type").and_then(Value::as_str).unwrap_or("");
    let Some(plain) = object.dart_type(ty.strip_prefix("minified:").unwrap_or(ty)) else { return false };
    let plain = plain.to_owned();
    holder.insert("type".into(), plain.into());
    true
}

fn name_type(object: &Object, holder: &mut Map<String, Value>) -> bool {
    if name_dart_type(object, holder) {
        return true;
    }
    let text = |key: &str| holder.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(ty) = text("type") else { return false };
    let Some(classes) = object.classes() else { return false };
    let module = text("module");
    let whole = module.map_or_else(|| ty.clone(), |module| format!("{module}.{ty}"));
    let Some(class) = classes.class(&whole).filter(|class| *class != whole) else { return false };
    let (module, ty) = class.rsplit_once('.').unwrap_or(("", &class));
    if !module.is_empty() {
        holder.insert("module".into(), module.into());
    }
    holder.insert("type".into(), ty.into());
    true
}

fn name_frames(object: &Object, holder: &mut Map<String, Value>) -> bool {
    let Some(classes) = object.classes() else { return false };
    let Some(frames) = holder.get("stacktrace").and_then(|s| s.get("frames")).and_then(Value::as_array) else {
        return false;
    };
    let (mut named, mut changed) = (Vec::with_capacity(frames.len()), false);
    for frame in frames {
        let text = |key: &str| frame.get(key).and_then(Value::as_str).unwrap_or("");
        let line = frame.get("lineno").and_then(Value::as_u64).unwrap_or(0);
        let found = classes.frames(text("module"), text("function"), line);
        if found.is_empty() {
            named.push(frame.clone());
            continue;
        }
        changed = true;
        // The innermost of inlined calls comes first there, and last in payloads.
        named.extend(found.iter().rev().map(|found| {
            let mut own = frame.clone();
            own["module"] = found.class.as_str().into();
            own["function"] = found.method.as_str().into();
            if let Some(file) = &found.file {
                own["filename"] = file.as_str().into();
            }
            if let Some(line) = found.line {
                own["lineno"] = line.into();
            }
            own
        }));
    }
    if changed {
        let raw = holder.get("stacktrace").cloned().unwrap_or_default();
        holder.insert("raw_stacktrace".into(), raw);
        holder["stacktrace"]["frames"] = Value::Array(named);
    }
    changed
}
