//! Structured values on one line of text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::guard::{Clean, CleanData, Safe, Say};

/// Values by name, in an order that means something; an object as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T>(pub Vec<(Clean, T)>);

impl<T: Safe> Safe for Named<T> {}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("named_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// A value as `{key=value, other=[1, 2]}`; texts without quotes, since they are one line each.
pub struct Inline<'a>(pub &'a CleanData);

/// The entries of a map as `key=value, other=value`.
pub struct Pairs<'a>(pub &'a [(Clean, CleanData)]);

impl Say for Inline<'_> {
    fn say(&self, out: &mut String) {
        match self.0 {
            CleanData::Null => out.push_str("null"),
            CleanData::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            CleanData::Number(n) => out.push_str(&n.to_string()),
            CleanData::Text(text) => text.say(out),
            CleanData::List(list) => {
                out.push('[');
                for (i, value) in list.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    Inline(value).say(out);
                }
                out.push(']');
            }
            CleanData::Map(map) => {
                out.push('{');
                Pairs(map).say(out);
                out.push('}');
            }
        }
    }
}

impl Say for Pairs<'_> {
    fn say(&self, out: &mut String) {
        for (i, (key, value)) in self.0.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            key.say(out);
            out.push('=');
            Inline(value).say(out);
        }
    }
}
