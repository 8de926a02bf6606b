//! Reads a call's arguments as models and gateways write them, by the schema that is published.
//!
//! Clients send lists, objects and numbers as strings, whole numbers as floats, one value where a list is meant, and
//! `""`, `0`, `null` or `[]` for what they leave out. Each is taken where it has one plain meaning; anything else is
//! refused with the argument's name, what came, and an example.

use serde_json::{Map, Number, Value};

use super::ToolError;
use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    release::nearest,
    say,
};

/// Arguments by their published names, each of the type that its schema says.
///
/// # Errors
/// When a name is unknown, or a value can't be taken for its type.
pub(super) fn read(
    tool: &'static str,
    schema: &Map<String, Value>,
    arguments: Value,
) -> Result<Map<String, Value>, ToolError> {
    let mut read = Map::new();
    let Some(Value::Object(properties)) = schema.get("properties") else { return Ok(read) };
    for (asked, value) in object(tool, arguments)? {
        let Some((name, property)) = properties.iter().find(|(name, _)| folded(name) == folded(&asked)) else {
            if is_nothing(&value) {
                continue;
            }
            return Err(unknown(tool, &asked, properties));
        };
        let value = match name.as_str() {
            "period" => super::time::interval(value)?,
            // A search may be a quoted text.
            "query" => value,
            _ => match unquoted(value) {
                value if is_no_name(&value) => continue,
                value => value,
            },
        };
        if let Some(value) = taken(property, value.clone()).ok_or_else(|| mistyped(name, property, &value))? {
            read.entry(name.clone()).or_insert(value);
        }
    }
    match required(schema).find(|name| !read.contains_key(*name)) {
        Some(name) => Err(missing(tool, name)),
        None => Ok(read),
    }
}

fn required(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn missing(tool: &'static str, name: &str) -> ToolError {
    let mut guard = Guard::new();
    ToolError::invalid(say!(tool, " needs ", guard.line(&name.into(), Limit::Tag), ", ", example(name)))
}

/// `null`, `undefined` and `None`, as programs print what is not there.
fn is_no_name(value: &Value) -> bool {
    value.as_str().is_some_and(|text| ["null", "undefined", "None"].contains(&text.trim()))
}

/// `"SHOP-4K"` and `["SHOP-4K"]` within a text are the text in it.
fn unquoted(value: Value) -> Value {
    let Some(text) = value.as_str().map(str::trim).filter(|text| text.starts_with(['"', '['])) else { return value };
    match serde_json::from_str(text) {
        Ok(inner @ (Value::String(_) | Value::Array(_))) => inner,
        _ => value,
    }
}

/// What an argument looks like, for messages.
fn example(name: &str) -> &'static str {
    match name {
        "project" => "such as \"shop\"",
        "environment" => "such as \"production\"",
        "release" | "since_release" | "until_release" => "such as \"shop@2.3.0\" or \"latest\"",
        "period" => "such as \"24h\" or \"2026-11-20/2026-11-27\"",
        "as_of" => "such as \"2026-11-20T08:00:00Z\"",
        "cursor" => "the next_cursor of the page before",
        "query" => "such as \"level:error\"",
        "kind" => "such as \"log\"",
        "event" | "replay" => "32 hex digits",
        "max_tokens" => "such as 1500",
        "limit" => "such as 25",
        "around_error_s" => "such as 10",
        _ => "such as \"SHOP-4K\"",
    }
}

/// All arguments as one object; an empty list, text or `null` is an empty one.
fn object(tool: &'static str, arguments: Value) -> Result<Map<String, Value>, ToolError> {
    match arguments {
        Value::Object(map) => Ok(map),
        nothing if is_nothing(&nothing) => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(ToolError::invalid(say!("the arguments of ", tool, " are one JSON object"))),
        },
        _ => Err(ToolError::invalid(say!("the arguments of ", tool, " are one JSON object"))),
    }
}

/// `sinceRelease`, `since-release` and `since_release` are one name.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_nothing),
        Value::Object(map) => map.values().all(is_nothing),
        _ => false,
    }
}

