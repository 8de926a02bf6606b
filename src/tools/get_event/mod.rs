//! `get_event`: what one event says, that which mends the bug first.

mod markdown;
mod plan;
mod sections;
mod view;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, code, input::Text, named, resolve, same_trace};
use crate::{
    guard::{Clean, Guard},
    store::{EventQuery, Pick},
    view::Answer,
};
pub use view::Out;

/// The tool.
pub struct GetEvent;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL
    issue: Option<Text>,
    /// Id or URL
    event: Option<Text>,
    which: Option<Which>,
    release: Option<Text>,
    /// exception, breadcrumbs, request, tags, user, flags by default
    include: Option<Vec<Section>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    Recommended,
    Latest,
    Oldest,
}

/// A part of an event that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Section {
    Exception,
    Breadcrumbs,
    Request,
    Tags,
    Contexts,
    User,
    Trace,
    Logs,
    Threads,
    Flags,
    Attachments,
    Raw,
}

impl Section {
    /// What is shown when the call doesn't say: what a bug is mended with.
    const DEFAULT: &[Self] =
        &[Self::Exception, Self::Breadcrumbs, Self::Request, Self::Tags, Self::User, Self::Flags, Self::Trace];

    /// Its name in calls.
    const fn name(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Breadcrumbs => "breadcrumbs",
            Self::Request => "request",
            Self::Tags => "tags",
            Self::Contexts => "contexts",
            Self::User => "user",
            Self::Trace => "trace",
            Self::Logs => "logs",
            Self::Threads => "threads",
            Self::Flags => "flags",
            Self::Attachments => "attachments",
            Self::Raw => "raw",
        }
    }
}

impl Tool for GetEvent {
    const NAME: &'static str = "get_event";
    const TITLE: &'static str = "Get an event";
    const ABOUT: &'static str = "One occurrence of an issue, to fix it: exception chain, frames with source and variables, breadcrumbs, \
        request, remedies.";
    const SHARED: &'static [CommonInput] =
        &[CommonInput::Project, CommonInput::Environment, CommonInput::AsOf, CommonInput::MaxTokens];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let sections = input.include.as_deref().filter(|s| !s.is_empty()).unwrap_or(Section::DEFAULT);
        let release = match &input.release {
            Some(release) => {
                let issue = input.issue.as_ref().map(|issue| named::issue(ctx, issue)).transpose()?;
                let scope = resolve::beside_issue(ctx, &asked.scope, issue.as_ref()).await;
                Some(resolve::one_release(ctx, &scope, release).await?)
            }
            None => None,
        };
        let wants = |s: Section| sections.contains(&s);
        let query = EventQuery {
            scope: asked.scope.clone(),
            pick: pick(ctx, &input)?,
            release,
            extras: wants(Section::Logs) || wants(Section::Attachments) || wants(Section::Raw),
        };
        let facts = ctx.store.event(&query).await?;
        named::agree(ctx, &asked.scope, (input.issue.as_ref(), input.event.as_ref()), &facts.issue).await?;
        let mut guard = Guard::new();
        let places = code::Places::of(ctx, &asked.scope, &facts.event).await;
        let mut body = view::of(&facts, sections, &places, &mut guard);
        if wants(Section::Trace) {
            let own = facts.issue.short_id.as_str();
            let found = same_trace::find(ctx, &asked.scope, own, &[&facts.event]).await?;
            body.same_trace = found.issues.iter().map(|seen| seen.view(&mut guard)).collect();
            body.failed_spans = same_trace::failed_spans(ctx, &asked.scope, &facts.event).await?;
        }
        let mut warnings = guard.warnings();
        warnings.extend(facts.event.clock_off_s.map(clock_warning));
        Ok(Answer { body, common: asked.common(ctx, warnings), cursor_after: None })
    }
}

/// A time that the program had to correct weakens what depends on it.
fn clock_warning(off_s: i64) -> Clean {
    let minutes = off_s.unsigned_abs().div_ceil(60);
    let way = if off_s > 0 { "ahead" } else { "behind" };
    let zone = if minutes >= 30 && minutes % 15 <= 1 { "; it may write local time as UTC" } else { "" };
    crate::say!("the sender's clock was ", minutes, " min ", way, zone, ": times of this event were corrected")
}

fn pick(ctx: &Ctx, input: &In) -> Result<Pick, ToolError> {
    // `event: "latest"` beside an issue says which.
    let which = input.event.as_ref().filter(|_| input.issue.is_some()).and_then(|event| match event.raw() {
        "latest" => Some(Which::Latest),
        "oldest" => Some(Which::Oldest),
        "recommended" => Some(Which::Recommended),
        _ => None,
    });
    match (input.event.as_ref().filter(|_| which.is_none()), &input.issue) {
        (Some(event), _) => named::event(ctx, event),
        (None, Some(text)) => {
            if let Some(pick) = named::event_in_issue(ctx, text)? {
                return Ok(pick);
            }
            let issue = named::issue(ctx, text)?;
            Ok(match input.which.or(which) {
                None | Some(Which::Recommended) => Pick::Recommended(issue),
                Some(Which::Latest) => Pick::Latest(issue),
                Some(Which::Oldest) => Pick::Oldest(issue),
            })
        }
        (None, None) => Err(named::missing()),
    }
}

/// The call that shows sections which were not asked for.
fn more_call(event: &Clean, sections: &[Section]) -> Clean {
    let mut names = Clean::default();
    for (i, section) in sections.iter().enumerate() {
        names = crate::say!(names, if i > 0 { "\",\"" } else { "" }, section.name());
    }
    crate::say!("get_event {\"event\":\"", event, "\",\"include\":[\"", names, "\"]}")
}
