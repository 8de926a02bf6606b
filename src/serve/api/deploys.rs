//! Deploys of releases.

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
    fault::ApiError,
    json_body,
    page::Listed,
    shapes::{is_version, maybe, moment, some},
};
use crate::{
    model::Timestamp,
    serve::gate::Scoped,
    store::{DeployRecord, KnownDeploy},
};

/// Bytes of what is said of a deploy.
const MOST: usize = 64 << 10;

/// A deploy in Sentry's shape.
pub(super) fn shape(deploy: &KnownDeploy) -> Value {
    json!({
        "id": deploy.id.to_string(),
        "environment": deploy.environment.as_ref().map_or("", |name| name.raw()),
        "name": deploy.name.as_ref().map_or("", |name| name.raw()),
        "url": some(&deploy.url),
        "dateStarted": maybe(deploy.started),
        "dateFinished": moment(deploy.finished),
    })
}

/// `GET organizations/ORG/releases/VERSION/deploys/`.
pub(super) async fn list(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let scope = ask.scope(&app, None).await?;
    let deploys = app.host.deploys(&scope, &version.as_str().into()).await?;
    Listed::of_all(&ask, deploys.iter().map(shape).collect())
}

/// What is said of a deploy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    environment: Option<String>,
    name: Option<String>,
    url: Option<String>,
    date_started: Option<String>,
    date_finished: Option<String>,
    #[serde(default)]
    projects: Option<Vec<String>>,
}

/// `POST organizations/ORG/releases/VERSION/deploys/`.
pub(super) async fn create(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let said: Said = json_body(&app, &headers, body, MOST).await?;
    let environment = said.environment.filter(|name| !name.trim().is_empty() && name.len() <= 64);
    let environment = environment.ok_or_else(|| ApiError::bad("environment: This field is required."))?;
    if !is_version(&version) {
        return Err(ApiError::missing());
    }
    let now = (app.now)();
    let time = |text: Option<String>| -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        // A sender's clock that is ahead would hide the deploy until then: it was made by now.
        read_moment(&text).map(|at| Some(at.min(now))).ok_or_else(|| ApiError::bad("dates are ISO 8601"))
    };
    let record = DeployRecord {
        version: version.as_str().into(),
        projects: said.projects.unwrap_or_default(),
        environment: environment.as_str().into(),
        name: said.name.map(|name| app.scrubber.plain(&name).into()),
        url: said.url.map(|url| app.scrubber.plain(&url).into()),
        started: time(said.date_started)?,
        finished: time(said.date_finished)?.unwrap_or(now),
    };
    let deploy = app.host.deploy(record).await?;
    Ok((StatusCode::CREATED, Json(shape(&deploy))))
}
