//! The Sentry-compatible API at `/api/0/`: what `sentry-cli`, bundler plugins and readers of Sentry's Web API ask for.
//! It asks the store as tools do, and answers in Sentry's own shapes.
//! It never shows what ingestion took out: what it reads has been scrubbed.

mod ask;
mod commits;
mod debug_files;
mod decide;
mod deploys;
mod discover;
mod entries;
mod event_view;
mod events;
mod fault;
mod issue;
mod issue_view;
mod issues;
mod organizations;
mod page;
mod releases;
mod replays;
mod series;
mod sessions;
mod shapes;
mod upload;

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::HeaderMap,
    routing::{get, post},
};
use fault::ApiError;
use serde::de::DeserializeOwned;

use super::{App, body};

/// All of it; `/api/0` stands before each path.
pub(super) fn routes() -> Router<App> {
    let paths = Router::new()
        .merge(about())
        .merge(issue_paths())
        .merge(event_paths())
        .merge(release_paths())
        .merge(upload_paths())
        .fallback(fault::no_such_path)
        // Bodies are read within bounds of their own.
        .layer(DefaultBodyLimit::disable());
    // A nested path doesn't match its own root with a slash.
    Router::new().route("/api/0/", get(organizations::root)).nest("/api/0", paths)
}

fn about() -> Router<App> {
    Router::new()
        .route("/auth/", get(organizations::me))
        .route("/users/me/", get(organizations::me))
        .route("/users/me/regions/", get(organizations::regions))
        .route("/organizations/", get(organizations::list))
        .route("/organizations/{org}/", get(organizations::one))
        .route("/organizations/{org}/projects/", get(organizations::projects))
        .route("/organizations/{org}/environments/", get(organizations::environments))
        .route("/organizations/{org}/teams/", get(organizations::nothing))
        .route("/organizations/{org}/repos/", get(organizations::nothing))
        .route("/projects/{org}/{project}/", get(organizations::project))
        .route("/projects/{org}/{project}/environments/", get(organizations::project_environments))
}

fn issue_paths() -> Router<App> {
    let one = "/organizations/{org}/issues/{issue}/";
    Router::new()
        .route("/organizations/{org}/issues/", get(issues::list).put(issues::decide_many))
        .route("/projects/{org}/{project}/issues/", get(issues::of_project).put(issues::decide_many))
        .route(one, get(issue::details).put(issue::decide_one))
        .route("/issues/{issue}/", get(issue::details_alone))
        .route(&format!("{one}tags/"), get(issue::tags))
        .route(&format!("{one}tags/{{key}}/"), get(issue::tag))
        .route(&format!("{one}notes/"), post(issue::note))
        .route(&format!("{one}comments/"), post(issue::note))
        .route("/organizations/{org}/shortids/{short}/", get(issue::short_id))
        .route("/organizations/{org}/eventids/{event}/", get(issue::event_id))
}

fn event_paths() -> Router<App> {
    let replay = "/projects/{org}/{project}/replays/{replay}/recording-segments/";
    Router::new()
        .route("/organizations/{org}/issues/{issue}/events/", get(events::list_of_issue))
        .route("/organizations/{org}/issues/{issue}/events/{event}/", get(events::of_issue))
        .route("/issues/{issue}/events/{event}/", get(events::of_issue_alone))
        .route("/projects/{org}/{project}/events/", get(events::list_of_project))
        .route("/projects/{org}/{project}/events/{event}/", get(events::of_project))
        .route("/projects/{org}/{project}/events/{event}/attachments/", get(events::attachments))
        .route("/organizations/{org}/events/", get(discover::table))
        .route("/organizations/{org}/events-timeseries/", get(series::timeseries))
        .route("/organizations/{org}/events-stats/", get(series::stats))
        .route("/organizations/{org}/replays/", get(replays::list))
        .route("/organizations/{org}/replays/{replay}/", get(replays::details))
        .route("/organizations/{org}/replay-count/", get(replays::count))
        .route(replay, get(replays::segments))
        .route(&format!("{replay}{{number}}/"), get(replays::segment))
}

fn release_paths() -> Router<App> {
    let one = "/organizations/{org}/releases/{version}/";
    Router::new()
        .route("/organizations/{org}/releases/", get(releases::list).post(releases::create))
        .route("/projects/{org}/{project}/releases/", get(releases::of_project).post(releases::create_in_project))
        .route(one, get(releases::details).put(releases::change))
        .route(
            "/projects/{org}/{project}/releases/{version}/",
            get(releases::details_of_project).put(releases::change_in_project),
        )
        .route(&format!("{one}commits/"), get(commits::list))
        .route(&format!("{one}commitfiles/"), get(commits::files))
        .route(&format!("{one}previous-with-commits/"), get(releases::previous))
        .route(&format!("{one}deploys/"), get(deploys::list).post(deploys::create))
        .route("/organizations/{org}/sessions/", get(sessions::sessions))
}

fn upload_paths() -> Router<App> {
    let org = "/organizations/{org}";
    Router::new()
        .route(&format!("{org}/chunk-upload/"), get(upload::options).post(upload::chunks))
        .route("/projects/{org}/{project}/files/difs/assemble/", post(debug_files::assemble))
        .route("/projects/{org}/{project}/files/dsyms/", get(debug_files::list))
        .route("/projects/{org}/{project}/files/dsyms/unknown/", get(debug_files::unknown))
        .route(&format!("{org}/artifactbundle/assemble/"), post(upload::assemble))
        .route(&format!("{org}/releases/{{version}}/assemble/"), post(upload::assemble_release))
}

/// A body that is JSON, read within bounds.
async fn json_body<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    most: usize,
) -> Result<T, ApiError> {
    let held = body::read(headers, body, most, &app.room).await?;
    serde_json::from_slice(&held.bytes).map_err(|error| ApiError::bad(format!("JSON parse error - {error}")))
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte);
    let encoded = text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    encoded.collect()
}
