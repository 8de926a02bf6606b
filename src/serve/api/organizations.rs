//! The one organization, under whatever name it is asked for; who asks; projects and environments.

use axum::{Json, extract::Path};
use serde_json::{Value, json};

use super::{
    ask::{Ask, found},
    fault::ApiError,
    page::Listed,
    shapes::{maybe, moment, some},
};
use crate::{
    model::Timestamp,
    serve::{App, gate::Scoped},
    store::{ProjectDetails, Scope},
};

/// What a caller may do here; there are no lesser rights.
const ACCESS: [&str; 8] = [
    "org:read",
    "org:ci",
    "project:read",
    "project:write",
    "project:releases",
    "event:read",
    "event:write",
    "member:read",
];

/// `GET /api/0/`.
pub(super) async fn root() -> Json<Value> {
    let user = json!({ "id": "1", "email": "local@localhost", "username": "local", "name": "local" });
    Json(json!({ "version": "0", "auth": { "scopes": ACCESS }, "user": user }))
}

/// `GET users/me/` and `GET auth/`.
pub(super) async fn me() -> Json<Value> {
    Json(json!({ "id": "1", "name": "local", "username": "local", "email": "local@localhost", "isActive": true }))
}

fn organization(slug: &str, base: &str) -> Value {
    json!({
        "id": "1",
        "slug": slug,
        "name": slug,
        "status": { "id": "active", "name": "active" },
        "dateCreated": moment(Timestamp::UNIX_EPOCH),
        "isEarlyAdopter": false,
        "require2FA": false,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null, "avatarUrl": null },
        "links": { "organizationUrl": base, "regionUrl": base },
        "features": ["discover-basic", "releases", "session-replay"],
        "access": ACCESS,
        "extraOptions": {},
        "onboardingTasks": [],
        "hasAuthProvider": false,
        "allowMemberInvite": false,
        "allowMemberProjectCreation": false,
        "allowSuperuserAccess": false,
    })
}

/// `GET organizations/`.
pub(super) async fn list(ask: Ask) -> Result<Listed, ApiError> {
    let all = vec![organization("prodsignal", ask.base())];
    Listed::of_all(&ask, all)
}

/// `GET organizations/ORG/`.
pub(super) async fn one(Path(org): Path<String>, ask: Ask) -> Json<Value> {
    Json(organization(&org, ask.base()))
}

/// `GET users/me/regions/`: this is the one.
pub(super) async fn regions(ask: Ask) -> Json<Value> {
    Json(json!({ "regions": [{ "name": "local", "url": ask.base() }] }))
}

/// `GET organizations/ORG/projects/`.
pub(super) async fn projects(Scoped(app): Scoped, ask: Ask) -> Result<Listed, ApiError> {
    let word = ask.one("query").map(|query| query.trim_start_matches("slug:").to_ascii_lowercase());
    let mut all = app.host.project_details(&Scope { end: Some((app.now)()), ..Scope::default() }).await?;
    all.retain(|details| word.as_ref().is_none_or(|word| details.project.slug.contains(word.as_str())));
    Listed::of_all(&ask, all.iter().map(project_row).collect())
}

/// `GET projects/ORG/PROJECT/`.
pub(super) async fn project(
    Scoped(app): Scoped,
    Path((org, project)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let found = found(&app, &project).await?;
    let scope = Scope { project: Some(found.slug.into()), end: Some((app.now)()), ..Scope::default() };
    let details = app.host.project_details(&scope).await?;
    let mut row = project_row(details.first().ok_or_else(ApiError::missing)?);
    row["organization"] = organization(&org, ask.base());
    Ok(Json(row))
}

fn project_row(details: &ProjectDetails) -> Value {
    let ProjectDetails { project, first_event, latest_release, .. } = details;
    let first = first_event.or(project.last_event);
    let mut row = json!({
        "id": project.id.to_string(),
        "slug": project.slug,
        "name": project.name.raw(),
        "platform": some(&project.platform),
        "dateCreated": moment(first.unwrap_or(Timestamp::UNIX_EPOCH)),
        "firstEvent": maybe(first),
        "lastEvent": maybe(project.last_event),
        "hasReplays": details.has_replays,
        "hasSessions": details.has_sessions,
        "latestRelease": latest_release.as_ref().map(|version| json!({ "version": version.raw() })),
        "environments": details.environments.iter().map(|name| name.raw()).collect::<Vec<_>>(),
        "features": ["releases"],
        "access": ACCESS,
        "hasAccess": true,
        "isMember": true,
        "isBookmarked": false,
        "team": null,
        "teams": [],
        "platforms": project.platform.iter().map(|name| name.raw()).collect::<Vec<_>>(),
        "options": {},
        "status": "active",
    });
    for flag in NOT_KEPT {
        row[flag] = false.into();
    }
    row
}

/// What projects of Sentry may have beside that, and these have not.
const NOT_KEPT: [&str; 22] = [
    "firstTransactionEvent",
    "hasFeedbacks",
    "hasFlags",
    "hasMinifiedStackTrace",
    "hasMonitors",
    "hasNewFeedbacks",
    "hasProfiles",
    "hasInsightsHttp",
    "hasInsightsDb",
    "hasInsightsAssets",
    "hasInsightsAppStart",
    "hasInsightsScreenLoad",
    "hasInsightsVitals",
    "hasInsightsCaches",
    "hasInsightsQueues",
    "hasInsightsAgentMonitoring",
    "hasInsightsMCP",
    "hasLogs",
    "hasTraceMetrics",
    "hasUserReports",
    "isInternal",
    "isPublic",
];

/// `GET organizations/ORG/environments/`.
pub(super) async fn environments(Scoped(app): Scoped, ask: Ask) -> Result<Json<Value>, ApiError> {
    environments_of(&app, &ask, None).await
}

/// `GET projects/ORG/PROJECT/environments/`.
pub(super) async fn project_environments(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    environments_of(&app, &ask, Some(&project)).await
}

async fn environments_of(app: &App, ask: &Ask, project: Option<&str>) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(app, project).await?;
    let names = app.host.environments(&scope).await?;
    let row = |(at, name): (usize, &crate::model::Untrusted)| json!({ "id": (at + 1).to_string(), "name": name.raw(), "isHidden": false });
    Ok(Json(names.iter().enumerate().map(row).collect()))
}

/// `GET organizations/ORG/repos/` and `…/teams/`: none are kept.
pub(super) async fn nothing(ask: Ask) -> Result<Listed, ApiError> {
    Listed::of_all(&ask, Vec::new())
}
