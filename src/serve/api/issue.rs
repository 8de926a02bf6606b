//! One issue: its details, its tags, what is decided about it, and what other names mean.

use axum::{
    Json,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ask::Ask,
    decide, event_view,
    fault::ApiError,
    issues, json_body,
    shapes::{maybe, moment},
};
use crate::{
    model::{EventId, Untrusted},
    serve::{App, gate::Scoped},
    store::{
        AffectedQuery, Aggregate, Baseline, EventQuery, Field, Grouper, IssueFacts, IssueRef, IssueUpdate, Op, Pick,
        Scope, SearchQuery, Term, Test, Value as Cell,
    },
};

/// Values of a tag that are shown.
const VALUES: usize = 100;

/// The issue of that number, short id or address, within what is asked.
pub(super) async fn meant(app: &App, ask: &Ask, issue: &str) -> Result<(IssueFacts, Scope), ApiError> {
    let scope = ask.scope(app, None).await?;
    Ok((app.host.issue(&IssueRef::Named(issue.into()), &scope).await?, scope))
}

/// `GET organizations/ORG/issues/ISSUE/`.
pub(super) async fn details(
    Scoped(app): Scoped,
    Path((org, issue)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let (facts, scope) = meant(&app, &ask, &issue).await?;
    Ok(Json(detailed(&app, &ask, &org, &facts, &scope).await?))
}

/// `GET issues/ISSUE/`: the same without an organization.
pub(super) async fn details_alone(
    Scoped(app): Scoped,
    Path(issue): Path<String>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let (facts, scope) = meant(&app, &ask, &issue).await?;
    Ok(Json(detailed(&app, &ask, "prodsignal", &facts, &scope).await?))
}

async fn detailed(app: &App, ask: &Ask, org: &str, facts: &IssueFacts, scope: &Scope) -> Result<Value, ApiError> {
    let mut row = issues::rows(app, ask, org, std::slice::from_ref(facts), scope).await?.pop().unwrap_or_default();
    let tags = tags_of(app, facts, scope).await?;
    let release = |name: &Option<Untrusted>| name.as_ref().map(|name| event_view::release(name.raw()));
    let mut activity = vec![
        json!({ "id": "0", "type": "first_seen", "user": null, "data": {}, "dateCreated": maybe(facts.first_seen) }),
    ];
    if let Some(resolution) = &facts.issue.resolution {
        let (ty, data) = match &resolution.in_release {
            Some(release) => ("set_resolved_in_release", json!({ "version": release.raw() })),
            None => ("set_resolved", json!({})),
        };
        activity.insert(
            0,
            json!({ "id": "1", "type": ty, "user": null, "data": data, "dateCreated": moment(resolution.at) }),
        );
    }
    let more = json!({
        "firstRelease": release(&facts.first_release),
        "lastRelease": release(&facts.last_release),
        "tags": tags,
        "activity": activity,
        "seenBy": [],
        "participants": [],
        "userReportCount": 0,
        "pluginActions": [],
        "pluginIssues": [],
        "pluginContexts": [],
    });
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        // Only lists have these, or have them in another shape.
        ["inbox", "owners", "derivedData", "lifetime", "filtered", "sessionCount", "stats"].iter().for_each(|key| {
            row.remove(*key);
        });
        row.extend(more);
    }
    Ok(row)
}

/// The tags that events of an issue have, with how many events have each.
async fn tags_of(app: &App, facts: &IssueFacts, scope: &Scope) -> Result<Vec<Value>, ApiError> {
    let query = AffectedQuery {
        scope: scope.clone(),
        issue: Some(IssueRef::Named(facts.issue.short_id.as_str().into())),
        since: None,
        by: Vec::new(),
        baseline: Baseline::default(),
        shared_by: 0,
        buckets: 1,
        sample: 0,
    };
    let affected = app.host.affected(&query).await?;
    let tag = |(key, values): &(Untrusted, Vec<crate::store::TagShare>)| {
        let total: u64 = values.iter().map(|value| value.events).sum();
        json!({ "key": key.raw(), "name": key.raw(), "totalValues": total, "uniqueValues": values.len() })
    };
    Ok(affected.breakdown.iter().map(tag).collect())
}

