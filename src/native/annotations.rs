//! What Crashpad wrote down beside a dump: tags, and the process's role.

use minidump::{Minidump, MinidumpAnnotation, MinidumpCrashpadInfo, MinidumpModuleList};
use serde_json::{Map, Value};

/// Annotations that are kept, and the longest of their values in characters.
const MOST: usize = 100;
const LONGEST: usize = 200;

/// The installation that a program ran in, as Crashpad numbers it; `None`: not told.
pub(super) fn installation(dump: &Minidump<'_, &[u8]>) -> Option<String> {
    let info = dump.get_stream::<MinidumpCrashpadInfo>().ok()?;
    let id = info.raw.client_id.to_string();
    id.contains(|c: char| c.is_ascii_hexdigit() && c != '0').then_some(id)
}

/// Annotations as tags: those of the process, then those of its modules. Those for the SDK's event are not among them.
pub(super) fn tags(dump: &Minidump<'_, &[u8]>, modules: &MinidumpModuleList) -> Map<String, Value> {
    let mut tags = Map::new();
    let Ok(info) = dump.get_stream::<MinidumpCrashpadInfo>() else { return tags };
    for (key, value) in &info.simple_annotations {
        add(&mut tags, key, value);
    }
    let known = modules.iter().count();
    for module in info.module_list.iter().filter(|module| module.module_index < known) {
        for (key, value) in &module.simple_annotations {
            add(&mut tags, key, value);
        }
        for (key, value) in &module.annotation_objects {
            if let MinidumpAnnotation::String(value) = value {
                add(&mut tags, key, value);
            }
        }
    }
    tags
}

/// Adds a tag unless it is one of the form's fields that carry the event itself.
pub(super) fn add(tags: &mut Map<String, Value>, key: &str, value: &str) {
    let (key, value) = (key.trim(), value.trim());
    let own = key == "sentry" || key.starts_with("sentry__") || key.starts_with("sentry[") || key.is_empty();
    if own || value.is_empty() || tags.len() >= MOST || tags.contains_key(key) || value.chars().count() > LONGEST {
        return;
    }
    let key: String = key.chars().take(LONGEST).collect();
    tags.insert(key, value.into());
}
