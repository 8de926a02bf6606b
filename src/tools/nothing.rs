//! What an empty list says: what was searched, and where the nearest hits are.

use crate::{
    guard::{Clean, Guard, Limit},
    model::Untrusted,
    say,
    store::{IssueQuery, Scope, SearchQuery, SignalStore, StoreError},
    view::{Seconds, count},
};

/// The scope in words: `project shop, environment production, 2026-11-06T00:00:00Z to 2026-11-21T00:00:00Z`.
pub(super) fn searched(scope: &Scope, guard: &mut Guard) -> Clean {
    let project = match &scope.project {
        Some(project) => say!("project ", guard.line(project, Limit::Tag)),
        None => Clean::ours("all projects"),
    };
    let environment = match &scope.environment {
        Some(environment) => say!("environment ", guard.line(environment, Limit::Tag)),
        None => Clean::ours("all environments"),
    };
    let time = match (scope.start, scope.end) {
        (Some(start), Some(end)) => say!(Seconds(start), " to ", Seconds(end)),
        (None, Some(end)) => say!("any time up to ", Seconds(end)),
        _ => Clean::ours("any time"),
    };
    say!(project, ", ", environment, ", ", time)
}

/// What an answer counts, in the same words in every tool: the scope, and the releases where only some count.
pub(super) fn counted(scope: &Scope, releases: Option<&[Untrusted]>, guard: &mut Guard) -> Clean {
    let of_release = releases.and_then(|names| names.first()).map(|first| {
        let on = if releases.is_some_and(|names| names.len() > 1) { " and later" } else { "" };
        say!(", release ", guard.line(first, Limit::Tag), on)
    });
    say!(searched(scope, guard), of_release)
}

/// Scopes that hold more, each with the words that say how.
fn wider(scope: &Scope) -> Vec<(&'static str, Scope)> {
    let mut scopes = Vec::new();
    if scope.start.is_some() {
        scopes.push(("before this period; pass a longer period", Scope { start: None, ..scope.clone() }));
    }
    if scope.environment.is_some() {
        scopes.push(("in other environments", Scope { environment: None, ..scope.clone() }));
    }
    scopes
}

/// Issues that the same question finds in a wider scope.
pub(super) async fn issues(store: &dyn SignalStore, query: &IssueQuery) -> Result<Option<Clean>, StoreError> {
    for (how, scope) in wider(&query.scope) {
        let page = store.issues(&IssueQuery { scope, limit: 1, skip: 0, ..query.clone() }).await?;
        let total = page.total.unwrap_or(page.items.len() as u64);
        if total > 0 {
            let last = page
                .items
                .first()
                .and_then(|facts| facts.last_seen)
                .map(|at| say!(" (one was last seen ", Seconds(at), ")"));
            return Ok(Some(say!(count(total, "issue fits", "issues fit"), " ", how, last)));
        }
    }
    Ok(None)
}

/// Events or groups that the same question finds in a wider scope.
pub(super) async fn events(store: &dyn SignalStore, query: &SearchQuery) -> Result<Option<Clean>, StoreError> {
    for (how, scope) in wider(&query.scope) {
        let page = store.search(&SearchQuery { scope, limit: 1, skip: 0, ..query.clone() }).await?;
        let total = page.total.unwrap_or(page.items.len() as u64);
        if total > 0 {
            return Ok(Some(say!(count(total, "row fits", "rows fit"), " ", how)));
        }
    }
    Ok(None)
}
