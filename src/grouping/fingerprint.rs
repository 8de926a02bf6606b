//! Fingerprints that the application set.

use super::key::Key;
use super::raw;
use super::title;
use crate::model::{Event, Untrusted};

/// Whether it says nothing but `{{ default }}`.
pub(super) fn is_default(fingerprint: &[Untrusted]) -> bool {
    matches!(fingerprint, [only] if variable(only.raw()) == Some("default"))
}

/// The key of a fingerprint; `default` stands for `{{ default }}` in it.
pub(super) fn hash(event: &Event, default: &[u8; 16]) -> [u8; 16] {
    let mut key = Key::new("fingerprint");
    for part in &event.fingerprint {
        if variable(part.raw()) == Some("default") {
            key.add_bytes(default);
        } else {
            key.add(&filled(part.raw(), event));
        }
    }
    key.finish()
}

/// The name between the braces when the whole part is a variable.
fn variable(part: &str) -> Option<&str> {
    part.trim().strip_prefix("{{")?.strip_suffix("}}").map(str::trim)
}

/// The part with its variables replaced; names that nobody knows stay as they are.
fn filled(part: &str, event: &Event) -> String {
    let mut out = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        out.push_str(before);
        match value(name.trim(), event) {
            Some(value) => out.push_str(value),
            None => out.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn value<'a>(name: &str, event: &'a Event) -> Option<&'a str> {
    let error = title::named(event);
    let frame = title::top(event);
    let of_error = |field: fn(&crate::model::Exception) -> &Option<Untrusted>| raw_of(error.map(field));
    let of_frame = |field: fn(&crate::model::Frame) -> &Option<Untrusted>| raw_of(frame.map(field));
    Some(match name {
        "type" | "error.type" => of_error(|e| &e.ty),
        "value" | "error.value" => of_error(|e| &e.value),
        "message" => match raw(&event.message) {
            "" => of_error(|e| &e.value),
            message => message,
        },
        "function" | "stack.function" => of_frame(|f| &f.function),
        "module" | "stack.module" => of_frame(|f| &f.module),
        "package" | "stack.package" | "stack.abs_path" => of_frame(|f| &f.abs_path),
        "transaction" => raw(&event.transaction),
        "level" => event.level.as_str(),
        "release" => raw(&event.release),
        "dist" => raw(&event.dist),
        "environment" => raw(&event.environment),
        "logger" => raw(&event.logger),
        "platform" => raw(&event.platform),
        _ => {
            let tag = name.strip_prefix("tags.")?;
            event.tags.iter().find(|(key, _)| key.raw() == tag).map_or("", |(_, value)| value.raw())
        }
    })
}

fn raw_of(text: Option<&Option<Untrusted>>) -> &str {
    text.map_or("", raw)
}
