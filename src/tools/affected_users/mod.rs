//! `affected_users`: who is hit, how many, and what they have in common.

pub(super) mod attribution;
mod markdown;
mod view;
mod window;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CommonInput, Ctx, Resolved, Tool, ToolError, input::Text, named, resolve, terms};
use crate::{
    guard::{Clean, Guard},
    store::{self, AffectedQuery, Field},
    view::Answer,
};
pub(super) use view::ConditionView;
pub use view::Out;

/// Buckets of a trend: enough to see a change, few enough to read.
const BUCKETS: usize = 24;
/// What fewer of the affected share is no condition of theirs.
const SHARED_BY: u64 = 3;
/// Users shown as a sample.
const SAMPLE: usize = 5;

/// The tool.
pub struct AffectedUsers;

/// Its input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Id or URL; else all issues since since_release
    issue: Option<Text>,
    since_release: Option<Text>,
    /// Tags to break down by
    by: Option<Vec<Text>>,
    /// Who they are compared with
    baseline: Option<Baseline>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Baseline {
    OtherEvents,
    Sessions,
    AllUsers,
}

impl Tool for AffectedUsers {
    const NAME: &'static str = "affected_users";
    const TITLE: &'static str = "Affected users";
    const ABOUT: &'static str = "Who an issue hits: distinct users by release and over time, share of active users, and what sets them apart \
        (browser, device, country, flag).";
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
        let issue = input.issue.as_ref().map(|issue| named::issue(ctx, issue)).transpose()?;
        let since = match &input.since_release {
            Some(release) => {
                let scope = resolve::beside_issue(ctx, &asked.scope, issue.as_ref()).await;
                Some(resolve::since(ctx, &scope, release, None).await?)
            }
            None => None,
        };
        if input.issue.is_none() && since.is_none() && !asked.period_given {
            return Err(ToolError::invalid(Clean::ours("say which: issue (such as SHOP-4K), since_release or period")));
        }
        let fields: Vec<Field> = input.by.iter().flatten().filter_map(|tag| Field::parse(tag.raw())).collect();
        terms::known(ctx, "by", fields.iter()).await?;
        let query = AffectedQuery {
            scope: asked.scope.clone(),
            issue,
            since: since.as_ref().map(resolve::Since::names),
            by: input.by.iter().flatten().map(Text::untrusted).collect(),
            baseline: match input.baseline {
                None | Some(Baseline::OtherEvents) => store::Baseline::OtherEvents,
                Some(Baseline::Sessions) => store::Baseline::Sessions,
                Some(Baseline::AllUsers) => store::Baseline::AllUsers,
            },
            shared_by: SHARED_BY,
            buckets: BUCKETS,
            sample: SAMPLE,
        };
        let facts = ctx.store.affected(&query).await?;
        let mut guard = Guard::new();
        let body = view::of(&facts, &query, &mut guard);
        let mut warnings: Vec<Clean> = facts.warnings.iter().map(|w| Clean::ours(w)).collect();
        warnings.extend(since.as_ref().and_then(|since| resolve::alias_warning(since, &mut guard)));
        warnings.extend(guard.warnings());
        Ok(Answer { body, common: asked.common(ctx, warnings), cursor_after: None })
    }
}
