//! What OpenTelemetry SDKs and collectors send to: OTLP over HTTP.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::post,
};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use super::{
    App,
    body::{self, Refused},
    gate,
    ingestion::{IngestError, key_of, lost, of_store, sender_of, unpack},
    metrics::Refusal,
};
use crate::{
    ingest::{project_slug, service_of, type_name},
    otlp::{self, Encoding, Group, ReadError, Request, Signal},
    store::{Digest, Outcome, ProjectKey},
};

/// Services whose projects are remembered; past them they are looked up again.
const REMEMBERED: usize = 10_000;
/// Longest text of an error, in characters.
const LONGEST: usize = 500;

/// Projects of services, by slug.
pub(super) type Services = Arc<Mutex<HashMap<String, ProjectKey>>>;

/// `/v1/…`, and the addresses that Sentry has for the same; with a slash at the end as well, as some SDKs send it.
pub(super) fn routes() -> Router<App> {
    let mut routes = Router::new();
    for prefix in ["/v1/{signal}", "/v1/{signal}/"] {
        routes = routes.route(prefix, post(own));
    }
    for prefix in ["/api/{project}/integration/otlp/v1/{signal}", "/api/{project}/integration/otlp/v1/{signal}/"] {
        routes = routes.route(prefix, post(of_project));
    }
    routes
}

/// Browsers send from any site, with whatever header carries their key.
pub(super) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::RETRY_AFTER])
        .max_age(Duration::from_secs(3_600))
}

/// `POST /v1/SIGNAL`: each service is a project.
async fn own(
    State(app): State<App>,
    Path(signal): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let sender = Sender::Service { key: key(&headers, query.as_deref()) };
    answered(&app, &signal, sender, headers, body).await
}

/// `POST /api/PROJECT/integration/otlp/v1/SIGNAL`: all is of that project.
async fn of_project(
    State(app): State<App>,
    Path((project, signal)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let sender = Sender::Project { project, key: key(&headers, query.as_deref()) };
    answered(&app, &signal, sender, headers, body).await
}

enum Sender {
    Service { key: Option<String> },
    Project { project: String, key: Option<String> },
}

/// Why a request was not taken.
enum Refusing {
    Signal,
    ContentType,
    Read(ReadError),
    Keyless,
    Other(IngestError),
}

impl From<IngestError> for Refusing {
    fn from(fault: IngestError) -> Self {
        Self::Other(fault)
    }
}

/// The key, wherever vendors have it: Sentry's header or query, `Authorization: Bearer`, `x-api-key`.
fn key(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|h| h.to_str().ok()).map(str::trim);
    let bearer = || text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let own = || bearer().or_else(|| text("x-api-key")).map(str::to_owned);
    key_of(headers, query).map(|auth| auth.public_key).or_else(own)
}

async fn answered(app: &App, signal: &str, sender: Sender, headers: HeaderMap, body: Body) -> Response {
    let said = headers.get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or("");
    let encoding = Encoding::of_content_type(said);
    let said_signal = signal;
    let signal = match signal {
        "traces" => Some(Signal::Traces),
        "logs" => Some(Signal::Logs),
        "metrics" => Some(Signal::Metrics),
        _ => None,
    };
    let done = match (signal, encoding) {
        (None, _) => {
            note_unknown(app, said_signal, &headers).await;
            Err(Refusing::Signal)
        }
        (_, None) => Err(Refusing::ContentType),
        (Some(signal), Some(encoding)) => match taken(app, signal, encoding, sender, headers, body).await {
            Ok(faults) => Ok(accepted(signal, encoding, &faults)),
            Err(why) => Err(why),
        },
    };
    done.unwrap_or_else(|why| refused(app, encoding.unwrap_or(Encoding::Json), why))
}