/// The value as its schema has it: `Some(None)` where it stands for nothing, `None` where it can't be taken.
fn taken(schema: &Value, value: Value) -> Option<Option<Value>> {
    if is_nothing(&value) {
        return Some(None);
    }
    let kind = schema["type"].as_str().unwrap_or("string");
    let is_word = kind == "string" && !schema["enum"].is_array();
    // A free text may well be one of these words, a name hardly.
    if !is_word && value.as_str().is_some_and(|text| ["null", "undefined", "none"].contains(&folded(text).as_str())) {
        return Some(None);
    }
    match kind {
        "integer" => whole(&value).map(|n| (n != 0).then(|| n.into())),
        "number" => number(&value).map(|n| (n != 0.0).then(|| Number::from_f64(n).map_or(Value::Null, Value::Number))),
        "boolean" => truth(&value).map(|b| Some(b.into())),
        "array" => list(&schema["items"], value),
        "string" => text(value).and_then(|text| match &schema["enum"] {
            Value::Array(words) => word(words, &text).map(Some),
            _ => Some(Some(text.into())),
        }),
        _ => Some(Some(value)),
    }
}

/// No input takes zero, which gateways send for what is left out.
fn whole(value: &Value) -> Option<u64> {
    // `10s`, `1,500`: the unit is the argument's own, commas part thousands.
    let plain = value.as_str().map(|text| {
        let text = text.trim().trim_matches('"');
        let text = text.strip_suffix('s').filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
        let thousands = text.split(',').skip(1).all(|part| part.len() == 3);
        Value::from(if thousands { text.replace(',', "") } else { text.to_owned() })
    });
    let n = number(plain.as_ref().unwrap_or(value))?;
    (n.fract() == 0.0 && (0.0..=u32::MAX.into()).contains(&n)).then_some(n as u64)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => match text.trim().trim_matches('"').strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok().map(|n| n / 100.0),
            None => text.trim().trim_matches('"').parse().ok(),
        },
        Value::Array(one) => one.first().filter(|_| one.len() == 1).and_then(number),
        _ => None,
    }
    .filter(|n: &f64| n.is_finite())
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(text) => match folded(text).as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        Value::Number(n) => n.as_u64().filter(|n| *n < 2).map(|n| n == 1),
        _ => None,
    }
}

/// A text; a number or a list of one is the text that it prints as.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(n) => Some(match n.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15) {
            Some(whole) if n.is_f64() => format!("{whole:.0}"),
            _ => n.to_string(),
        }),
        Value::Bool(b) => Some(b.to_string()),
        Value::Array(mut one) if one.len() == 1 => text(one.remove(0)),
        _ => None,
    }
}

/// One of the words, whatever its case and separators.
fn word(words: &[Value], text: &str) -> Option<Value> {
    words.iter().find(|word| word.as_str().is_some_and(|word| folded(word) == folded(text))).cloned()
}

/// A list; a text that holds one, words with commas between, or a single value.
fn list(items: &Value, value: Value) -> Option<Option<Value>> {
    let values = match value {
        Value::Array(values) => values,
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Array(values)) => values,
            Ok(Value::String(inner)) => split(&inner),
            _ => split(&text),
        },
        Value::Object(_) => return None,
        one => vec![one],
    };
    let read: Option<Vec<_>> = values.into_iter().map(|value| taken(items, value)).collect();
    let read: Vec<Value> = read?.into_iter().flatten().collect();
    Some((!read.is_empty()).then(|| read.into()))
}

/// `new, regressed`, `count(), count_unique(user)`, `['new']`: the words between commas that stand in no parentheses.
fn split(text: &str) -> Vec<Value> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut depth = 0_i32;
    let parts = text.split(|c| {
        depth += match c {
            '(' | '[' => 1,
            ')' | ']' => -1,
            _ => 0,
        };
        c == ',' && depth <= 0
    });
    parts.map(|part| part.trim().trim_matches(['"', '\'']).into()).collect()
}

