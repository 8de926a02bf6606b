//! The Sentry-compatible API at `/api/0/`: what `sentry-cli`, bundler plugins and readers of Sentry's Web API ask for.
//! It asks the store as tools do, and answers in Sentry's own shapes.
//! It never shows what ingestion took out: what it reads has been scrubbed.

mod fault;
mod guard;
mod upload;

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::HeaderMap,
    middleware,
    routing::{get, post},
};
use fault::Fault;
use serde::de::DeserializeOwned;

use super::{App, body};

/// All of it; `/api/0` stands before each path.
pub(super) fn routes(app: &App) -> Router<App> {
    let org = "/organizations/{org}";
    let paths = Router::new()
        .route(&format!("{org}/chunk-upload/"), get(upload::options).post(upload::chunks))
        .route(&format!("{org}/artifactbundle/assemble/"), post(upload::assemble))
        .route(&format!("{org}/releases/{{version}}/assemble/"), post(upload::assemble_release))
        .fallback(fault::no_such_path)
        // Bodies are read within bounds of their own.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard));
    Router::new().nest("/api/0", paths)
}

/// A body that is JSON, read within bounds.
async fn json_body<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body, most: usize) -> Result<T, Fault> {
    let held = body::read(headers, body, most, &app.room).await?;
    serde_json::from_slice(&held.bytes).map_err(|error| Fault::bad(format!("JSON parse error - {error}")))
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte);
    let encoded = text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    encoded.collect()
}