/// `GET organizations/ORG/issues/ISSUE/tags/`.
pub(super) async fn tags(
    Scoped(app): Scoped,
    Path((_, issue)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let (facts, scope) = meant(&app, &ask, &issue).await?;
    Ok(Json(tags_of(&app, &facts, &scope).await?.into()))
}

/// `GET organizations/ORG/issues/ISSUE/tags/KEY/`.
pub(super) async fn tag(
    Scoped(app): Scoped,
    Path((_, issue, key)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let (facts, scope) = meant(&app, &ask, &issue).await?;
    let field = Field::parse(&key).ok_or_else(ApiError::missing)?;
    let query = SearchQuery {
        scope,
        filter: vec![of_issue(&facts.issue.short_id), Term { negated: false, test: Test::Has(field.clone()) }],
        group_by: vec![Grouper::Field(field)],
        aggregate: vec![Aggregate::Count, Aggregate::FirstSeen, Aggregate::LastSeen],
        limit: VALUES,
        ..SearchQuery::default()
    };
    let page = app.host.search(&query).await?;
    let mut total = 0;
    let mut values = Vec::new();
    for row in &page.items {
        let [value, Cell::Count(count), Cell::Time(first), Cell::Time(last)] = row.values.as_slice() else { continue };
        total += count;
        let value = super::discover::cell(value);
        values.push(json!({
            "key": key, "name": value, "value": value, "count": count, "query": null,
            "firstSeen": moment(*first), "lastSeen": moment(*last),
        }));
    }
    if values.is_empty() {
        return Err(ApiError::missing());
    }
    let unique = if page.more { page.total } else { Some(values.len() as u64) };
    Ok(Json(json!({ "key": key, "name": key, "uniqueValues": unique, "totalValues": total, "topValues": values })))
}

/// The condition that an event is of an issue.
pub(super) fn of_issue(short_id: &str) -> Term {
    let values = vec![short_id.into()];
    Term { negated: false, test: Test::Field { field: Field::Issue, op: Op::Is, values } }
}

/// `PUT organizations/ORG/issues/ISSUE/`.
pub(super) async fn decide_one(
    Scoped(app): Scoped,
    Path((org, issue)): Path<(String, String)>,
    ask: Ask,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let decision = decide::read(&app, &headers, body).await?;
    decide::carry_out(&app, IssueRef::Named(issue.as_str().into()), &decision).await?;
    let (facts, scope) = meant(&app, &ask, &issue).await?;
    Ok(Json(detailed(&app, &ask, &org, &facts, &scope).await?))
}

/// A note.
#[derive(Deserialize)]
pub(super) struct Note {
    text: String,
}

/// `POST organizations/ORG/issues/ISSUE/notes/`.
pub(super) async fn note(
    Scoped(app): Scoped,
    Path((_, issue)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let note: Note = json_body(&app, &headers, body, 64 << 10).await?;
    let (now, issue) = ((app.now)(), IssueRef::Named(issue.as_str().into()));
    let scope = Scope { end: Some(now), ..Scope::default() };
    let comment = Some(note.text.as_str().into());
    app.host.update_issue(&IssueUpdate { issue, scope, status: None, assignee: None, comment, now }).await?;
    let said = json!({ "id": "0", "type": "note", "data": { "text": note.text }, "dateCreated": moment(now) });
    Ok((StatusCode::CREATED, Json(said)))
}

/// `GET organizations/ORG/shortids/SHORT/`.
pub(super) async fn short_id(
    Scoped(app): Scoped,
    Path((org, short)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let (facts, scope) = meant(&app, &ask, &short).await?;
    let group = detailed(&app, &ask, &org, &facts, &scope).await?;
    Ok(Json(json!({
        "organizationSlug": org,
        "projectSlug": facts.issue.project,
        "groupId": facts.issue.id.to_string(),
        "group": group,
        "shortId": facts.issue.short_id,
    })))
}

/// `GET organizations/ORG/eventids/EVENT/`.
pub(super) async fn event_id(
    Scoped(app): Scoped,
    Path((org, event)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let id: EventId = event.parse().map_err(|_| ApiError::bad("Event IDs are 32 hex digits"))?;
    let scope = ask.scope(&app, None).await?;
    let found = app.host.event(&EventQuery { scope, pick: Pick::Id(id), release: None, extras: false }).await?;
    let projects = issues::projects(&app).await?;
    let project = projects.get(&found.project).ok_or_else(ApiError::missing)?;
    Ok(Json(json!({
        "organizationSlug": org,
        "projectSlug": found.project,
        "groupId": found.issue.id.to_string(),
        "eventId": found.event.id.to_string(),
        "event": event_view::event(&found, project),
    })))
}