fn unknown(tool: &'static str, asked: &str, taken: &Map<String, Value>) -> ToolError {
    // Shared arguments that mean nothing to this tool are taken, but not published.
    let published = super::find(tool).map(|tool| (tool.input)());
    let properties = published.as_ref().and_then(|schema| schema["properties"].as_object()).unwrap_or(taken);
    let names: Vec<Untrusted> = properties.keys().map(|name| name.as_str().into()).collect();
    let mut guard = Guard::new();
    // `release` means `since_release` rather than a word of as many letters.
    let within = |one: &str, other: &str| one.len() > 2 && other.contains(one);
    let holds = |name: &&Untrusted| {
        let (name, asked) = (folded(name.raw()), folded(asked));
        within(&asked, &name) || within(&name, &asked)
    };
    let mut near: Vec<Untrusted> = names.iter().filter(holds).cloned().collect();
    near.extend(nearest(&asked.into(), &names).into_iter().filter(|name| !near.contains(name)).collect::<Vec<_>>());
    near.truncate(2);
    let near = near.iter().map(|name| guard.line(name, Limit::Tag)).collect();
    let asked = guard.line(&asked.into(), Limit::Tag);
    let names = joined(properties.keys().map(String::as_str), &mut guard);
    ToolError::invalid(say!(tool, " has no argument \"", asked, "\"; it takes ", names)).with_near(near)
}

fn mistyped(name: &str, schema: &Value, value: &Value) -> ToolError {
    let mut guard = Guard::new();
    let came = guard.line(&value.to_string().into(), Limit::Tag);
    let wanted = match schema["type"].as_str() {
        Some("integer") => say!("a whole number above 0, ", example(name)),
        Some("number") => Clean::ours("a number, such as 0.8"),
        Some("boolean") => Clean::ours("true or false"),
        Some("array") => match schema["items"]["enum"].as_array() {
            Some(words) => say!("a list of words out of ", choice(words, &mut guard)),
            None => Clean::ours("a list of texts, such as [\"release\"]"),
        },
        _ => match schema["enum"].as_array() {
            Some(words) => say!("one of ", choice(words, &mut guard)),
            None => say!("one text, ", example(name)),
        },
    };
    let name = guard.line(&name.into(), Limit::Tag);
    ToolError::invalid(say!(name, " takes ", wanted, "; what came is ", came))
}

fn choice(words: &[Value], guard: &mut Guard) -> Clean {
    joined(words.iter().filter_map(Value::as_str), guard)
}