/// Counts a signal that there is not, so that `doctor` can name it; only of those who may send.
async fn note_unknown(app: &App, signal: &str, headers: &HeaderMap) {
    if !gate::lets_send(app, headers) {
        return;
    }
    let named = Some(type_name(&format!("otlp/{signal}")));
    let reason = "unknown signal";
    let outcome = Outcome { item: "unknown", outcome: "unknown", reason, quantity: 1, named };
    let project = ProjectKey { id: 0, slug: String::new() };
    let digest = Digest { project, received: (app.now)(), records: Vec::new(), outcomes: vec![outcome] };
    if let Err(error) = app.sink.write(digest).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "an unknown signal was not counted");
    }
}

async fn taken(
    app: &App,
    signal: Signal,
    encoding: Encoding,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<Vec<(&'static str, u64)>, Refusing> {
    app.metrics.asked();
    // Who may not send is told before the body is read.
    let project = match &sender {
        Sender::Project { project, key } => {
            let key = key.as_deref().ok_or(IngestError::NoKey)?;
            Some(sender_of(app, project, key).await?)
        }
        Sender::Service { key } => {
            if !gate::lets_send(app, &headers) && key.is_none() {
                return Err(Refusing::Keyless);
            }
            None
        }
    };
    let limits = *app.ingest.limits();
    let held = body::read(&headers, body, limits.compressed_bytes, &app.room).await.map_err(IngestError::Body)?;
    app.metrics.received(held.bytes.len());
    let content = headers.get(header::CONTENT_ENCODING).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let unpacked = unpack(held, content, limits).await?;
    let read = move || otlp::read(signal, encoding, unpacked.bytes());
    let request = tokio::task::spawn_blocking(read).await.map_err(lost)?.map_err(Refusing::Read)?;
    let faults = request.faults.clone();
    let projects = match (project, &sender) {
        (Some(project), _) => Projects::One(project),
        (None, Sender::Service { key }) => Projects::Each(projects(app, &request, key.as_deref(), &headers).await?),
        (None, Sender::Project { .. }) => return Err(IngestError::NoKey.into()),
    };
    store(app, request, projects).await?;
    Ok(faults)
}

enum Projects {
    One(ProjectKey),
    Each(HashMap<String, ProjectKey>),
}

async fn store(app: &App, request: Request, projects: Projects) -> Result<(), IngestError> {
    let (ingest, received) = (app.ingest.clone(), (app.now)());
    let digests = tokio::task::spawn_blocking(move || {
        let project = |group: &Group| match &projects {
            Projects::One(project) => Some(project.clone()),
            Projects::Each(by_slug) => by_slug.get(&project_slug(service_of(group))).cloned(),
        };
        ingest.otlp(request, &project, received)
    });
    for digest in digests.await.map_err(lost)? {
        let items = app.metrics.items_of(&digest);
        let receipt = app.sink.write(digest).await.map_err(IngestError::Store)?;
        app.metrics.stored(&items, &receipt);
    }
    Ok(())
}

/// The project of each service; made where the sender needs no key, or has a token of callers.
async fn projects(
    app: &App,
    request: &Request,
    key: Option<&str>,
    headers: &HeaderMap,
) -> Result<HashMap<String, ProjectKey>, IngestError> {
    let may_make = gate::lets_send(app, headers);
    let mut found = HashMap::new();
    for group in &request.groups {
        let slug = project_slug(service_of(group));
        if found.contains_key(&slug) {
            continue;
        }
        let known = app.services.lock().unwrap_or_else(PoisonError::into_inner).get(&slug).cloned();
        let project = match (known, may_make) {
            (Some(known), true) => known,
            (_, true) => {
                let made = ProjectKey::from(&app.sink.ensure_project(&slug).await.map_err(IngestError::Store)?);
                let mut services = app.services.lock().unwrap_or_else(PoisonError::into_inner);
                if services.len() >= REMEMBERED {
                    services.clear();
                }
                services.insert(slug.clone(), made.clone());
                made
            }
            (_, false) => {
                let key = key.ok_or(IngestError::NoKey)?;
                ProjectKey::from(&app.sink.project_for_dsn(&slug, Some(key)).await.map_err(IngestError::Store)?)
            }
        };
        found.insert(slug, project);
    }
    Ok(found)
}

fn accepted(signal: Signal, encoding: Encoding, faults: &[(&'static str, u64)]) -> Response {
    let rejected = faults.iter().map(|(_, n)| n).sum();
    let why: Vec<&str> = faults.iter().map(|(why, _)| *why).collect();
    response(StatusCode::OK, encoding, otlp::accepted(signal, encoding, rejected, &why.join("; ")))
}

fn response(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()));
    response
}

/// What is not going to work the next time either must not be sent again: only 429 and 503 are tried again, after the
/// time said.
fn refused(app: &App, encoding: Encoding, why: Refusing) -> Response {
    let (status, detail, wait) = match &why {
        Refusing::Signal => (StatusCode::NOT_FOUND, "there are traces, logs and metrics".to_owned(), None),
        Refusing::ContentType => {
            let detail = "the content type is to be application/x-protobuf or application/json";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, detail.to_owned(), None)
        }
        Refusing::Read(error) => {
            let source = std::error::Error::source(error).map_or(String::new(), |source| format!(": {source}"));
            (StatusCode::BAD_REQUEST, format!("{error}{source}"), None)
        }
        Refusing::Keyless => {
            let detail = "a key is needed: Authorization: Bearer with a token, or the public key of the project's DSN";
            (StatusCode::UNAUTHORIZED, detail.to_owned(), None)
        }
        Refusing::Other(fault) => of_fault(fault),
    };
    app.metrics.refused(Refusal::of(status.as_u16()));
    let keyless = matches!(why, Refusing::Keyless);
    app.told.refused("opentelemetry", if keyless { "it has no key" } else { "it can't be taken" });
    if let Refusing::Other(IngestError::Store(error)) = &why
        && status.is_server_error()
    {
        tracing::error!(error = error as &dyn std::error::Error, "telemetry could not be stored");
    }
    let detail: String = detail.chars().take(LONGEST).collect();
    let mut response = response(status, encoding, otlp::refused(encoding, status.as_u16(), &detail));
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn of_fault(fault: &IngestError) -> (StatusCode, String, Option<u64>) {
    match fault {
        IngestError::Body(Refused::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large".to_owned(), None)
        }
        IngestError::Body(Refused::Busy) => (StatusCode::TOO_MANY_REQUESTS, "too much at once".to_owned(), Some(5)),
        IngestError::Body(Refused::Broken) => (StatusCode::BAD_REQUEST, "the body did not come whole".to_owned(), None),
        IngestError::Encoding(error) if error.is_size() => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string(), None),
        IngestError::Encoding(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        IngestError::Envelope(error) => (StatusCode::BAD_REQUEST, error.to_string(), None),
        IngestError::Form(why) => (StatusCode::BAD_REQUEST, why.clone(), None),
        IngestError::NoKey => {
            (StatusCode::UNAUTHORIZED, "no key: send the public key of the project's DSN".to_owned(), None)
        }
        IngestError::Rate(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, "too many requests with this key".to_owned(), Some(*wait))
        }
        IngestError::Store(error) => of_store(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn only_what_may_work_later_is_to_be_sent_again() {
        let status = |fault: IngestError| of_fault(&fault);
        assert_eq!(status(IngestError::Body(Refused::Busy)).2, Some(5));
        let (busy, _, wait) = status(IngestError::Store(StoreError::Busy { retry_after_s: 2 }));
        assert_eq!((busy, wait), (StatusCode::TOO_MANY_REQUESTS, Some(2)));
        let (gone, _, wait) = status(IngestError::Store(StoreError::Invalid("x")));
        assert_eq!((gone, wait), (StatusCode::BAD_REQUEST, None));
    }
}
