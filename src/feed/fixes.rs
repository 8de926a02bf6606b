//! Fixes that are stayed with after their release: each change of the verdict is an entry.

use serde_json::{Value, json};

use crate::{
    guard::{Clean, Guard, Limit},
    model::{Timestamp, Untrusted},
    say,
    store::{
        FeedStore, FindingIssue, FindingKind, IssueRef, IssueUpdate, NewFinding, NewStatus, Scope, StoreError,
        WatchedFix,
    },
    tools::{self, Ctx},
};

/// Verdicts that say what became of a fix.
const DECIDED: [&str; 5] = ["fixed", "reduced", "not_fixed", "regressed", "moved"];
/// Longest comment, in characters.
const COMMENT: usize = 4_000;

/// Weighs each fix again.
pub(super) async fn look(ctx: &Ctx, feed: &dyn FeedStore) -> Result<Vec<NewFinding>, StoreError> {
    let now = (ctx.now)();
    let mut found = Vec::new();
    for fix in feed.watched_fixes(now).await? {
        let Some((verdict, data)) = weigh(ctx, &fix).await else { continue };
        if fix.verdict.as_deref() == Some(verdict) || !feed.set_verdict(&fix, verdict).await? {
            continue;
        }
        let relapsed = fix.verdict.as_deref() == Some("fixed") && DECIDED.contains(&verdict);
        if !DECIDED.contains(&verdict) {
            continue;
        }
        found.push(entry(ctx, &fix, verdict, relapsed, &data, now).await?);
        if let Err(error) = decide(ctx, &fix, verdict, relapsed, &data, now).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the issue could not be changed");
        }
    }
    Ok(found)
}

async fn weigh(ctx: &Ctx, fix: &WatchedFix) -> Option<(&'static str, Value)> {
    let tool = tools::find("verify_fix_since_release")?;
    let mut asked = json!({ "issue": fix.issue.to_string(), "release": fix.release.raw(), "max_tokens": 60_000 });
    if !fix.environment.is_empty() {
        asked["environment"] = fix.environment.raw().into();
    }
    let answer = (tool.call)(ctx.clone(), asked).await;
    let said = answer.data["verdict"].as_str().unwrap_or_default();
    let known = DECIDED.into_iter().chain(["insufficient_exposure", "not_deployed"]);
    known.into_iter().find(|verdict| *verdict == said).map(|verdict| (verdict, answer.data))
}

async fn entry(
    ctx: &Ctx,
    fix: &WatchedFix,
    verdict: &'static str,
    relapsed: bool,
    data: &Value,
    now: Timestamp,
) -> Result<NewFinding, StoreError> {
    let named = IssueRef::Named(fix.issue.to_string().into());
    let facts = ctx.store.issue(&named, &Scope { end: Some(now), ..Scope::default() }).await?;
    let mut guard = Guard::new();
    let said = guard.line(&data["statement"].as_str().unwrap_or_default().into(), Limit::Value);
    let word = if relapsed { Clean::ours("relapsed: ") } else { Clean::ours("") };
    let short_id = guard.line(&facts.issue.short_id.as_str().into(), Limit::Tag);
    let statement = say!(short_id, " ", word, said);
    Ok(NewFinding {
        once: format!(
            "fix/{}/{}/{}/{verdict}/{}",
            fix.issue,
            fix.release.raw(),
            fix.environment.raw(),
            now.as_second()
        ),
        at: now,
        kind: if relapsed { FindingKind::Relapsed } else { FindingKind::Verified },
        project: facts.issue.project.clone(),
        issue: Some(FindingIssue {
            id: fix.issue,
            short_id: facts.issue.short_id.clone(),
            title: facts.issue.title.clone(),
            users: facts.users,
            events: facts.events,
        }),
        release: Some(fix.release.clone()),
        statement: statement.as_str().into(),
    })
}

/// Where that is allowed, a fix that holds resolves the issue, and one that relapses opens it again; the evidence is the
/// comment.
async fn decide(
    ctx: &Ctx,
    fix: &WatchedFix,
    verdict: &str,
    relapsed: bool,
    data: &Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(writes) = &ctx.writes else { return Ok(()) };
    let status = match (verdict, relapsed) {
        ("fixed", _) => NewStatus::Resolved { in_release: Some(fix.release.clone()) },
        (_, true) => NewStatus::Unresolved,
        _ => return Ok(()),
    };
    let evidence: String = data["markdown"].as_str().unwrap_or_default().chars().take(COMMENT).collect();
    let update = IssueUpdate {
        issue: IssueRef::Named(fix.issue.to_string().into()),
        scope: Scope::default(),
        status: Some(status),
        assignee: None,
        comment: Some(Untrusted::from(evidence)).filter(|text| !text.is_empty()),
        now,
    };
    writes.update_issue(&update).await.map(drop)
}
