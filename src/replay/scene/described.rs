//! Elements as breadcrumbs describe them: by attributes, or by a path such as `body > ul#list > li > button.del`.
//! It uses the target model.
//! It never takes a mask for a text.

use serde_json::Value;

use crate::replay::{Shared, Target, dom::is_masked};

/// The element of a breadcrumb, from its `data.node` and its message; `None` when neither says anything.
pub(super) fn described(payload: &Value) -> Option<Target> {
    let node = payload.pointer("/data/node");
    let path = payload.get("message").and_then(Value::as_str).unwrap_or("");
    let attribute = |name: &str| node.and_then(|n| n.get("attributes")?.get(name)?.as_str()).filter(|v| !is_masked(v));
    let tag = node.and_then(|n| n.get("tagName")?.as_str()).map(str::to_ascii_lowercase);
    let shared = |text: &str| Shared { text: text.trim().into(), count: 0, index: 0 };
    let some = |text: Option<&str>| text.filter(|t| !t.trim().is_empty() && !is_masked(t)).map(shared);
    let text = node.and_then(|n| n.get("textContent")?.as_str());
    let last = path.rsplit(" > ").next().unwrap_or("");
    let tag = tag.unwrap_or_else(|| last.split(['#', '.', '[']).next().unwrap_or("").to_ascii_lowercase());
    if tag.is_empty() && text.is_none() {
        return None;
    }
    let label = some(attribute("aria-label"));
    let classes = attribute("class").unwrap_or("").split_whitespace().map(shared).collect();
    Some(Target {
        role: attribute("role").or_else(|| role_of(&tag)).map(Into::into),
        name: label.clone().or_else(|| some(text)),
        text: some(text),
        test_id: some(attribute("testId")),
        test_id_attribute: attribute("testId").map(|_| "data-testid".into()),
        title: some(attribute("title")),
        alt: some(attribute("alt")),
        name_attribute: some(attribute("name")),
        id: some(attribute("id")),
        classes,
        css: css(path, attribute("testId"), attribute("id")).into(),
        component: attribute("data-sentry-component").map(Into::into),
        masked: text.is_some_and(is_masked),
        tag: tag.into(),
        ..Target::default()
    })
}

fn role_of(tag: &str) -> Option<&'static str> {
    match tag {
        "a" => Some("link"),
        "button" | "summary" => Some("button"),
        _ => None,
    }
}

/// The best selector that a breadcrumb allows.
fn css(path: &str, test_id: Option<&str>, id: Option<&str>) -> String {
    let plain = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if let Some(test_id) = test_id.filter(plain) {
        return ["[data-testid=\"", test_id, "\"]"].concat();
    }
    if let Some(id) = id.filter(plain).filter(|id| !id.starts_with(|c: char| c.is_ascii_digit())) {
        return ["#", id].concat();
    }
    // Paths are selectors already, but for masked attributes; what stands before the last id says nothing more.
    let steps: Vec<String> = path.split(" > ").map(without_masks).filter(|step| !step.is_empty()).collect();
    let from = steps.iter().rposition(|step| step.contains('#')).unwrap_or(0);
    steps[from.min(steps.len())..].join(" > ")
}

/// A step of a path without attributes whose value is masked.
fn without_masks(step: &str) -> String {
    let mut out = String::new();
    let mut rest = step.trim();
    while let Some(start) = rest.find('[') {
        out.push_str(&rest[..start]);
        let end = rest[start..].find("\"]").map_or(rest.len(), |end| start + end + 2);
        let test = &rest[start..end];
        let value = test.split_once("=\"").map_or("", |(_, value)| value.trim_end_matches("\"]"));
        // The SDK writes the test id's attribute without its hyphens.
        if !is_masked(value) && !test.starts_with("[testId") {
            out.push_str(test);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::described;

    #[test]
    fn an_element_is_read_from_a_breadcrumb() {
        let target = described(&json!({
            "message": "body > ul#list > li > button.pin[aria-label=\"*** **** ***\"]",
            "data": { "node": { "tagName": "button", "textContent": "***", "attributes": { "class": "pin", "aria-label": "*** **** ***" } } }
        }))
        .unwrap();
        assert_eq!(target.css.raw(), "ul#list > li > button.pin");
        assert_eq!((target.role.unwrap().raw(), target.name), ("button", None));
        let bare = described(&json!({ "message": "body > p > button#undo", "data": {} })).unwrap();
        assert_eq!((bare.css.raw(), bare.tag.raw()), ("button#undo", "button"));
        assert_eq!(described(&json!({ "message": "", "data": {} })), None);
    }
}
