//! Events of an issue or of a project.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use super::{ask::Ask, event_view, fault::ApiError, issue, issues, page::Listed};
use crate::{
    model::EventId,
    serve::{App, gate::Scoped},
    store::{EventFacts, EventQuery, IssueRef, Pick, Scope, SearchQuery, Term},
};

/// `GET organizations/ORG/issues/ISSUE/events/EVENT/`.
pub(super) async fn of_issue(
    Scoped(app): Scoped,
    Path((_, issue, event)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    one_of_issue(&app, &ask, &issue, &event).await
}

/// `GET issues/ISSUE/events/EVENT/`: the same without an organization.
pub(super) async fn of_issue_alone(
    Scoped(app): Scoped,
    Path((issue, event)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    one_of_issue(&app, &ask, &issue, &event).await
}

async fn one_of_issue(app: &App, ask: &Ask, issue: &str, event: &str) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(app, None).await?;
    let named = IssueRef::Named(issue.into());
    let pick = match event {
        "latest" => Pick::Latest(named),
        "oldest" => Pick::Oldest(named),
        "recommended" | "helpful" => Pick::Recommended(named),
        id => Pick::Id(id.parse().map_err(|_| ApiError::bad("Event IDs are 32 hex digits"))?),
    };
    let by_id = matches!(pick, Pick::Id(_));
    let found = app.host.event(&EventQuery { scope: scope.clone(), pick, release: None, extras: false }).await?;
    if by_id && app.host.issue(&IssueRef::Named(issue.into()), &scope).await?.issue.id != found.issue.id {
        return Err(ApiError::missing());
    }
    shown(app, &found).await
}

async fn shown(app: &App, found: &EventFacts) -> Result<Json<Value>, ApiError> {
    let projects = issues::projects(app).await?;
    let project = projects.get(&found.project).ok_or_else(ApiError::missing)?;
    Ok(Json(event_view::event(found, project)))
}

/// `GET projects/ORG/PROJECT/events/EVENT/`.
pub(super) async fn of_project(
    Scoped(app): Scoped,
    Path((_, project, event)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let found = by_id(&app, &ask, &project, &event, false).await?;
    shown(&app, &found).await
}

async fn by_id(app: &App, ask: &Ask, project: &str, event: &str, extras: bool) -> Result<EventFacts, ApiError> {
    let id: EventId = event.parse().map_err(|_| ApiError::bad("Event IDs are 32 hex digits"))?;
    let scope = ask.scope(app, Some(project)).await?;
    Ok(app.host.event(&EventQuery { scope, pick: Pick::Id(id), release: None, extras }).await?)
}

/// `GET projects/ORG/PROJECT/events/EVENT/attachments/`.
pub(super) async fn attachments(
    Scoped(app): Scoped,
    Path((_, project, event)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let found = by_id(&app, &ask, &project, &event, true).await?;
    let row = |(at, file): (usize, &crate::store::AttachmentInfo)| {
        json!({
            "id": (at + 1).to_string(),
            "event_id": found.event.id.to_string(),
            "name": file.filename.as_ref().map_or("", |name| name.raw()),
            "mimetype": file.content_type.as_ref().map_or("application/octet-stream", |ty| ty.raw()),
            "size": file.size_bytes,
            "type": "event.attachment",
            "headers": {},
            "sha1": null,
            "dateCreated": super::shapes::moment(found.received),
        })
    };
    Ok(Json(found.attachments.iter().enumerate().map(row).collect()))
}

/// `GET organizations/ORG/issues/ISSUE/events/`: newest first.
pub(super) async fn list_of_issue(
    Scoped(app): Scoped,
    Path((_, issue)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let (facts, scope) = issue::meant(&app, &ask, &issue).await?;
    let mut filter = ask.search(&app, ask.one("query").unwrap_or("")).await?;
    filter.push(issue::of_issue(&facts.issue.short_id));
    listed(&app, &ask, scope, filter).await
}

/// `GET projects/ORG/PROJECT/events/`: newest first.
pub(super) async fn list_of_project(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let scope = ask.scope(&app, Some(&project)).await?;
    let filter = ask.search(&app, ask.one("query").unwrap_or("")).await?;
    listed(&app, &ask, scope, filter).await
}

async fn listed(app: &App, ask: &Ask, scope: Scope, filter: Vec<Term>) -> Result<Listed, ApiError> {
    let (skip, limit) = (ask.skip()?, ask.limit()?);
    let whole = matches!(ask.one("full"), Some("true" | "1"));
    let query = SearchQuery { scope, filter, limit, skip, ..SearchQuery::default() };
    let page = app.host.search(&query).await?;
    let projects = issues::projects(app).await?;
    let mut rows = Vec::new();
    let ids: Vec<EventId> = page.items.iter().filter_map(|row| row.event).collect();
    for found in app.host.events(&ids, &query.scope).await? {
        let Some(project) = projects.get(&found.project) else { continue };
        rows.push(if whole { event_view::event(&found, project) } else { event_view::short(&found, project) });
    }
    Listed::new(ask, rows.into(), page.more, page.total)
}
