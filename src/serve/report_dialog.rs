//! The form that browser SDKs show after a crash (`showReportDialog`): they load a script from `/api/embed/error-page/`, and what
//! a person writes is posted to the same address.
//! Source: Sentry's documentation of the crash-report modal.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    App, body,
    ingestion::{Form, IngestError, Sender, answer, sender_of, taken},
};
use crate::{model::query_pairs, protocol::Dsn};

/// Shows the form; it takes nothing from the address but where to send.
const SCRIPT: &str = include_str!("report_dialog.js");

/// Most bytes of what a person writes.
const MOST: usize = 64 << 10;

/// `GET /api/embed/error-page/`: the script.
pub(super) async fn script(RawQuery(query): RawQuery) -> Response {
    if dsn_of(query.as_deref()).is_none() {
        return (StatusCode::BAD_REQUEST, "no DSN: the address needs dsn=DSN").into_response();
    }
    let mut response = SCRIPT.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    response
}

/// `POST /api/embed/error-page/?dsn=DSN&eventId=ID`: name, email and comments, as a form.
pub(super) async fn report(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let dsn = dsn_of(query.as_deref());
    let who = dsn.as_ref().map_or_else(String::new, |dsn| dsn.project.clone());
    let envelope = match envelope(&app, dsn.as_ref(), query.as_deref(), &headers, body).await {
        Ok(envelope) => envelope,
        Err(fault) => return answer(&app, &who, Err(fault)),
    };
    let key = dsn.map(|dsn| format!("sentry_key={}", dsn.public_key));
    let sender = Sender::Dsn { project: who.clone(), query: key };
    answer(&app, &who, taken(&app, sender, Form::Envelope(None), HeaderMap::new(), Body::from(envelope)).await)
}

/// What was written, as SDKs send it with an event.
async fn envelope(
    app: &App,
    dsn: Option<&Dsn>,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, IngestError> {
    let dsn = dsn.ok_or(IngestError::NoKey)?;
    sender_of(app, &dsn.project, &dsn.public_key).await?;
    let held = body::read(headers, body, MOST, &app.room).await.map_err(IngestError::Body)?;
    let written = query_pairs(&String::from_utf8_lossy(&held.bytes));
    let field = |name: &str| written.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    if field("comments").is_empty() {
        return Err(IngestError::Form("comments is empty".to_owned()));
    }
    let event = query_pairs(query.unwrap_or("")).into_iter().find(|(key, _)| key == "eventId").map(|(_, id)| id);
    let report = json!({
        "event_id": event, "name": field("name"), "email": field("email"), "comments": field("comments"),
    });
    let (head, report) = (json!({ "event_id": event }), report.to_string());
    Ok(format!("{head}\n{{\"type\":\"user_report\",\"length\":{}}}\n{report}\n", report.len()).into_bytes())
}

fn dsn_of(query: Option<&str>) -> Option<Dsn> {
    query_pairs(query?).iter().find(|(key, _)| key == "dsn").and_then(|(_, dsn)| Dsn::parse(dsn))
}
