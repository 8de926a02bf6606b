//! What Sentry SDKs send to.

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    App,
    body::{self, Held, Refused},
    metrics::Refusal,
};
use crate::{
    ingest::Ingested,
    model::{EventId, Kind},
    protocol::{Auth, ClockPolicy, DecodeError, EnvelopeError, decode_body, dsn_of},
    store::{ProjectKey, StoreError},
};

/// Project of SDKs that send without a DSN.
const SPOTLIGHT: &str = "spotlight";
/// Bodies up to this size are taken apart where they arrived: handing them over costs more.
const SMALL: usize = 64 * 1024;

/// `POST /api/PROJECT/envelope/`.
pub(super) async fn envelope(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(&app, taken(&app, Sender::Dsn { project, query }, Form::Envelope, headers, body).await)
}

/// `POST /api/PROJECT/store/`: one bare event.
pub(super) async fn store(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(&app, taken(&app, Sender::Dsn { project, query }, Form::Event, headers, body).await)
}

/// `POST /stream`: SDKs with `spotlight` switched on.
pub(super) async fn stream(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, taken(&app, Sender::Local, Form::Envelope, headers, body).await)
}

enum Sender {
    Dsn { project: String, query: Option<String> },
    Local,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Envelope,
    Event,
}

/// Why a request was not taken.
pub(super) enum Fault {
    Body(Refused),
    Encoding(DecodeError),
    Envelope(EnvelopeError),
    NoKey,
    Store(StoreError),
}

/// What the sender is told of a request that is on disk.
struct Accepted {
    id: Option<EventId>,
    faults: Vec<crate::protocol::Fault>,
}

async fn taken(app: &App, sender: Sender, form: Form, headers: HeaderMap, body: Body) -> Result<Accepted, Fault> {
    let limits = *app.ingest.limits();
    let held = body::read(&headers, body, limits.compressed_bytes, &app.room).await.map_err(Fault::Body)?;
    app.metrics.received(held.bytes.len());
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|h| h.to_str().ok()).map(str::to_owned);
    // Who sends is known from the address and headers mostly; else the unpacked body's first line has it.
    let early = match &sender {
        Sender::Dsn { query, .. } => key_of(&headers, query.as_deref()),
        Sender::Local => None,
    };
    let small = held.bytes.len() <= SMALL && encoding.is_none();
    let body = if small { Unpacked::Plain(held) } else { unpack(held, encoding, limits).await? };
    let project = match sender {
        Sender::Local => ProjectKey::from(&app.sink.ensure_project(SPOTLIGHT).await.map_err(Fault::Store)?),
        Sender::Dsn { project, .. } => {
            let auth = early.or_else(|| dsn_of(body.bytes()).map(Auth::from)).ok_or(Fault::NoKey)?;
            let found = app.sink.project_for_dsn(&project, Some(&auth.public_key)).await.map_err(Fault::Store)?;
            ProjectKey::from(&found)
        }
    };
    let Ingested { digest, id, faults } = digest(app, project, form, body).await?;
    let items = app.metrics.items_of(&digest);
    let receipt = app.sink.write(digest).await.map_err(Fault::Store)?;
    app.metrics.stored(&items, &receipt);
    Ok(Accepted { id, faults })
}

/// A body as it came, or without its encoding; its room is held as long as it lives.
pub(super) enum Unpacked {
    Plain(Held),
    Decoded { bytes: Vec<u8>, _room: Held },
}

impl Unpacked {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(held) => &held.bytes,
            Self::Decoded { bytes, .. } => bytes,
        }
    }
}

