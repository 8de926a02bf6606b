//! The tools: one file each, one list of them.
//! They use the floors below.
//! They know nothing of SQL, HTTP or rmcp.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{model::Timestamp, store::SignalStore};

/// What every call gets.
#[derive(Clone)]
pub struct Ctx {
    /// Where the signal is.
    pub store: Arc<dyn SignalStore>,
    /// The moment that "now" means.
    pub now: fn() -> Timestamp,
    /// Scope used where a call names none.
    pub defaults: Defaults,
}

/// The default scope.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Slug of a project.
    pub project: Option<String>,
    /// Name of an environment.
    pub environment: Option<String>,
    /// Whether calls may leave it.
    pub locked: bool,
}

/// An answer in both forms. Each alone is whole.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Compact Markdown.
    pub text: String,
    /// The same facts as data: `structuredContent`.
    pub data: Value,
    /// Whether it tells of a failure.
    pub is_error: bool,
}

/// One tool, for whoever lists or calls it.
pub struct Descriptor {
    /// Its name: letters and underscores.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// For the model: what it answers, in few words.
    pub about: &'static str,
    /// Whether it changes anything.
    pub writes: bool,
    /// JSON Schema of its input.
    pub input: fn() -> Map<String, Value>,
    /// JSON Schema of its output, failures included.
    pub output: fn() -> Map<String, Value>,
    /// Calls it with the arguments as typed. Failures that the caller can mend are answers too.
    pub call: fn(Ctx, Value) -> BoxFuture<'static, Rendered>,
}

/// All tools, by name.
pub static TOOLS: &[Descriptor] = &[];
