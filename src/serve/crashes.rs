//! What crash handlers send: Crashpad, Breakpad, Electron's crash reporter, Unreal Engine.

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Path, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    App,
    body::{self, Room},
    ingestion::{IngestError, key_of, lost, refused, sender_of, unpack_whole},
};
use crate::{
    ingest::Ingested,
    model::EventId,
    protocol::{CrashForm, FormPart, Limits, unreal_form},
    store::ProjectKey,
};

/// `POST /api/PROJECT/minidump/`: a form, or the dump itself; the answer is the event's id as text.
pub(super) async fn minidump(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let key = key_of(&headers, query.as_deref()).map(|key| key.public_key);
    answer(&app, &project, taken(&app, &project, key, &headers, body, Shape::Form).await)
}

/// `POST /api/PROJECT/unreal/KEY/`: what Unreal Engine's crash reporter sends.
pub(super) async fn unreal(
    State(app): State<App>,
    Path((project, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(&app, &project, taken(&app, &project, Some(key), &headers, body, Shape::Unreal).await)
}

/// How a crash is put together.
#[derive(Clone, Copy)]
enum Shape {
    Form,
    Unreal,
}

fn answer(app: &App, project: &str, done: Result<Option<EventId>, IngestError>) -> Response {
    match done {
        Ok(id) => id.map(hyphenated).unwrap_or_default().into_response(),
        Err(fault) => {
            let mut response = refused(app, project, fault);
            // Handlers throw a crash away that is refused for its number; at a fault of the server they try again.
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            response
        }
    }
}

async fn taken(
    app: &App,
    project: &str,
    key: Option<String>,
    headers: &HeaderMap,
    body: Body,
    shape: Shape,
) -> Result<Option<EventId>, IngestError> {
    let limits = *app.ingest.limits();
    app.metrics.asked();
    // Who may not send is told before the body is read.
    let key = key.ok_or(IngestError::NoKey)?;
    let found = sender_of(app, project, &key).await?;
    // Dumps come as they are mostly: the bound is that of what is unpacked.
    let held = body::read(headers, body, limits.envelope_bytes, &app.room).await.map_err(IngestError::Body)?;
    app.metrics.received(held.bytes.len());
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let limits = Limits { compressed_bytes: limits.envelope_bytes, ..limits };
    let (room, bytes) = unpack_whole(held, encoding, limits).await?;
    let form = match shape {
        Shape::Form => form_of(headers, bytes, limits).await?,
        Shape::Unreal => tokio::task::spawn_blocking(move || unreal_form(&bytes, &limits)).await.map_err(lost)?,
    };
    let Ingested { digest, id, .. } = digest(app, found, form, room).await?;
    let items = app.metrics.items_of(&digest);
    let receipt = app.sink.write(digest).await.map_err(IngestError::Store)?;
    app.metrics.stored(&items, &receipt);
    Ok(id)
}

/// The parts of the form. What can't be read as one may be a dump by itself.
async fn form_of(headers: &HeaderMap, bytes: Vec<u8>, limits: Limits) -> Result<CrashForm, IngestError> {
    let ty = headers.get(header::CONTENT_TYPE).and_then(|h| h.to_str().ok()).unwrap_or("");
    if !ty.to_ascii_lowercase().starts_with("multipart/") {
        return Ok(CrashForm::of_dump(&bytes, &limits));
    }
    let request = Request::builder().header(header::CONTENT_TYPE, ty).body(Body::from(bytes));
    let mut request = request.map_err(|_| IngestError::Form("the content type can't be read".to_owned()))?;
    // The body was bounded when it was read.
    DefaultBodyLimit::disable().apply(&mut request);
    let broken = |error: axum::extract::multipart::MultipartError| IngestError::Form(error.body_text());
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| IngestError::Form(error.body_text()))?;
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or("").to_owned();
        let (file, content_type) = (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
        parts.push(FormPart { name, file, content_type, bytes: field.bytes().await.map_err(broken)?.to_vec() });
    }
    Ok(CrashForm::of_parts(parts, &limits))
}

async fn digest(app: &App, project: ProjectKey, form: CrashForm, room: Room) -> Result<Ingested, IngestError> {
    let (ingest, received) = (app.ingest.clone(), (app.now)());
    let id = new_id()?;
    // One after the other: each may take as much memory and time as many envelopes.
    let turn =
        app.crashes.clone().acquire_owned().await.map_err(|_| IngestError::Form("the server ends".to_owned()))?;
    let work = move || {
        let ingested = ingest.crash(&project, &form, received, id);
        drop((room, turn));
        ingested
    };
    tokio::task::spawn_blocking(work).await.map_err(lost)
}

/// An id for a crash whose sender has none: the same dump sent twice is two crashes.
fn new_id() -> Result<EventId, IngestError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| IngestError::Form("no random numbers to be had".to_owned()))?;
    Ok(EventId(u128::from_be_bytes(bytes)))
}

fn hyphenated(id: EventId) -> String {
    let hex = id.to_string();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}
