//! `get_replay_summary`: what the user did before it broke.

mod choice;
mod load;
mod markdown;
mod narrow;
mod reproduction;
mod sentence;
mod view;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, input::Text, named};
use crate::{
    guard::{Clean, Guard},
    view::{Answer, CursorAfter},
};
pub use load::{Loaded, load};
pub use view::{Out, lines};

/// The tool.
pub struct GetReplaySummary;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL
    replay: Option<Text>,
    /// Shown by its best replay
    issue: Option<Text>,
    event: Option<Text>,
    /// timeline: everything; playwright: a test
    format: Option<Format>,
    around_error_s: Option<u64>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    Summary,
    Steps,
    Timeline,
    Playwright,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Steps => "steps",
            Self::Timeline => "timeline",
            Self::Playwright => "playwright",
        }
    }
}

impl Tool for GetReplaySummary {
    const NAME: &'static str = "get_replay_summary";
    const TITLE: &'static str = "Summarize a replay";
    const ABOUT: &'static str = "What a user did before an error, from a session replay: clicks, typing, navigation, failed requests. \
        Also as a Playwright test.";
    const SHARED: &'static [CommonInput] = &[
        CommonInput::Project,
        CommonInput::Environment,
        CommonInput::Period,
        CommonInput::AsOf,
        CommonInput::Limit,
        CommonInput::Cursor,
        CommonInput::MaxTokens,
    ];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let format = input.format.unwrap_or(Format::Summary);
        let chosen = match (&input.replay, &input.event, &input.issue) {
            (Some(replay), _, _) => choice::named(ctx, &asked, named::replay(ctx, replay)?).await?,
            (None, Some(event), issue) => {
                let named = (issue.as_ref(), Some(event));
                choice::of_event(ctx, &asked, named::event(ctx, event)?, named).await?
            }
            (None, None, Some(issue)) => match named::event_in_issue(ctx, issue)? {
                Some(pick) => choice::of_event(ctx, &asked, pick, (Some(issue), None)).await?,
                None => choice::of_issue(ctx, &asked, &named::issue(ctx, issue)?).await?,
            },
            (None, None, None) => return Err(missing()),
        };
        let mut guard = Guard::new();
        let body = view::of(&chosen, format, &asked, input.around_error_s, &mut guard)?;
        let mut warnings = chosen.warnings();
        warnings.extend(guard.warnings());
        let common = asked.common(ctx, warnings);
        let paged = matches!(format, Format::Steps | Format::Timeline);
        let limit = asked.limit;
        let cursor_after: Option<CursorAfter<Out>> = paged.then(|| {
            let rest: CursorAfter<Out> = Box::new(move |shown: &Out| {
                let n = shown.shown();
                (n < shown.left || limit.is_some_and(|limit| n > limit)).then(|| asked.cursor_after(n))
            });
            rest
        });
        Ok(Answer { body, common, cursor_after })
    }
}

fn missing() -> ToolError {
    ToolError::invalid(Clean::ours("say which: replay (32 hex digits), issue (such as SHOP-4K) or event"))
}
