//! Lists of issues.

use axum::{Json, body::Body, extract::Path, http::HeaderMap};
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{ask::Ask, decide, fault::ApiError, issue_view, page::Listed};
use crate::{
    model::Project,
    serve::{App, gate::Scoped},
    store::{Field, IssueFacts, IssueQuery, IssueRef, IssueSort, Op, Scope, Term, Test},
};

/// `GET organizations/ORG/issues/`.
pub(super) async fn list(Scoped(app): Scoped, Path(org): Path<String>, ask: Ask) -> Result<Listed, ApiError> {
    listed(&app, &ask, &org, None).await
}

/// `GET projects/ORG/PROJECT/issues/`: what older programs ask.
pub(super) async fn of_project(
    Scoped(app): Scoped,
    Path((org, project)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    listed(&app, &ask, &org, Some(&project)).await
}

async fn listed(app: &App, ask: &Ask, org: &str, project: Option<&str>) -> Result<Listed, ApiError> {
    let scope = ask.scope(app, project).await?;
    let filter = ask.search(app, ask.one("query").unwrap_or("is:unresolved")).await?;
    let (skip, limit) = (ask.skip()?, ask.limit()?);
    let query = IssueQuery { scope, filter, sort: sort(ask.one("sort"))?, limit, skip, ..IssueQuery::default() };
    let page = app.host.issues(&query).await?;
    let rows = rows(app, ask, org, &page.items, &query.scope).await?;
    Listed::new(ask, rows.into(), page.more, page.total)
}

fn sort(asked: Option<&str>) -> Result<IssueSort, ApiError> {
    Ok(match asked.unwrap_or("date") {
        "date" | "" => IssueSort::LastSeen,
        "new" | "age" => IssueSort::FirstSeen,
        "freq" => IssueSort::Events,
        "user" => IssueSort::Users,
        "trends" | "priority" | "inbox" | "recommended" => IssueSort::Impact,
        _ => return Err(ApiError::bad("Invalid sort: it is one of date, new, freq, user, trends, inbox, recommended")),
    })
}

/// Issues as rows, with their numbers of all time.
pub(super) async fn rows(
    app: &App,
    ask: &Ask,
    org: &str,
    items: &[IssueFacts],
    scope: &Scope,
) -> Result<Vec<Value>, ApiError> {
    let projects = projects(app).await?;
    let lifetimes = lifetimes(app, items, scope).await?;
    let row = |facts: &IssueFacts| {
        let project = projects.get(&facts.issue.project)?;
        let lifetime = lifetimes.get(&facts.issue.id.0).unwrap_or(facts);
        Some(issue_view::issue(facts, lifetime, project, ask.base(), org))
    };
    Ok(items.iter().filter_map(row).collect())
}

/// All projects by slug.
pub(super) async fn projects(app: &App) -> Result<HashMap<String, Project>, ApiError> {
    let all = app.host.projects(&Scope::default()).await?;
    Ok(all.into_iter().map(|project| (project.slug.clone(), project)).collect())
}

/// The numbers of all time, where the scope has a beginning or an environment.
async fn lifetimes(app: &App, items: &[IssueFacts], scope: &Scope) -> Result<HashMap<i64, IssueFacts>, ApiError> {
    if items.is_empty() || (scope.start.is_none() && scope.environment.is_none()) {
        return Ok(HashMap::new());
    }
    let values = items.iter().map(|facts| facts.issue.short_id.as_str().into()).collect();
    let only = Term { negated: false, test: Test::Field { field: Field::Issue, op: Op::Is, values } };
    let scope = Scope { start: None, environment: None, ..scope.clone() };
    let query = IssueQuery { scope, filter: vec![only], limit: items.len(), ..IssueQuery::default() };
    let page = app.host.issues(&query).await?;
    Ok(page.items.into_iter().map(|facts| (facts.issue.id.0, facts)).collect())
}

/// `PUT projects/ORG/PROJECT/issues/?id=N` and `PUT organizations/ORG/issues/?id=N`: one decision for several.
pub(super) async fn decide_many(
    Scoped(app): Scoped,
    ask: Ask,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let decision = decide::read(&app, &headers, body).await?;
    let named: Vec<&str> = ask.all("id").collect();
    if named.is_empty() {
        return Err(ApiError::bad("no issue is named: say ?id=N"));
    }
    for name in named {
        decide::carry_out(&app, IssueRef::Named(name.into()), &decision).await?;
    }
    Ok(Json(json!({ "status": decision.word(), "statusDetails": {} })))
}
