//! JSON Schemas of inputs and outputs, in the dialect that clients agree on.
//!
//! Clients differ in what they can read (type arrays, `format`, `$ref`), and every word costs tokens in each session:
//! so schemas are inlined and stripped to what all understand. Outputs are published without descriptions: names and
//! shapes say what a client needs, and the text of an answer says the rest.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::input::CommonInput;
use crate::view::{Common, View};

/// Schema of a tool's input: its own fields and the shared ones that it takes; `tokens` is its budget by default.
pub(super) fn input<In: JsonSchema>(shared: &[CommonInput], tokens: usize) -> Map<String, Value> {
    let mut schema = root::<In>(SchemaSettings::draft2020_12().for_deserialize().into_generator_inlined());
    simplify(&mut schema);
    let mut schema = object(schema);
    schema.remove("description");
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    for input in shared {
        properties[input.name()] = shared_schema(*input, tokens);
    }
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// Schema of a tool's output. Nothing is required at the root and `error` is admitted: older clients of the
/// TypeScript SDK check failures against it too, and throw when they don't fit.
pub(super) fn output<Out: View>() -> Map<String, Value> {
    let mut schema = root::<Out>(SchemaSettings::draft2020_12().for_serialize().into_generator_inlined());
    let mut common = root::<Common>(SchemaSettings::draft2020_12().for_serialize().into_generator_inlined());
    simplify(&mut schema);
    simplify(&mut common);
    bare(&mut schema, 0);
    bare(&mut common, 1);
    let mut schema = object(schema);
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let (Value::Object(properties), Some(Value::Object(common))) = (properties, object(common).remove("properties"))
    {
        properties.extend(common);
        properties.insert("error".into(), json!({ "type": "object" }));
    }
    schema
}

trait Inlined {
    fn into_generator_inlined(self) -> SchemaGenerator;
}

impl Inlined for SchemaSettings {
    fn into_generator_inlined(mut self) -> SchemaGenerator {
        self.inline_subschemas = true;
        self.meta_schema = None;
        self.into_generator()
    }
}

fn root<T: JsonSchema>(generator: SchemaGenerator) -> Value {
    generator.into_root_schema_for::<T>().to_value()
}

fn object(schema: Value) -> Map<String, Value> {
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn shared_schema(input: CommonInput, tokens: usize) -> Value {
    match input {
        CommonInput::Project | CommonInput::Environment | CommonInput::Cursor | CommonInput::AsOf => {
            json!({ "type": "string" })
        }
        CommonInput::Period => json!({ "type": "string", "description": "14d, 24h or START/END" }),
        CommonInput::Limit => json!({ "type": "integer" }),
        CommonInput::MaxTokens => json!({ "type": "integer", "description": format!("default {tokens}") }),
    }
}

/// Drops what clients stumble over: titles, formats, nullable unions, bounds of Rust's integers.
fn simplify(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for word in ["title", "$schema", "format", "minimum", "maximum", "default"] {
        map.remove(word);
    }
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(any)) = map.get_mut("anyOf") {
        any.retain(|s| s.get("type").is_none_or(|t| t != "null"));
        if let [only] = any.as_mut_slice() {
            let only = only.take();
            map.remove("anyOf");
            map.extend(object(only));
            return simplify(schema);
        }
    }
    for (word, value) in map.iter_mut() {
        match (word.as_str(), value) {
            // Here the keys are names, not words of the schema language.
            ("properties", Value::Object(fields)) => fields.values_mut().for_each(simplify),
            ("items" | "additionalProperties", value) => {
                simplify(value);
                if let Value::Object(item) = value {
                    item.remove("description");
                }
            }
            ("anyOf" | "oneOf", Value::Array(list)) => list.iter_mut().for_each(simplify),
            ("enum", Value::Array(list)) => list.retain(|v| !v.is_null()),
            _ => {}
        }
    }
}

/// Levels of objects whose properties are published: the answer, its parts, and the parts of these.
const LEVELS: usize = 2;

/// Leaves the shape alone: no descriptions, nothing required, no property of any type at all, which validators admit as
/// they admit every further property, and no properties further down than [`LEVELS`].
fn bare(schema: &mut Value, level: usize) {
    let Value::Object(map) = schema else { return };
    map.remove("description");
    map.remove("required");
    if level >= LEVELS {
        map.remove("properties");
        map.remove("additionalProperties");
    }
    for (word, value) in map.iter_mut() {
        match (word.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                fields.retain(|_, field| field.get("type").is_some());
                fields.values_mut().for_each(|field| bare(field, level + 1));
            }
            ("items", value) if value.get("type").is_some() => bare(value, level),
            ("additionalProperties", value) if value.get("type").is_some() => bare(value, level + 1),
            // Lists of anything are lists of objects here: rows by the names of their columns.
            ("items", value) => *value = json!({ "type": "object" }),
            _ => {}
        }
    }
    if map.get("additionalProperties").is_some_and(|more| more.get("type").is_none()) {
        map.remove("additionalProperties");
    }
}
