//! JSON, with comments and trailing commas where the file has them.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstObject, CstRootNode},
};
use serde_json::{Map, Value};

use super::{Change, Refusal, client::Client, entry::OWN_KEYS};

pub(super) fn edit(client: &Client, name: &str, before: &str, change: &Change) -> Result<String, Refusal> {
    let root = parse(before)?;
    let was = value(&root)?;
    let keys = keys(client, &was);
    match change {
        Change::Put(entry) => {
            let wanted = entry.value(client.style)?;
            let top = root.object_value_or_create().ok_or(Refusal::Shape("the whole file".to_owned()))?;
            put(&table(top, &keys)?, name, wanted)?;
        }
        Change::Remove => {
            if let Some(table) = existing(&root, &keys)?
                && let Some(entry) = only(&table, name)?
            {
                entry.remove();
            }
        }
    }
    let mut after = root.to_string();
    if before.trim().is_empty() && !after.ends_with('\n') {
        after.push('\n');
    }
    let now = value(&parse(&after)?)?;
    if without(was, &keys, name) != without(now, &keys, name) {
        return Err(Refusal::Collateral);
    }
    Ok(after)
}

fn parse(text: &str) -> Result<CstRootNode, Refusal> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    CstRootNode::parse(text, &options).map_err(|error| Refusal::Broken { format: "JSON", why: error.to_string() })
}

fn value(root: &CstRootNode) -> Result<Value, Refusal> {
    match root.to_serde_value() {
        None | Some(Value::Null) => Ok(Value::Object(Map::new())),
        Some(value @ Value::Object(_)) => Ok(value),
        Some(_) => Err(Refusal::Shape("the whole file".to_owned())),
    }
}

/// OpenCode's second form keeps servers a level deeper.
fn keys(client: &Client, was: &Value) -> Vec<&'static str> {
    let mut keys = client.keys.to_vec();
    if client.name == "opencode" && was["mcp"]["servers"].is_object() {
        keys.push("servers");
    }
    keys
}

/// The table of servers, made where there is none.
fn table(top: CstObject, keys: &[&str]) -> Result<CstObject, Refusal> {
    keys.iter().try_fold(top, |object, key| {
        only(&object, key)?;
        object.object_value_or_create(key).ok_or_else(|| Refusal::Shape((*key).to_owned()))
    })
}

fn existing(root: &CstRootNode, keys: &[&str]) -> Result<Option<CstObject>, Refusal> {
    let mut at = root.object_value();
    for key in keys {
        let Some(object) = at else { return Ok(None) };
        at = match only(&object, key)? {
            None => None,
            Some(property) => Some(property.object_value().ok_or_else(|| Refusal::Shape((*key).to_owned()))?),
        };
    }
    Ok(at)
}

/// The property of that name, which may stand there once.
fn only(object: &CstObject, name: &str) -> Result<Option<jsonc_parser::cst::CstObjectProp>, Refusal> {
    let mut found = object.properties().into_iter().filter(|p| p.decoded_name().as_deref() == Some(name));
    let first = found.next();
    if found.next().is_some() { Err(Refusal::Twice(name.to_owned())) } else { Ok(first) }
}

/// Writes the entry, or brings what is of ours in it up to date and leaves what a person added.
fn put(table: &CstObject, name: &str, wanted: Map<String, Value>) -> Result<(), Refusal> {
    let Some(entry) = only(table, name)? else {
        table.append(name, input(&Value::Object(wanted)));
        return Ok(());
    };
    let Some(object) = entry.object_value() else {
        entry.set_value(input(&Value::Object(wanted)));
        return Ok(());
    };
    for property in object.properties() {
        let Some(key) = property.decoded_name() else { continue };
        match wanted.get(&key) {
            // What a person switched off stays off.
            Some(_) if matches!(key.as_str(), "enabled" | "timeout") => {}
            Some(value) if property.value().and_then(|v| v.to_serde_value()).as_ref() != Some(value) => {
                property.set_value(input(value));
            }
            None if OWN_KEYS.contains(&key.as_str()) && key != "timeout" => property.remove(),
            _ => {}
        }
    }
    for (key, value) in &wanted {
        if only(&object, key)?.is_none() {
            object.append(key, input(value));
        }
    }
    Ok(())
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(yes) => CstInputValue::Bool(*yes),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(list) => CstInputValue::Array(list.iter().map(input).collect()),
        Value::Object(map) => CstInputValue::Object(map.iter().map(|(k, v)| (k.clone(), input(v))).collect()),
    }
}

/// Everything but the entry; tables that hold nothing else count as missing.
fn without(mut whole: Value, keys: &[&str], name: &str) -> Value {
    fn inner(at: &mut Value, keys: &[&str], name: &str) {
        let Value::Object(map) = at else { return };
        match keys.split_first() {
            None => {
                map.shift_remove(name);
            }
            Some((key, rest)) => {
                if let Some(next) = map.get_mut(*key) {
                    inner(next, rest, name);
                    if next.as_object().is_some_and(Map::is_empty) {
                        map.shift_remove(*key);
                    }
                }
            }
        }
    }
    inner(&mut whole, keys, name);
    whole
}
