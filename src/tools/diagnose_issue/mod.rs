//! `diagnose_issue`: what, who, since and where in one call, whether this code is the cause, and what to ask next.

mod actionable;
mod code;
mod facts;
mod markdown;
mod place;
mod plan;
mod reasons;
mod since;
mod view;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, input::Text, named, resolve};
use crate::{guard::Guard, view::Answer};
pub use place::FrameView;
pub use view::{Actionable, CommitView, ErrorView, LibraryView, Out, Who};

/// The tool.
pub struct DiagnoseIssue;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL
    pub(super) issue: Text,
    /// Only events of this release
    pub(super) release: Option<Text>,
}

impl Tool for DiagnoseIssue {
    const NAME: &'static str = "diagnose_issue";
    const TITLE: &'static str = "Diagnose an issue";
    const ABOUT: &'static str = "Why an issue happens, in one call: what, who, since when, which frames are the cause, and whether code, \
        data, environment, a dependency or a resource is at fault.";
    const TOKENS: usize = 1_500;
    const SHARED: &'static [CommonInput] = &[
        CommonInput::Project,
        CommonInput::Environment,
        CommonInput::Period,
        CommonInput::AsOf,
        CommonInput::MaxTokens,
    ];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let release = match &input.release {
            Some(release) => {
                let issue = named::issue(ctx, &input.issue)?;
                let scope = resolve::beside_issue(ctx, &asked.scope, Some(&issue)).await;
                Some(resolve::one_release(ctx, &scope, release).await?)
            }
            None => None,
        };
        let mut guard = Guard::new();
        let gathered = facts::gather(ctx, &asked, named::issue(ctx, &input.issue)?, release.clone()).await?;
        let judged = view::judge(&gathered, &mut guard);
        let code = code::look(ctx, &asked.scope, &gathered, &judged.found).await;
        let words = asked.words(ctx, &mut guard);
        let question = view::Asked { scope: &asked.scope, release: release.as_ref(), words: &words };
        let body = view::of(&gathered, judged, &code, &question, &mut guard);
        let mut warnings = code.warnings();
        warnings.extend(gathered.warnings(asked.scope.end.unwrap_or(asked.as_of)));
        warnings.extend(guard.warnings());
        Ok(Answer { body, common: asked.common(ctx, warnings), cursor_after: None })
    }
}
