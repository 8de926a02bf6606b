//! What Sentry SDKs send to.

use std::net::IpAddr;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    App,
    body::{Incoming, Refused, ReservedBody, Room},
    metrics::Refusal,
};
use crate::{
    ingest::Ingested,
    model::{EventId, Kind},
    protocol::{
        Auth, ClockPolicy, DecodeError, EnvelopeError, ReportedBy, decode_head, decode_within, dsn_of, store_body,
    },
    store::{Digest, ProjectKey, Record, StoreError},
};

/// Project of SDKs that send without a DSN.
const SPOTLIGHT: &str = "spotlight";
/// Longest first line of an envelope whose key is in it, in bytes.
const HEAD: usize = 16 * 1024;
/// Bodies up to this size are taken apart where they arrived: handing them over costs more.
const SMALL: usize = 64 * 1024;

/// `POST /api/PROJECT/envelope/`.
pub(super) async fn envelope(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    from: Option<Extension<CameFrom>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (who, form) = (project.clone(), Form::Envelope(address(&app, from)));
    answer(&app, &who, taken(&app, Sender::Dsn { project, query }, form, headers, body).await)
}

/// `POST /api/PROJECT/store/`: one bare event.
pub(super) async fn store(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    from: Option<Extension<CameFrom>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (who, form) = (project.clone(), Form::Event(address(&app, from)));
    answer(&app, &who, taken(&app, Sender::Dsn { project, query }, form, headers, body).await)
}

/// `POST /api/PROJECT/security/`: reports that browsers send by themselves. The address says release and environment.
pub(super) async fn security(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let said = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_deref().unwrap_or("").as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let by = ReportedBy {
        release: said("sentry_release"),
        environment: said("sentry_environment"),
        user_agent: headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned),
    };
    let who = project.clone();
    answer(&app, &who, taken(&app, Sender::Dsn { project, query }, Form::Reports(by), headers, body).await)
}

/// `POST /stream`: SDKs with `spotlight` switched on.
pub(super) async fn stream(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    answer(&app, SPOTLIGHT, taken(&app, Sender::Local, Form::Envelope(None), headers, body).await)
}

/// Where a request came from; the gate says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CameFrom(pub IpAddr);

/// The sender's address, where it may stand for a user.
fn address(app: &App, from: Option<Extension<CameFrom>>) -> Option<IpAddr> {
    from.filter(|_| app.users_by_address).map(|Extension(CameFrom(address))| address)
}

pub(super) enum Sender {
    Dsn { project: String, query: Option<String> },
    Local,
}

pub(super) enum Form {
    /// With the sender's address, where it may stand for a user.
    Envelope(Option<IpAddr>),
    Event(Option<IpAddr>),
    Reports(ReportedBy),
}

/// Why a request was not taken.
pub(super) enum IngestError {
    Body(Refused),
    Encoding(DecodeError),
    Envelope(EnvelopeError),
    /// A form that is none.
    Form(String),
    NoKey,
    /// The key sent as much as it may; seconds until it may send again.
    Rate(u64),
    Store(StoreError),
}

/// What the sender is told of a request that is on disk.
pub(super) struct Accepted {
    id: Option<EventId>,
    faults: Vec<crate::protocol::ItemError>,
    lost: bool,
}

pub(super) async fn taken(
    app: &App,
    sender: Sender,
    form: Form,
    headers: HeaderMap,
    body: Body,
) -> Result<Accepted, IngestError> {
    let limits = *app.ingest.limits();
    app.metrics.asked();
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let mut incoming = Incoming::new(&headers, body, limits.compressed_bytes, &app.room).map_err(IngestError::Body)?;
    let project = match project_of(app, &sender, &headers, encoding.as_deref(), &mut incoming).await {
        Ok(project) => project,
        Err(fault) => {
            incoming.drop_rest().await;
            return Err(fault);
        }
    };
    let held = incoming.whole().await.map_err(IngestError::Body)?;
    app.metrics.received(held.bytes.len());
    let small = held.bytes.len() <= SMALL && encoding.is_none();
    let body = if small { Unpacked::Plain(held) } else { unpack(held, encoding, limits).await? };
    let copy = copy_for_others(app, &form, body.bytes());
    let Ingested { digest, id, faults, lost } = digest(app, project, form, body).await?;
    let first = first_event_of(app, &digest).await;
    let items = app.metrics.items_of(&digest);
    let receipt = app.sink.write(digest).await.map_err(IngestError::Store)?;
    app.metrics.stored(&items, &receipt);
    if let Some(slug) = first {
        app.told.first(&slug);
    }
    if let (Some(forward), Some(copy)) = (&app.forward, copy) {
        forward.push(copy).await;
    }
    Ok(Accepted { id, faults, lost })
}