pub(super) async fn unpack(
    held: Held,
    encoding: Option<String>,
    limits: crate::protocol::Limits,
) -> Result<Unpacked, Fault> {
    let work = move || {
        let decoded = decode_body(encoding.as_deref(), &held.bytes, &limits).map(|b| match b {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(bytes) => Some(bytes),
        });
        decoded.map(|bytes| match bytes {
            Some(bytes) => Unpacked::Decoded { bytes, _room: held },
            None => Unpacked::Plain(held),
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(lost)?.map_err(Fault::Encoding)
}

async fn digest(app: &App, project: ProjectKey, form: Form, body: Unpacked) -> Result<Ingested, Fault> {
    let (ingest, received) = (app.ingest.clone(), (app.now)());
    let small = body.bytes().len() <= SMALL && !ingest.may_block();
    let work = move || match form {
        Form::Envelope => ingest.envelope(&project, body.bytes(), received, ClockPolicy::Live),
        Form::Event => ingest.store_event(&project, body.bytes(), received),
    };
    let done = if small { work() } else { tokio::task::spawn_blocking(work).await.map_err(lost)? };
    done.map_err(Fault::Envelope)
}

pub(super) fn lost(error: tokio::task::JoinError) -> Fault {
    Fault::Store(StoreError::Engine { context: "taking a request apart", source: error.into() })
}

/// The key in headers or query.
pub(super) fn key_of(headers: &HeaderMap, query: Option<&str>) -> Option<Auth> {
    let header = |name: &str| headers.get(name).and_then(|h| h.to_str().ok()).and_then(Auth::of_header);
    header("x-sentry-auth").or_else(|| header("authorization")).or_else(|| Auth::of_query(query?))
}

fn answer(app: &App, done: Result<Accepted, Fault>) -> Response {
    match done {
        Ok(accepted) => told(&accepted),
        Err(fault) => refused(app, fault),
    }
}

/// The id, and what of the envelope could not be taken.
fn told(accepted: &Accepted) -> Response {
    let mut said = json!({});
    if let Some(id) = accepted.id {
        said["id"] = id.to_string().into();
    }
    if !accepted.faults.is_empty() {
        let fault = |f: &crate::protocol::Fault| json!({ "item": f.item, "type": f.item_type, "reason": f.reason });
        said["errors"] = accepted.faults.iter().map(fault).collect();
    }
    Json(said).into_response()
}

fn refused(app: &App, fault: Fault) -> Response {
    let (status, detail, wait) = match &fault {
        Fault::Body(Refused::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large".to_owned(), None),
        Fault::Body(Refused::Busy) => (StatusCode::TOO_MANY_REQUESTS, "too much at once".to_owned(), Some(5)),
        Fault::Body(Refused::Broken) => (StatusCode::REQUEST_TIMEOUT, "the body did not come whole".to_owned(), None),
        Fault::Encoding(error) if error.is_size() => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string(), None),
        Fault::Encoding(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        Fault::Envelope(EnvelopeError::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, EnvelopeError::TooLarge.to_string(), None)
        }
        Fault::Envelope(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        Fault::NoKey => (StatusCode::UNAUTHORIZED, "no key: send the DSN's public key as sentry_key".to_owned(), None),
        Fault::Store(error) => of_store(error),
    };
    app.metrics.refused(Refusal::of(status.as_u16()));
    if status.is_server_error()
        && let Fault::Store(error) = &fault
    {
        tracing::error!(error = error as &dyn std::error::Error, "an envelope could not be stored");
    }
    let mut response = (status, Json(json!({ "detail": detail }))).into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&detail) {
        headers.insert(HeaderName::from_static("x-sentry-error"), value);
    }
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        if status == StatusCode::TOO_MANY_REQUESTS
            && let Ok(value) = HeaderValue::from_str(&format!("{seconds}::organization:overload"))
        {
            headers.insert(HeaderName::from_static("x-sentry-rate-limits"), value);
        }
    }
    response
}

pub(super) fn of_store(error: &StoreError) -> (StatusCode, String, Option<u64>) {
    let status = match (error, error.kind()) {
        (StoreError::Busy { .. }, _) => StatusCode::TOO_MANY_REQUESTS,
        (StoreError::Full, _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Kind::NotFound | Kind::Forbidden | Kind::Unauthorized) => StatusCode::FORBIDDEN,
        (_, Kind::InvalidInput | Kind::Unsupported) => StatusCode::BAD_REQUEST,
        (_, Kind::Timeout | Kind::RateLimited | Kind::Upstream | Kind::Internal) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let wait = match error {
        StoreError::Busy { retry_after_s } => Some(*retry_after_s),
        _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(30),
        _ => None,
    };
    (status, error.to_string(), wait)
}
