//! The page for people: the answers that agents get, as HTML made here, kept current by server-sent events.
//! Nothing on it comes from elsewhere, and no text of an event is markup.

mod breakage;
mod chart;
mod facts;
mod fix;
mod frame;
mod issue;
mod live;
mod login;
mod stack;

use axum::{
    Extension, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use crate::{
    guard::Guard,
    mcp::{Allowed, Server},
    page::{
        self,
        html::{Said, html},
    },
    store::Scope,
    tools::{self, Rendered},
    verify::Bucket,
};

/// What the page of one issue is made of.
struct Issue<'a> {
    /// `diagnose_issue`.
    diagnosis: &'a Value,
    /// `affected_users`.
    affected: &'a Value,
    /// `get_event` of the event that shows it best.
    event: &'a Value,
    /// `list_releases`.
    releases: &'a Value,
    /// `verify_fix_since_release`, where it was asked for, and its rates by time.
    fix: Option<(&'a Value, &'a [Bucket])>,
    /// The release that was asked for.
    asked: &'a str,
}

/// The page is no model: it takes all that a tool gives.
const ALL: u64 = 60_000;
/// Issues of one list.
const ISSUES: u64 = 50;
/// Older issues beside it.
const OLDER: u64 = 20;
/// Releases to choose from.
const RELEASES: u64 = 30;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/issue/{id}", get(one))
        .route("/replay/{id}", get(replay))
        .route("/live", get(live::open))
        .route("/login", post(login::enter))
        .route("/logout", post(login::leave))
        .route("/assets/style.css", get(frame::style))
        .route("/assets/live.js", get(frame::live_script))
}

/// What is shown in place of a page to whoever has to log in first.
pub(super) fn login_form() -> Response {
    login::form("")
}

/// What may be asked of the list.
#[derive(Deserialize)]
struct List {
    /// A release; the newest without.
    since: Option<String>,
    /// Slug of a project; all without.
    project: Option<String>,
}

/// Calls a tool as the person may.
async fn asked(server: &Server, tool: &str, mut arguments: Value, project: Option<&str>) -> Rendered {
    arguments["max_tokens"] = ALL.into();
    if let Some(project) = project {
        arguments["project"] = project.into();
    }
    server.ask(tool, arguments).await
}

async fn home(
    State(app): State<App>,
    Extension(allowed): Extension<Allowed>,
    headers: HeaderMap,
    Query(list): Query<List>,
) -> Response {
    let server = app.server.allowed(&allowed);
    let entered = frame::entered(&headers, (app.now)());
    let project = list.project.as_deref().filter(|project| !project.is_empty());
    let named = list.since.as_deref().filter(|since| !since.is_empty());
    let since = named.unwrap_or("latest");
    let (broke, older, releases, projects) = tokio::join!(
        asked(&server, "list_issues", json!({ "since_release": since, "limit": ISSUES }), project),
        asked(
            &server,
            "list_issues",
            json!({ "since_release": since, "change": ["ongoing"], "limit": OLDER }),
            project
        ),
        asked(&server, "list_releases", json!({ "limit": RELEASES }), project),
        asked(&server, "list_projects", json!({}), None),
    );
    // Without any release there is nothing to be newer than: then all of it is shown.
    let without = match broke.is_error && named.is_none() {
        true => Some(asked(&server, "list_issues", json!({ "limit": ISSUES }), project).await),
        false => None,
    };
    let broke = without.unwrap_or(broke);
    if broke.is_error {
        return failure(&broke.data, entered);
    }
    let shown = breakage::Breakage {
        broke: &broke.data,
        older: (!older.is_error).then_some(&older.data),
        releases: &releases.data,
        projects: &projects.data,
        project,
    };
    frame::page(StatusCode::OK, &html!("What broke · prodsignal"), &breakage::body(&shown), entered)
}

/// What may be asked of the page of an issue.
#[derive(Deserialize)]
struct Asked {
    /// The release that has a fix.
    release: Option<String>,
}

async fn one(
    State(app): State<App>,
    Extension(allowed): Extension<Allowed>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<Asked>,
) -> Response {
    let server = app.server.allowed(&allowed);
    let entered = frame::entered(&headers, (app.now)());
    let release = query.release.as_deref().map(str::trim).unwrap_or_default();
    let (diagnosis, affected, event, releases, fix) = tokio::join!(
        asked(&server, "diagnose_issue", json!({ "issue": id }), None),
        asked(&server, "affected_users", json!({ "issue": id }), None),
        asked(&server, "get_event", json!({ "issue": id, "include": ["exception"] }), None),
        asked(&server, "list_releases", json!({ "limit": RELEASES }), None),
        verified(&server, &id, release),
    );
    if diagnosis.is_error {
        return failure(&diagnosis.data, entered);
    }
    let body = issue::body(&Issue {
        diagnosis: &diagnosis.data,
        affected: &affected.data,
        event: &event.data,
        releases: &releases.data,
        fix: fix.as_ref().map(|(answer, buckets)| (&answer.data, buckets.as_slice())),
        asked: release,
    });
    let name = Said(diagnosis.data["issue"].as_str().unwrap_or_default());
    frame::page(StatusCode::OK, &html!(name, " · prodsignal"), &body, entered)
}

/// Whether a fix holds, and the rates behind that; nothing where no release was named.
async fn verified(server: &Server, issue: &str, release: &str) -> Option<(Rendered, Vec<Bucket>)> {
    if release.is_empty() {
        return None;
    }
    let question = json!({ "issue": issue, "release": release });
    let answer = asked(server, "verify_fix_since_release", question.clone(), None).await;
    let buckets = match server.signal().await {
        Ok(ctx) if !answer.is_error => tools::fix_over_time(&ctx, question).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    Some((answer, buckets))
}

/// A replay as one page.
async fn replay(
    State(app): State<App>,
    Extension(allowed): Extension<Allowed>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let entered = frame::entered(&headers, (app.now)());
    let server = app.server.allowed(&allowed);
    let gone = || frame::sorry(StatusCode::NOT_FOUND, "there is no replay of that id", entered);
    let (Some(id), Ok(ctx)) = (tools::id_in(&id), server.signal().await) else { return gone() };
    let Ok(loaded) = tools::load_replay(&*ctx.store, &Scope::default(), id).await else { return gone() };
    let written = tokio::task::spawn_blocking(move || page::write(&loaded.replay, None, &mut Guard::new()));
    match written.await {
        Ok(text) => frame::with_headers(StatusCode::OK, &(page::policy() + "; frame-ancestors 'none'"), text),
        Err(_) => frame::sorry(StatusCode::SERVICE_UNAVAILABLE, "the replay could not be drawn", entered),
    }
}

fn failure(data: &Value, entered: bool) -> Response {
    let status = match data["error"]["kind"].as_str() {
        Some("not_found") => StatusCode::NOT_FOUND,
        Some("invalid_input") => StatusCode::BAD_REQUEST,
        Some("unauthorized" | "forbidden") => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    frame::sorry(status, data["error"]["message"].as_str().unwrap_or("no answer"), entered)
}
