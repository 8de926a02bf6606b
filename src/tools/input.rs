//! Arguments as typed: the fields that all tools share, and the tool's own.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{ToolError, arguments, schema};
use crate::{
    guard::{Guard, Limit},
    model::Untrusted,
    say,
};

/// The inputs that all tools share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonInput {
    /// Slug of a project.
    Project,
    /// Name of an environment.
    Environment,
    /// Which time.
    Period,
    /// As things stood when.
    AsOf,
    /// How many.
    Limit,
    /// Where the page starts.
    Cursor,
    /// Budget.
    MaxTokens,
}

impl CommonInput {
    /// Every shared input; each tool takes all of them, and says those that mean something to it.
    pub const ALL: [Self; 7] =
        [Self::Project, Self::Environment, Self::Period, Self::AsOf, Self::Limit, Self::Cursor, Self::MaxTokens];

    /// Name in calls.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Environment => "environment",
            Self::Period => "period",
            Self::AsOf => "as_of",
            Self::Limit => "limit",
            Self::Cursor => "cursor",
            Self::MaxTokens => "max_tokens",
        }
    }
}

/// The shared inputs as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub(super) project: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) period: Option<String>,
    pub(super) as_of: Option<String>,
    pub(super) limit: Option<u64>,
    pub(super) cursor: Option<String>,
    max_tokens: Option<u64>,
    /// What the call asks, whatever page of it: cursors are bound to it.
    #[serde(skip)]
    pub(super) question: [u8; 32],
}

impl Asked {
    /// The budget in tokens, within what the contract allows; `default` where the call names none.
    pub fn max_tokens(&self, default: usize) -> usize {
        self.max_tokens.map_or(default, |tokens| tokens.clamp(200, 60_000) as usize)
    }
}

/// A string from the caller: read as text, shown only through the guard.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Text> for Untrusted {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl Text {
    /// As untrusted text.
    pub fn untrusted(&self) -> Untrusted {
        self.0.as_str().into()
    }

    /// As typed, without white space around it.
    pub fn raw(&self) -> &str {
        self.0.trim()
    }
}

impl JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "string".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Reads arguments, and splits them into the shared and the tool's own.
pub(super) fn split<In: DeserializeOwned + JsonSchema>(
    tool: &'static str,
    arguments: Value,
) -> Result<(Asked, In), ToolError> {
    let schema = schema::input::<In>(&CommonInput::ALL, 0);
    let mut own = arguments::read(tool, &schema, arguments)?;
    let question = question(tool, &own);
    let mut shared = Map::new();
    for name in CommonInput::ALL.map(CommonInput::name) {
        if let Some(value) = own.remove(name) {
            shared.insert(name.to_owned(), value);
        }
    }
    let mut asked: Asked = serde_json::from_value(Value::Object(shared)).map_err(|e| mistyped(tool, &e))?;
    asked.question = question;
    let own = serde_json::from_value(Value::Object(own)).map_err(|e| mistyped(tool, &e))?;
    Ok((asked, own))
}

/// A digest of the call without what may differ from page to page.
fn question(tool: &str, arguments: &Map<String, Value>) -> [u8; 32] {
    let mut pairs: Vec<_> = arguments
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "limit" | "max_tokens"))
        .map(|(name, value)| (name.as_str(), value.to_string()))
        .collect();
    pairs.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(tool);
    for (name, value) in pairs {
        hash.update([0]);
        hash.update(name);
        hash.update([0]);
        hash.update(value);
    }
    hash.finalize().into()
}

fn mistyped(tool: &'static str, error: &serde_json::Error) -> ToolError {
    let said = Guard::new().line(&error.to_string().into(), Limit::Value);
    ToolError::invalid(say!("arguments of ", tool, ": ", said))
}