/// What another server also gets, as it came: an envelope, or a bare event in one. Reports of browsers are not passed on.
fn copy_for_others(app: &App, form: &Form, body: &[u8]) -> Option<Vec<u8>> {
    let forward = app.forward.as_ref()?;
    let copy = match form {
        Form::Envelope(_) => body.to_vec(),
        Form::Event(_) => {
            let event = store_body(body, app.ingest.limits()).ok()?;
            [format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n", event.len()).as_bytes(), &event, b"\n"].concat()
        }
        Form::Reports(_) => return None,
    };
    forward.takes(&copy).then_some(copy)
}

/// The project whose first event this is.
async fn first_event_of(app: &App, digest: &Digest) -> Option<String> {
    let slug = &digest.project.slug;
    let any = digest.records.iter().any(|record| matches!(record, Record::Event(_)));
    (any && app.told.is_first(&*app.host, slug).await).then(|| slug.clone())
}

/// Who sends, settled before the body is read: by address and headers mostly, else by the body's first line.
async fn project_of(
    app: &App,
    sender: &Sender,
    headers: &HeaderMap,
    encoding: Option<&str>,
    incoming: &mut Incoming,
) -> Result<ProjectKey, IngestError> {
    let Sender::Dsn { project, query } = sender else {
        return Ok(ProjectKey::from(&app.sink.ensure_project(SPOTLIGHT).await.map_err(IngestError::Store)?));
    };
    let auth = match key_of(headers, query.as_deref()) {
        Some(auth) => auth,
        None => {
            let enough = |bytes: &[u8]| bytes.len() >= HEAD || (encoding.is_none() && bytes.contains(&b'\n'));
            incoming.until(enough).await.map_err(IngestError::Body)?;
            let head = decode_head(encoding, incoming.bytes(), HEAD).map_err(IngestError::Encoding)?;
            dsn_of(&head).map(Auth::from).ok_or(IngestError::NoKey)?
        }
    };
    sender_of(app, project, &auth.public_key).await
}

/// The project of a key, if it may send more just now.
pub(super) async fn sender_of(app: &App, project: &str, key: &str) -> Result<ProjectKey, IngestError> {
    let found = app.sink.project_for_dsn(project, Some(key)).await.map_err(IngestError::Store)?;
    let found = ProjectKey::from(&found);
    app.rate.take(found.id, (app.now)()).map_err(IngestError::Rate)?;
    Ok(found)
}

/// A body as it came, or without its encoding; its room is held as long as it lives.
pub(super) enum Unpacked {
    Plain(ReservedBody),
    Decoded { bytes: Vec<u8>, _room: Room },
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
    mut held: ReservedBody,
    encoding: Option<String>,
    limits: crate::protocol::Limits,
) -> Result<Unpacked, IngestError> {
    let work = move || {
        // What comes out takes its own room while it grows.
        let mut room = held.room().beside();
        let decoded = decode_within(encoding.as_deref(), &held.bytes, &limits, &mut |bytes| room.reaches(bytes));
        let bytes = match decoded? {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(bytes) => Some(bytes),
        };
        Ok(match bytes {
            Some(bytes) => Unpacked::Decoded { bytes, _room: room },
            None => Unpacked::Plain(held),
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(lost)?.map_err(|error| match error {
        DecodeError::NoRoom => IngestError::Body(Refused::Busy),
        error => IngestError::Encoding(error),
    })
}

/// A body without its encoding, with the room that it takes.
pub(super) async fn unpack_whole(
    held: ReservedBody,
    encoding: Option<String>,
    limits: crate::protocol::Limits,
) -> Result<(Room, Vec<u8>), IngestError> {
    if encoding.is_none() {
        return Ok(held.into_parts());
    }
    Ok(match unpack(held, encoding, limits).await? {
        Unpacked::Plain(held) => held.into_parts(),
        Unpacked::Decoded { bytes, _room } => (_room, bytes),
    })
}

async fn digest(app: &App, project: ProjectKey, form: Form, body: Unpacked) -> Result<Ingested, IngestError> {
    let (ingest, received) = (app.ingest.clone(), (app.now)());
    let small = body.bytes().len() <= SMALL && !ingest.may_block();
    let work = move || match form {
        Form::Envelope(from) => ingest.envelope_from(&project, body.bytes(), received, ClockPolicy::Live, from),
        Form::Event(from) => ingest.store_event(&project, body.bytes(), received, from),
        Form::Reports(by) => ingest.security(&project, body.bytes(), received, &by),
    };
    let done = if small { work() } else { tokio::task::spawn_blocking(work).await.map_err(lost)? };
    done.map_err(IngestError::Envelope)
}

pub(super) fn lost(error: tokio::task::JoinError) -> IngestError {
    IngestError::Store(StoreError::Engine { context: "taking a request apart", source: error.into() })
}

/// The key in headers or query.
pub(super) fn key_of(headers: &HeaderMap, query: Option<&str>) -> Option<Auth> {
    let header = |name: &str| headers.get(name).and_then(|h| h.to_str().ok()).and_then(Auth::of_header);
    header("x-sentry-auth").or_else(|| header("authorization")).or_else(|| Auth::of_query(query?))
}

pub(super) fn answer(app: &App, who: &str, done: Result<Accepted, IngestError>) -> Response {
    match done {
        Ok(accepted) => told(&accepted),
        Err(fault) => refused(app, who, fault),
    }
}

/// The id, and what of the envelope could not be taken. An item that is lost makes the answer a 400, whatever was kept
/// beside it: SDKs don't send such an envelope again, and whoever reads their log sees why.
fn told(accepted: &Accepted) -> Response {
    let mut said = json!({});
    if let Some(id) = accepted.id {
        said["id"] = id.to_string().into();
    }
    if !accepted.faults.is_empty() {
        let fault = |f: &crate::protocol::ItemError| json!({ "item": f.item, "type": f.item_type, "reason": f.reason });
        said["errors"] = accepted.faults.iter().map(fault).collect();
    }
    if !accepted.lost {
        return Json(said).into_response();
    }
    let first = accepted.faults.first().map_or("an item could not be taken", |fault| fault.reason);
    said["detail"] = first.into();
    let mut response = (StatusCode::BAD_REQUEST, Json(said)).into_response();
    if let Ok(value) = HeaderValue::from_str(first) {
        response.headers_mut().insert(HeaderName::from_static("x-sentry-error"), value);
    }
    response
}

/// Why a request was not taken, in words that are the same for all of its kind.
fn why(fault: &IngestError) -> &'static str {
    match fault {
        IngestError::Body(Refused::TooLarge) => "it is too large",
        IngestError::Body(Refused::Busy) | IngestError::Store(StoreError::Busy { .. }) => "too much comes at once",
        IngestError::Body(Refused::Broken) => "its body did not come whole",
        IngestError::Encoding(_) => "it can't be unpacked",
        IngestError::Envelope(_) => "it can't be read",
        IngestError::Form(_) => "its form can't be read",
        IngestError::NoKey => "it has no key",
        IngestError::Rate(_) => "its key sent too much in a minute",
        IngestError::Store(StoreError::Full) => "the disk is full",
        IngestError::Store(error) => match error.kind() {
            Kind::NotFound | Kind::Forbidden | Kind::Unauthorized => "its key is not of this project",
            _ => "the store failed",
        },
    }
}

/// The answer to a request that was not taken. `who`: the project as its address names it.
pub(super) fn refused(app: &App, who: &str, fault: IngestError) -> Response {
    app.told.refused(who, why(&fault));
    let (status, detail, wait) = match &fault {
        IngestError::Body(Refused::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large".to_owned(), None)
        }
        IngestError::Body(Refused::Busy) => (StatusCode::TOO_MANY_REQUESTS, "too much at once".to_owned(), Some(5)),
        IngestError::Body(Refused::Broken) => {
            (StatusCode::REQUEST_TIMEOUT, "the body did not come whole".to_owned(), None)
        }
        IngestError::Encoding(error) if error.is_size() => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string(), None),
        IngestError::Encoding(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        IngestError::Envelope(error @ (EnvelopeError::TooLarge | EnvelopeError::EventTooLarge(_))) => {
            (StatusCode::PAYLOAD_TOO_LARGE, error.to_string(), None)
        }
        IngestError::Envelope(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        IngestError::Form(why) => (StatusCode::BAD_REQUEST, why.clone(), None),
        IngestError::NoKey => {
            (StatusCode::UNAUTHORIZED, "no key: send the DSN's public key as sentry_key".to_owned(), None)
        }
        IngestError::Rate(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, "too many requests with this key (--max-requests)".to_owned(), Some(*wait))
        }
        IngestError::Store(error) => of_store(error),
    };
    app.metrics.refused(Refusal::of(status.as_u16()));
    if status.is_server_error()
        && let IngestError::Store(error) = &fault
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
