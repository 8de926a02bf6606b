//! What an event says, and the template that it was made of.

use serde_json::Value;

use super::{as_text, text};
use crate::model::Untrusted;

/// The formatted message and its template.
pub(super) fn message(json: &Value) -> (Option<Untrusted>, Option<Untrusted>) {
    let entry = ["logentry", "sentry.interfaces.Message", "message"].iter().filter_map(|key| json.get(*key));
    let Some(entry) = entry.into_iter().find(|entry| entry.is_object()) else {
        return (text(json, "message").or_else(|| text(json, "logentry")), None);
    };
    let template = text(entry, "message");
    let formatted = text(entry, "formatted").or_else(|| {
        let template = template.as_ref()?;
        Some(filled(template.raw(), entry.get("params").unwrap_or(&Value::Null)).into())
    });
    (formatted.or_else(|| text(json, "message")), template)
}

/// Puts parameters where the template has `%s`, `%.2f`, `%(name)s`, `{}`, `{0}` or `{name}`.
fn filled(template: &str, params: &Value) -> String {
    let mut out = String::with_capacity(template.len());
    let mut next = 0;
    let mut rest = template;
    while let Some(at) = rest.find(['%', '{']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (slot, length) = slot(rest);
        let value = match slot {
            Slot::None => None,
            Slot::Next => {
                next += 1;
                params.get(next - 1).and_then(as_text)
            }
            Slot::Named(name) => {
                let place = || params.get(name.parse::<usize>().ok()?);
                params.get(name).or_else(place).and_then(as_text)
            }
            // A sign of percent, but only where something was filled in.
            Slot::Percent => (!params.is_null()).then(|| "%".into()),
        };
        match value {
            Some(value) => out.push_str(value.raw()),
            None => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

enum Slot<'a> {
    None,
    Next,
    Percent,
    Named(&'a str),
}

/// What begins here, and how many bytes of the template it takes.
fn slot(rest: &str) -> (Slot<'_>, usize) {
    if let Some(inner) = rest.strip_prefix("%(")
        && let Some(end) = inner.find(')')
        && inner[end + 1..].starts_with(['s', 'd', 'r', 'f'])
    {
        return (Slot::Named(&inner[..end]), end + 4);
    }
    if rest.starts_with("%%") {
        return (Slot::Percent, 2);
    }
    if let Some(inner) = rest.strip_prefix('%') {
        // A width and digits may stand between: `%5.2f`.
        let at = inner.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(inner.len());
        if inner[at..].starts_with(['s', 'd', 'r', 'i', 'f', 'o', 'x']) {
            return (Slot::Next, at + 2);
        }
    }
    if let Some(inner) = rest.strip_prefix('{')
        && let Some(end) = inner.find('}').filter(|end| *end < 40)
    {
        let name = &inner[..end];
        let slot = if name.is_empty() { Slot::Next } else { Slot::Named(name) };
        return (slot, end + 2);
    }
    (Slot::None, 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_filled_where_the_sender_did_not() {
        let said = |entry: Value| message(&json!({ "logentry": entry })).0.map(Untrusted::into_raw);
        assert_eq!(said(json!({ "message": "order %s of %d", "params": ["A7", 3] })), Some("order A7 of 3".into()));
        assert_eq!(said(json!({ "message": "{} by {name}", "params": { "name": "x" } })), Some("{} by x".into()));
        assert_eq!(said(json!({ "message": "100 % of %s", "params": [] })), Some("100 % of %s".into()));
        assert_eq!(said(json!({ "message": "{1}{0}{2}", "params": ["b", "a"] })), Some("ab{2}".into()));
        assert_eq!(said(json!({ "message": "%5.2f %% of %s", "params": [1.5, "x"] })), Some("1.5 % of x".into()));
        assert_eq!(said(json!({ "message": "%% %" })), Some("%% %".into()));
        assert_eq!(said(json!({ "message": "%s", "formatted": "done" })), Some("done".into()));
        assert_eq!(message(&json!({ "message": "plain" })).0.unwrap().raw(), "plain");
        assert_eq!(message(&json!({ "message": 7, "logentry": [] })).0.unwrap().raw(), "7");
    }
}
