//! Structured values of unknown shape: contexts, variables, breadcrumb data.

use serde_json::Number;

use super::Untrusted;

/// A JSON-like value whose strings and keys are untrusted. The order of keys is that of the source.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as exact as it was sent.
    Number(Number),
    /// A string.
    Text(Untrusted),
    /// Values in order.
    List(Vec<Data>),
    /// Keys and values in order.
    Map(Vec<(Untrusted, Data)>),
}

impl Data {
    /// The value of `key` when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Data> {
        match self {
            Self::Map(entries) => entries.iter().find(|(k, _)| k.raw() == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text when this is a string.
    pub fn text(&self) -> Option<&Untrusted> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing in it: null, an empty string, list or map.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

impl From<&serde_json::Value> for Data {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(n.clone()),
            Value::String(s) => Self::Text(s.as_str().into()),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Map(map.iter().map(|(k, v)| (k.as_str().into(), Self::from(v))).collect()),
        }
    }
}
