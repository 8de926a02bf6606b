//! The tools: one file each, one list of them.
//! They use the floors below: they ask the store, and answer with views.
//! They know nothing of SQL, HTTP or rmcp, and never format text into an answer.

mod affected_users;
mod arguments;
mod brief;
mod claim;
mod code;
mod cursor;
mod diagnose_issue;
mod error;
mod get_event;
mod get_replay_summary;
mod input;
mod list_issues;
mod list_projects;
mod list_releases;
mod mistaken;
mod named;
mod nothing;
mod remedies;
mod resolve;
mod same_trace;
mod schema;
mod search_events;
mod sentence;
mod signals;
mod terms;
mod time;
mod update_issue;
mod verify_fix_since_release;

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use cursor::{Cursor, Cursors};
pub use error::ToolError;
pub use get_replay_summary::{Loaded as LoadedReplay, lines as replay_lines, load as load_replay};
pub use input::{Asked, CommonInput};
pub use named::id_in;
pub use resolve::Resolved;
pub use sentence::why as change_sentence;
pub use verify_fix_since_release::over_time as fix_over_time;

use crate::{
    checkout::Checkouts,
    model::Timestamp,
    store::{SignalStore, SignalWrite},
    view::{Answer, Fitted, Sent, View, fit},
};

/// What every call gets.
#[derive(Clone)]
pub struct Ctx {
    /// Where the signal is.
    pub store: Arc<dyn SignalStore>,
    /// The moment that "now" means.
    pub now: fn() -> Timestamp,
    /// Scope used where a call names none.
    pub defaults: Defaults,
    /// The checkouts that frames are matched to.
    pub code: Arc<Checkouts>,
    /// Where issues may be changed; `None`: nowhere, and no tool that writes is there.
    pub writes: Option<Arc<dyn SignalWrite>>,
}

impl Ctx {
    /// For one call: with its own deadline and its own account of how old the answers are.
    fn begun(&self) -> Self {
        Self { store: self.store.for_call().unwrap_or_else(|| self.store.clone()), ..self.clone() }
    }

    /// Whether a tool is there: one that writes needs leave.
    pub fn offers(&self, tool: &Descriptor) -> bool {
        !tool.writes || self.writes.is_some()
    }
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
    /// Which forms of an answer the caller is sent: the budget is spent on these.
    pub sent: Sent,
    /// Host and port of the own pages, where the signal is in a store of this program: addresses of others are refused.
    pub host: Option<String>,
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

/// One tool. Its input has the fields of its own; those that all tools share come resolved.
pub trait Tool: Send + Sync + 'static {
    /// Letters and underscores.
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// For the model: what it answers, in few words.
    const ABOUT: &'static str;
    /// Whether it changes anything.
    const WRITES: bool = false;
    /// Tokens of its answer where the call names no budget.
    const TOKENS: usize = 2_000;
    /// Shared inputs that it says it takes; the others are accepted and mean nothing.
    const SHARED: &'static [CommonInput];
    /// Its own input.
    type In: DeserializeOwned + JsonSchema + Send;
    /// Its answer.
    type Out: View;

    /// Answers.
    fn call(
        ctx: &Ctx,
        asked: Resolved,
        input: Self::In,
    ) -> impl Future<Output = Result<Answer<Self::Out>, ToolError>> + Send;
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
pub static TOOLS: &[Descriptor] = &[
    describe::<affected_users::AffectedUsers>(),
    describe::<diagnose_issue::DiagnoseIssue>(),
    describe::<get_event::GetEvent>(),
    describe::<get_replay_summary::GetReplaySummary>(),
    describe::<list_issues::ListIssues>(),
    describe::<list_projects::ListProjects>(),
    describe::<list_releases::ListReleases>(),
    describe::<search_events::SearchEvents>(),
    describe::<update_issue::UpdateIssue>(),
    describe::<verify_fix_since_release::VerifyFixSinceRelease>(),
];

/// The hand-off for an agent: no tool of its own, but asked for in the same way.
pub static BRIEF: Descriptor = describe::<brief::Brief>();

/// The tool of that name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    TOOLS.iter().find(|tool| tool.name == name)
}

const fn describe<T: Tool>() -> Descriptor {
    Descriptor {
        name: T::NAME,
        title: T::TITLE,
        about: T::ABOUT,
        writes: T::WRITES,
        input: || schema::input::<T::In>(T::SHARED, T::TOKENS),
        output: schema::output::<T::Out>,
        call: |ctx, arguments| Box::pin(answer::<T>(ctx, arguments)),
    }
}

/// From arguments as typed to an answer that fits.
async fn answer<T: Tool>(ctx: Ctx, arguments: Value) -> Rendered {
    match attempt::<T>(&ctx.begun(), arguments).await {
        Ok(Fitted { text, data }) => Rendered { text, data, is_error: false },
        Err(error) => error.rendered(),
    }
}

async fn attempt<T: Tool>(ctx: &Ctx, arguments: Value) -> Result<Fitted, ToolError> {
    let names = mistaken::names(&arguments);
    let (asked, own) = input::split::<T::In>(T::NAME, arguments)?;
    let max_tokens = asked.max_tokens(T::TOKENS);
    let resolved = resolve::resolve(ctx, asked).await?;
    let project = resolved.scope.project.clone();
    match T::call(ctx, resolved, own).await {
        Ok(answer) => Ok(fit(&answer, max_tokens, ctx.defaults.sent)),
        Err(failure) => Err(mistaken::explained(ctx, &names, project.as_ref(), failure).await),
    }
}
