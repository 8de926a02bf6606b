//! An entry of the feed in the contract's form. All text passes the guard here, once more where it did before.

use serde_json::{Value, json};

use super::daily;
use crate::{
    guard::{Clean, Guard, Limit},
    say,
    store::{Claim, FeedStore, Finding, FindingKind, StoreError},
    tools::{self, Ctx},
};

/// Makes entries ready to be told.
#[derive(Clone)]
pub struct Shaper {
    ctx: Ctx,
    feed: std::sync::Arc<dyn FeedStore>,
    /// Whether the hand-off is part of each.
    brief: bool,
}

impl Shaper {
    /// Over the store that the entries are about. With `brief`, an entry about an issue carries the hand-off.
    pub fn new(ctx: Ctx, feed: std::sync::Arc<dyn FeedStore>, brief: bool) -> Self {
        Self { ctx, feed, brief }
    }

    /// The entry as data.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn data(&self, finding: &Finding) -> Result<Value, StoreError> {
        let change = &finding.change;
        let mut guard = Guard::new();
        let mut data = json!({
            "id": finding.id,
            "at": change.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "kind": change.kind.as_str(),
            "project": guard.line(&change.project.as_str().into(), Limit::Tag),
            "statement": guard.line(&change.statement, Limit::Value),
            "next_call": next_call(finding, &mut guard),
        });
        if let Some(release) = &change.release {
            data["release"] = guard.line(release, Limit::Tag).as_str().into();
        }
        let Some(issue) = &change.issue else { return Ok(data) };
        let short_id = guard.line(&issue.short_id.as_str().into(), Limit::Tag);
        data["issue"] = json!({
            "id": issue.id.to_string(),
            "short_id": short_id,
            "title": guard.line(&issue.title, Limit::Title),
            "users": issue.users,
            "events": issue.events,
        });
        if let Some(claim) = self.claim_of(issue.id).await? {
            let until = claim.until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            data["claimed"] = json!({ "by": guard.line(&claim.who, Limit::Tag), "until": until });
        }
        self.add_brief(issue.id, &mut data).await;
        Ok(data)
    }

    /// Several entries as one, those with the most users first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn digest(&self, findings: &mut [Finding]) -> Result<Value, StoreError> {
        daily::order(findings);
        let mut shown = Vec::new();
        for finding in findings.iter().take(daily::MAX_SHOWN) {
            shown.push(self.data(finding).await?);
        }
        Ok(daily::data(shown, findings.len()))
    }

    async fn claim_of(&self, issue: i64) -> Result<Option<Claim>, StoreError> {
        Ok(self.feed.claims((self.ctx.now)()).await?.into_iter().find(|claim| claim.issue == issue))
    }

    /// How actionable the issue is, and where wanted the hand-off.
    async fn add_brief(&self, issue: i64, data: &mut Value) {
        let asked = json!({ "issue": issue.to_string(), "period": "3650d" });
        let answer = (tools::BRIEF.call)(self.ctx.clone(), asked).await;
        if answer.is_error {
            return;
        }
        data["actionable"] = answer.data["actionable"].clone();
        if self.brief {
            data["brief"] = answer.text.into();
        }
    }
}

/// The call that shows more.
fn next_call(finding: &Finding, guard: &mut Guard) -> Clean {
    let change = &finding.change;
    let Some(issue) = &change.issue else { return Clean::ours("list_projects {}") };
    let short_id = guard.line(&issue.short_id.as_str().into(), Limit::Tag);
    match (change.kind, &change.release) {
        (FindingKind::Verified | FindingKind::Relapsed, Some(release)) => say!(
            "verify_fix_since_release {\"issue\":\"",
            short_id,
            "\",\"release\":\"",
            guard.line(release, Limit::Tag),
            "\"}"
        ),
        _ => say!("diagnose_issue {\"issue\":\"", short_id, "\"}"),
    }
}
