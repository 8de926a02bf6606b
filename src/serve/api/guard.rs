//! Who may call the API: as for MCP, but said as Sentry says it.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::fault::Fault;
use crate::serve::{App, access};

/// Lets a caller in, or says why not.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match access::refusal(&app, request.headers()) {
        Some((StatusCode::UNAUTHORIZED, _)) => Fault::new(StatusCode::UNAUTHORIZED, "Invalid token").into_response(),
        Some((status, why)) => Fault::new(status, why.trim()).into_response(),
        None => next.run(request).await,
    }
}
