//! Uploads of scripts and source maps: parts first, then the order to put them together.

use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Multipart, Path, Request, multipart::Field},
    http::{HeaderMap, StatusCode, header},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{fault::ApiError, json_body};
use crate::{
    protocol::{Limits, decode_body},
    serve::{App, body, gate::Scoped},
    sourcemaps::checksum,
    store::{Assembled, BundleOrder, Checksum},
};

/// Bytes of one part.
const CHUNK_BYTES: usize = 8 << 20;
/// Parts of one request.
const CHUNKS: usize = 64;
/// Bytes of one request.
const REQUEST_BYTES: usize = 32 << 20;
/// Bytes of one file with symbols; a bundle of scripts has a bound of its own.
const FILE_BYTES: usize = 512 << 20;
/// Bytes of an order.
pub(super) const ORDER_BYTES: usize = 1 << 20;

/// `GET organizations/ORG/chunk-upload/`: how to send.
pub(super) async fn options(Path(org): Path<String>, headers: HeaderMap) -> Json<Value> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let host = text(header::HOST.as_str()).unwrap_or("localhost");
    Json(json!({
        "url": format!("{scheme}://{host}/api/0/organizations/{}/chunk-upload/", super::segment(&org)),
        "chunkSize": CHUNK_BYTES,
        "chunksPerRequest": CHUNKS,
        "maxFileSize": FILE_BYTES,
        "maxRequestSize": REQUEST_BYTES,
        "concurrency": 4,
        "hashAlgorithm": "sha1",
        "compression": ["gzip"],
        "accept": [
            "release_files", "artifact_bundles", "artifact_bundles_v2", "debug_files", "pdbs", "sources", "proguard",
            "dartsymbolmap",
        ],
    }))
}

/// `POST organizations/ORG/chunk-upload/`: parts, each named by its checksum.
pub(super) async fn chunks(Scoped(app): Scoped, request: Request) -> Result<StatusCode, ApiError> {
    let (parts, body) = request.into_parts();
    // The room is taken for all of it at once: a request holds at most this much.
    let mut held = body::read(&parts.headers, body, REQUEST_BYTES, &app.room).await?;
    let request = Request::from_parts(parts, Body::from(std::mem::take(&mut held.bytes)));
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| ApiError::bad(e.body_text()))?;
    let mut kept = 0;
    while let Some(field) = form.next_field().await.map_err(|e| ApiError::bad(e.body_text()))? {
        kept += 1;
        if kept > CHUNKS {
            return Err(ApiError::bad(format!("more than {CHUNKS} chunks in one request")));
        }
        keep(&app, field).await?;
    }
    if kept == 0 {
        return Err(ApiError::bad("no chunk in the request"));
    }
    Ok(StatusCode::OK)
}

async fn keep(app: &App, field: Field<'_>) -> Result<(), ApiError> {
    let packed = match field.name() {
        Some("file") => false,
        Some("file_gzip") => true,
        _ => return Err(ApiError::bad("parts of an upload are named file or file_gzip")),
    };
    let named = field.file_name().and_then(parse_checksum);
    let named = named.ok_or_else(|| ApiError::bad("a chunk's file name is its SHA-1, in 40 hex digits"))?;
    let bytes = field.bytes().await.map_err(|e| ApiError::bad(e.body_text()))?;
    let unpack = move || unpacked(&bytes, packed).map(|bytes| (checksum(&bytes), bytes));
    let (found, bytes) = tokio::task::spawn_blocking(unpack).await.map_err(|_| ApiError::bad("unpacking failed"))??;
    if found != named {
        return Err(ApiError::bad(format!("the chunk named {} has another checksum: {}", hex(&named), hex(&found))));
    }
    Ok(app.host.keep_chunk(named, bytes, (app.now)()).await?)
}

/// A part without its encoding, read no further than a part may be long.
fn unpacked(bytes: &[u8], packed: bool) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a chunk has {CHUNK_BYTES} bytes at most"));
    let limits =
        Limits { compressed_bytes: REQUEST_BYTES, envelope_bytes: CHUNK_BYTES, ratio: 2_000, ..Limits::default() };
    let out = match packed {
        true => decode_body(Some("gzip"), bytes, &limits).map_err(|error| match error.is_size() {
            true => too_large(),
            false => ApiError::bad("a chunk is not gzip, as its field's name says"),
        })?,
        false if bytes.len() > CHUNK_BYTES => return Err(too_large()),
        false => bytes.into(),
    };
    Ok(out.into_owned())
}

/// What is to be put together.
#[derive(Deserialize)]
pub(super) struct Order {
    checksum: String,
    chunks: Vec<String>,
    #[serde(default)]
    projects: Vec<String>,
    version: Option<String>,
    dist: Option<String>,
}

/// `POST organizations/ORG/artifactbundle/assemble/`.
pub(super) async fn assemble(Scoped(app): Scoped, headers: HeaderMap, body: Body) -> Result<Json<Value>, ApiError> {
    let order: Order = json_body(&app, &headers, body, ORDER_BYTES).await?;
    put_together(&app, order).await
}

/// `POST organizations/ORG/releases/VERSION/assemble/`: the older form, which names no project.
pub(super) async fn assemble_release(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let mut order: Order = json_body(&app, &headers, body, ORDER_BYTES).await?;
    if order.projects.is_empty() {
        let known = app.host.announced(&crate::store::Scope::default(), Some(&version.as_str().into())).await?;
        order.projects = known.into_iter().flat_map(|release| release.projects).collect();
    }
    put_together(&app, Order { version: Some(version), ..order }).await
}

async fn put_together(app: &App, order: Order) -> Result<Json<Value>, ApiError> {
    let wrong = || ApiError::bad("checksums are SHA-1, in 40 hex digits");
    if order.projects.is_empty() {
        return Err(ApiError::bad("no project is named"));
    }
    let chunks: Option<Vec<Checksum>> = order.chunks.iter().map(|chunk| parse_checksum(chunk)).collect();
    let order = BundleOrder {
        checksum: parse_checksum(&order.checksum).ok_or_else(wrong)?,
        chunks: chunks.ok_or_else(wrong)?,
        projects: order.projects,
        release: order.version.filter(|version| !version.is_empty()),
        dist: order.dist.filter(|dist| !dist.is_empty()),
        now: (app.now)(),
    };
    Ok(Json(match app.host.assemble(order).await? {
        Assembled::Missing(missing) => {
            json!({ "state": "not_found", "missingChunks": missing.iter().map(hex).collect::<Vec<_>>() })
        }
        Assembled::Done => json!({ "state": "ok", "missingChunks": [] }),
        Assembled::Failed(why) => json!({ "state": "error", "missingChunks": [], "detail": why }),
    }))
}

pub(super) fn parse_checksum(text: &str) -> Option<Checksum> {
    let mut bytes = [0; 20];
    if text.len() != 40 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

pub(super) fn hex(checksum: &Checksum) -> String {
    checksum.iter().map(|byte| format!("{byte:02x}")).collect()
}
