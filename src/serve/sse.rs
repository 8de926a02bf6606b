//! `/sse` and `/messages`: the HTTP+SSE transport of 2024-11-05.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;

use super::App;
use crate::mcp::{Accepted, Allowed, SseSession};

/// Opens a session: its first event says where to post.
pub(super) async fn open(State(app): State<App>, Extension(allowed): Extension<Allowed>) -> Response {
    let Some(session) = app.sessions.open(app.server.allowed(&allowed), &app.end) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many sessions\n").into_response();
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Sse::new(events(session)).keep_alive(keep_alive).into_response()
}

fn events(session: SseSession) -> impl Stream<Item = Result<Event, Infallible>> {
    // Relative, so that it is right behind a proxy that serves this under a prefix.
    let endpoint = Event::default().event("endpoint").data(format!("messages?sessionId={}", session.id));
    let messages = stream::unfold(session, |mut session| async move {
        let message = session.next().await?;
        Some((Event::default().event("message").data(message), session))
    });
    stream::once(async { endpoint }).chain(messages).map(Ok)
}

/// Which session a message is for.
#[derive(Deserialize)]
pub(super) struct Target {
    #[serde(rename = "sessionId", alias = "session_id", default)]
    session: String,
}

/// Hands a message to its session; the answer comes on the session's stream.
pub(super) async fn message(State(app): State<App>, Query(target): Query<Target>, body: Bytes) -> Response {
    let (status, text) = match app.sessions.post(&target.session, &body) {
        Accepted::Yes => (StatusCode::ACCEPTED, "accepted\n"),
        Accepted::NoSession if target.session.is_empty() => {
            (StatusCode::BAD_REQUEST, "say which session: the address that /sse told first has sessionId\n")
        }
        Accepted::NoSession => (StatusCode::NOT_FOUND, "no such session\n"),
        Accepted::Malformed => (StatusCode::BAD_REQUEST, "not a JSON-RPC message\n"),
        Accepted::Busy => (StatusCode::TOO_MANY_REQUESTS, "too many messages at once\n"),
    };
    (status, text).into_response()
}