fn joined<'a>(words: impl Iterator<Item = &'a str>, guard: &mut Guard) -> Clean {
    guard.line(&words.collect::<Vec<_>>().join(", ").into(), Limit::Value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Map<String, Value> {
        let schema = json!({ "properties": {
            "limit": { "type": "integer" }, "share": { "type": "number" }, "issue": { "type": "string" },
            "sort": { "type": "string", "enum": ["last_seen", "impact"] }, "period": { "type": "string" },
            "change": { "type": "array", "items": { "type": "string", "enum": ["new", "regressed"] } },
            "by": { "type": "array", "items": { "type": "string" } },
        } });
        schema.as_object().unwrap().clone()
    }

    fn read_one(name: &str, value: &Value) -> Result<Value, String> {
        let read = read("t", &schema(), json!({ name: value })).map_err(|e| e.message.as_str().to_owned())?;
        Ok(read.get(name).cloned().unwrap_or(Value::Null))
    }

    #[test]
    fn what_has_one_plain_meaning_is_taken() {
        for (name, sent, meant) in [
            ("limit", json!("5"), json!(5)),
            ("limit", json!(" 5.0 "), json!(5)),
            ("limit", json!(5.0), json!(5)),
            ("limit", json!([5]), json!(5)),
            ("share", json!("0.8"), json!(0.8)),
            ("share", json!("80 %"), json!(0.8)),
            ("issue", json!(42), json!("42")),
            ("issue", json!(42.0), json!("42")),
            ("issue", json!(["SHOP-1"]), json!("SHOP-1")),
            ("sort", json!("LAST-SEEN"), json!("last_seen")),
            ("change", json!("new"), json!(["new"])),
            ("change", json!("[\"new\"]"), json!(["new"])),
            ("change", json!("\"[\\\"new\\\"]\""), json!(["new"])),
            ("change", json!("['new', 'regressed']"), json!(["new", "regressed"])),
            ("change", json!("New, Regressed"), json!(["new", "regressed"])),
            ("change", json!(["new", null, ""]), json!(["new"])),
            ("by", json!("count(), count_unique(a, b)"), json!(["count()", "count_unique(a, b)"])),
            ("by", json!([1, true]), json!(["1", "true"])),
            ("issue", json!("[\"SHOP-1\"]"), json!("SHOP-1")),
            ("issue", json!("\"SHOP-1\""), json!("SHOP-1")),
            ("period", json!({ "start": "2026-11-20" }), json!("2026-11-20/")),
            ("period", json!("{\"start\":\"a\",\"end\":\"b\"}"), json!("a/b")),
            ("period", json!({ "from": "a", "to": "b" }), json!("a/b")),
        ] {
            assert_eq!(read_one(name, &sent), Ok(meant), "{name}: {sent}");
        }
        assert_eq!(read("t", &schema(), json!({ "Limit": 3 })).unwrap()["limit"], 3);
        assert_eq!(read("t", &schema(), json!("{\"limit\":3}")).unwrap()["limit"], 3);
    }

    /// Complaints about other servers that refuse what clients really send.
    #[test]
    fn what_clients_were_reported_to_send_is_taken() {
        for (name, sent, meant) in [
            // anthropics/claude-code#22394, #59227; punkpeye/mcp-remote#319
            ("by", json!("[\"Purpose\"]"), json!(["Purpose"])),
            // anthropics/claude-code#73137
            ("by", json!("[1271, 2106]"), json!(["1271", "2106"])),
            // openclaw/mcporter#126
            ("by", json!("release"), json!(["release"])),
            // FlowiseAI/Flowise#4790: what a language prints for a list
            ("by", json!("['release', 'os']"), json!(["release", "os"])),
            ("limit", json!("1,500"), json!(1500)),
            ("limit", json!("10s"), json!(10)),
            ("issue", json!("None"), json!(null)),
            ("issue", json!("undefined"), json!(null)),
        ] {
            assert_eq!(read_one(name, &sent), Ok(meant), "{name}: {sent}");
        }
    }

    #[test]
    fn what_stands_for_nothing_is_left_out() {
        for name in ["limit", "share", "issue", "sort", "change", "by", "period"] {
            for sent in [json!(null), json!(""), json!("  "), json!([]), json!({}), json!([""]), json!({ "start": "" })]
            {
                assert_eq!(read_one(name, &sent), Ok(Value::Null), "{name}: {sent}");
            }
        }
        for (name, sent) in [("limit", json!(0)), ("limit", json!("0")), ("share", json!(0.0)), ("sort", json!("null"))]
        {
            assert_eq!(read_one(name, &sent), Ok(Value::Null), "{name}: {sent}");
        }
        for sent in [json!(null), json!([]), json!(""), json!({}), json!({ "other": null })] {
            assert!(read("t", &schema(), sent).unwrap().is_empty());
        }
    }

    #[test]
    fn what_has_none_is_refused_by_name_with_an_example() {
        for (name, sent, example) in [
            ("limit", json!("five"), "such as 25"),
            ("limit", json!(5.5), "such as 25"),
            ("limit", json!(-1), "such as 25"),
            ("limit", json!({ "n": 5 }), "such as 25"),
            ("share", json!("much"), "such as 0.8"),
            ("sort", json!("worst"), "last_seen, impact"),
            ("change", json!(["old"]), "new, regressed"),
            ("issue", json!(["a", "b"]), "such as"),
            ("period", json!({ "since": "a", "colour": "b" }), "start"),
        ] {
            let said = read_one(name, &sent).unwrap_err();
            assert!(said.contains(name) && said.contains(example), "{name} {sent}: {said}");
        }
        let refused = read("t", &schema(), json!({ "limitt": 1 })).unwrap_err();
        assert_eq!(refused.near[0].as_str(), "limit");
        assert!(read("t", &schema(), json!([1])).is_err());
        let mut needs = schema();
        needs.insert("required".into(), json!(["issue"]));
        let refused = read("t", &needs, json!({ "limit": 1 })).unwrap_err();
        assert_eq!(refused.message.as_str(), "t needs issue, such as \"SHOP-4K\"");
    }
}
