//! `verify_fix_since_release`: does a fix hold in production?

mod block;
mod package;
mod statement;
mod view;
mod warnings;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, input::Text, named};
use crate::{
    guard::{Clean, Guard},
    model::FixHistory,
    say,
    store::FixQuery,
    verify::{self, Bucket, Demand, Judgment},
    view::Answer,
};
pub use view::Out;

/// The tool.
pub struct VerifyFixSinceRelease;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL
    issue: Text,
    /// The first that has the fix
    release: Text,
    /// 0.8: the share by which the rate must fall
    min_reduction: Option<f64>,
    /// 0.95
    confidence: Option<f64>,
}

impl In {
    fn demand(&self) -> Result<Demand, ToolError> {
        let default = Demand::default();
        let demand = Demand {
            min_reduction: self.min_reduction.unwrap_or(default.min_reduction),
            confidence: self.confidence.unwrap_or(default.confidence),
        };
        if !(0.01..=0.99).contains(&demand.min_reduction) {
            return Err(outside("min_reduction is a share from 0.01 to 0.99, such as 0.8", demand.min_reduction));
        }
        if !(0.5..=0.999_999).contains(&demand.confidence) {
            return Err(outside("confidence is a chance from 0.5 to 0.999999, such as 0.95", demand.confidence));
        }
        Ok(demand)
    }
}

fn outside(right: &'static str, came: f64) -> ToolError {
    ToolError::invalid(say!(right, "; what came is ", came))
}

impl Tool for VerifyFixSinceRelease {
    const NAME: &'static str = "verify_fix_since_release";
    const TITLE: &'static str = "Verify a fix";
    const ABOUT: &'static str = "Whether a fix holds in production since a release: verdict, evidence, when to ask again, \
        Markdown for the pull request.";
    const SHARED: &'static [CommonInput] =
        &[CommonInput::Project, CommonInput::Environment, CommonInput::AsOf, CommonInput::MaxTokens];
    type In = In;
    type Out = Out;

    async fn call(ctx: &Ctx, asked: Resolved, input: In) -> Result<Answer<Out>, ToolError> {
        let demand = input.demand()?;
        let (history, judgment) = judged(ctx, &asked, &input, &demand).await?;
        let mut guard = Guard::new();
        let told = view::VerdictInput {
            history: &history,
            judgment: &judgment,
            demand: &demand,
            as_of: asked.as_of,
            environment: asked.scope.environment.as_ref(),
        };
        let warnings = warnings::of(&told, &mut guard);
        let body = view::of(&told, &warnings, &mut guard);
        let warnings = warnings.into_iter().chain(guard.warnings()).collect();
        Ok(Answer { body, common: asked.common(ctx, warnings), cursor_after: None })
    }
}

/// The history of a fix, and what it comes to.
async fn judged(ctx: &Ctx, asked: &Resolved, input: &In, demand: &Demand) -> Result<(FixHistory, Judgment), ToolError> {
    if input.release.raw().is_empty() {
        return Err(ToolError::invalid(Clean::ours("release is the first release that has the fix")));
    }
    let mut scope = asked.scope.clone();
    (scope.start, scope.end) = (None, Some(asked.as_of));
    let query = FixQuery {
        issue: named::issue(ctx, &input.issue)?,
        scope,
        release: named::release(ctx, &input.release)?,
        sealed: false,
    };
    let mut history = ctx.store.fix_history(&query).await?;
    if let Some(release) = package::meant(&history, &query.release)? {
        history = ctx.store.fix_history(&FixQuery { release, ..query }).await?;
    }
    let judgment = verify::judge(&history, asked.as_of, demand);
    Ok((history, judgment))
}

/// The rates behind an answer by time, oldest first, for whoever draws them; none where nothing was compared.
/// `arguments` are those of the tool.
///
/// # Errors
/// As the tool itself.
pub async fn over_time(ctx: &Ctx, arguments: Value) -> Result<Vec<Bucket>, ToolError> {
    let ctx = ctx.begun();
    let (asked, input) = super::input::split::<In>(VerifyFixSinceRelease::NAME, arguments)?;
    let asked = super::resolve::resolve(&ctx, asked).await?;
    let (_, judgment) = judged(&ctx, &asked, &input, &input.demand()?).await?;
    Ok(judgment.proof.map(|proof| proof.chart).unwrap_or_default())
}
