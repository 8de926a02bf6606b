//! Releases: lists, details, and what is said of them.

use std::collections::HashMap;

use axum::{
    Json,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ask::{Ask, read_moment},
    commits, deploys,
    fault::ApiError,
    issues, json_body,
    page::Listed,
    shapes::{is_version, maybe, moment, some, version_info},
};
use crate::{
    model::{Project, Timestamp},
    release::split_name,
    serve::{App, gate::Scoped},
    store::{Announced, Announcement, ReleaseFacts, ReleaseQuery, Scope},
};

/// Bytes of what is said of a release: many commits with many files.
const MOST: usize = 8 << 20;

/// `GET organizations/ORG/releases/`.
pub(super) async fn list(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Listed, ApiError> {
    listed(&app, &ask, None).await
}

/// `GET projects/ORG/PROJECT/releases/`.
pub(super) async fn of_project(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    listed(&app, &ask, Some(&project)).await
}

/// Those with signal in release order; among them, by time, those that were announced alone.
async fn listed(app: &App, ask: &Ask, project: Option<&str>) -> Result<Listed, ApiError> {
    let scope = ask.scope(app, project).await?;
    let word = ask.one("query").unwrap_or("").to_ascii_lowercase();
    let mut active =
        app.host.releases(&ReleaseQuery { scope: scope.clone(), counts: true, ..Default::default() }).await?;
    let mut announced = app.host.announced(&scope, None).await?;
    active.retain(|release| release.release.version.raw().to_ascii_lowercase().contains(&word));
    announced.retain(|release| release.version.raw().to_ascii_lowercase().contains(&word));
    let projects = issues::projects(app).await?;
    let by_version: HashMap<&str, &Announced> = announced.iter().map(|a| (a.version.raw(), a)).collect();
    let mut rows = Vec::new();
    for release in announced.iter().filter(|a| !active.iter().any(|r| r.release.version == a.version)) {
        // A release of another project or time has signal, and is not meant.
        if scope.start.is_none_or(|start| release.created >= start) && said_something(release) {
            rows.push(shape(release, None, &projects));
        }
    }
    for release in &active {
        let announced = by_version.get(release.release.version.raw());
        rows.extend(announced.map(|announced| shape(announced, Some(release), &projects)));
    }
    Listed::of_all(ask, rows)
}

/// Whether somebody announced it: it is not only known from signal outside the scope.
fn said_something(release: &Announced) -> bool {
    release.released.is_some() || release.commits > 0 || release.deploys > 0 || release.announced
}

/// `GET organizations/ORG/releases/VERSION/`.
pub(super) async fn details(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(&app, None).await?;
    Ok(Json(one(&app, &scope, &version).await?))
}

/// `GET projects/ORG/PROJECT/releases/VERSION/`.
pub(super) async fn details_of_project(
    Scoped(app): Scoped,
    Path((_, project, version)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(&app, Some(&project)).await?;
    Ok(Json(one(&app, &scope, &version).await?))
}

/// `GET organizations/ORG/releases/VERSION/previous-with-commits/`: the newest release before with commits.
pub(super) async fn previous(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(&app, None).await?;
    let known = app.host.announced(&scope, None).await?;
    let own = known.iter().find(|release| release.version.raw() == version).ok_or_else(ApiError::missing)?;
    let before = known.iter().filter(|release| {
        release.version != own.version
            && release.created <= own.created
            && release.commits > 0
            && release.projects.iter().any(|project| own.projects.contains(project))
    });
    match before.max_by_key(|release| release.created) {
        None => Ok(Json(json!({}))),
        Some(release) => Ok(Json(one(&app, &scope, release.version.raw()).await?)),
    }
}

/// One release in Sentry's shape.
async fn one(app: &App, scope: &Scope, version: &str) -> Result<Value, ApiError> {
    let announced = app.host.announced(scope, Some(&version.into())).await?;
    let announced = announced.first().ok_or_else(ApiError::missing)?;
    let query = ReleaseQuery { scope: scope.clone(), counts: true, ..Default::default() };
    let active = app.host.releases(&query).await?;
    let active = active.iter().find(|release| release.release.version.raw() == version);
    Ok(shape(announced, active, &issues::projects(app).await?))
}

/// A release in Sentry's shape.
fn shape(said: &Announced, seen: Option<&ReleaseFacts>, projects: &HashMap<String, Project>) -> Value {
    let version = said.version.raw();
    let new_issues = seen.map_or(0, |seen| seen.new_issues);
    let project = |slug: &String| {
        let project = projects.get(slug)?;
        Some(json!({
            "id": project.id, "slug": slug, "name": project.name.raw(), "platform": some(&project.platform),
            "platforms": project.platform.iter().map(|name| name.raw()).collect::<Vec<_>>(),
            "newGroups": new_issues, "hasHealthData": seen.is_some_and(|seen| seen.sessions.total > 0),
        }))
    };
    let projects: Vec<Value> = said.projects.iter().filter_map(project).collect();
    // What signal tells of the beginning goes before what was said.
    let created = seen.map_or(said.created, |seen| seen.release.first_seen);
    json!({
        "id": said.id,
        "version": version,
        "shortVersion": split_name(version).1,
        "versionInfo": version_info(version),
        "status": "open",
        "ref": some(&said.reference),
        "url": some(&said.url),
        "dateCreated": moment(created),
        "dateStarted": moment(said.created),
        "dateReleased": maybe(said.released),
        "firstEvent": maybe(seen.map(|seen| seen.release.first_seen)),
        "lastEvent": maybe(seen.map(|seen| seen.release.last_seen)),
        "newGroups": new_issues,
        "data": {},
        "owner": null,
        "authors": [],
        "commitCount": said.commits,
        "lastCommit": said.last_commit.as_ref().map(|commit| commits::shape(commit, version)),
        "deployCount": said.deploys,
        "lastDeploy": said.last_deploy.as_ref().map(deploys::shape),
        "projects": projects,
        "userAgent": null,
        "currentProjectMeta": {},
        "adoptionStages": {},
    })
}

/// What is said of a release.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    version: Option<String>,
    #[serde(default)]
    projects: Vec<String>,
    date_started: Option<String>,
    date_released: Option<String>,
    url: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    commits: Option<Vec<Value>>,
}

/// `POST organizations/ORG/releases/`.
pub(super) async fn create(
    Scoped(app): Scoped,
    Path(_): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let said: Said = json_body(&app, &headers, body, MOST).await?;
    if said.projects.is_empty() {
        return Err(ApiError::bad("projects: This list may not be empty."));
    }
    Ok((StatusCode::CREATED, Json(announce(&app, said, None).await?)))
}

/// `POST projects/ORG/PROJECT/releases/`.
pub(super) async fn create_in_project(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let said: Said = json_body(&app, &headers, body, MOST).await?;
    let said = Said { projects: vec![project], ..said };
    Ok((StatusCode::CREATED, Json(announce(&app, said, None).await?)))
}

/// `PUT organizations/ORG/releases/VERSION/`.
pub(super) async fn change(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let said: Said = json_body(&app, &headers, body, MOST).await?;
    Ok(Json(announce(&app, said, Some(version)).await?))
}

/// `PUT projects/ORG/PROJECT/releases/VERSION/`.
pub(super) async fn change_in_project(
    Scoped(app): Scoped,
    Path((_, project, version)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let said: Said = json_body(&app, &headers, body, MOST).await?;
    Ok(Json(announce(&app, Said { projects: vec![project], ..said }, Some(version)).await?))
}

async fn announce(app: &App, said: Said, version: Option<String>) -> Result<Value, ApiError> {
    let version = version.or(said.version).unwrap_or_default();
    if !is_version(&version) {
        return Err(ApiError::bad("version: Release with that name is not allowed"));
    }
    let now = (app.now)();
    let time = |text: &Option<String>| -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        // As with deploys, a sender's clock that is ahead doesn't hide what was done by now.
        read_moment(text).map(|at| Some(at.min(now))).ok_or_else(|| ApiError::bad("dates are ISO 8601"))
    };
    let commits = said.commits.map(|commits| commits::read(app, commits)).transpose()?;
    let announcement = Announcement {
        version: version.as_str().into(),
        projects: said.projects,
        started: time(&said.date_started)?,
        released: time(&said.date_released)?,
        url: said.url.map(|url| app.scrubber.plain(&url).into()),
        reference: said.reference.map(|reference| app.scrubber.plain(&reference).into()),
        commits,
        now,
    };
    app.host.announce(announcement).await?;
    one(app, &Scope::default(), &version).await
}
