//! Files with symbols: the order to put one together, and what is here.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery},
    http::HeaderMap,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    fault::ApiError,
    json_body,
    upload::{ORDER_BYTES, hex, parse_checksum},
};
use crate::{
    serve::{App, gate::Scoped},
    store::{Assembled, BundleOrder, Checksum, DebugFileOrder, DebugFileQuery, KnownDebugFile},
};

/// Files of one order.
const FILES: usize = 1_000;
/// Files of one answer.
const LIST: usize = 1_000;

/// One file that is to be put together.
#[derive(Deserialize)]
pub(super) struct Order {
    name: Option<String>,
    debug_id: Option<String>,
    #[serde(default)]
    chunks: Vec<String>,
}

/// `POST projects/ORG/PROJECT/files/difs/assemble/`: files by checksum. It serves debug files, mappings of R8 and of
/// Dart alike.
pub(super) async fn assemble(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let orders: BTreeMap<String, Order> = json_body(&app, &headers, body, ORDER_BYTES).await?;
    if orders.len() > FILES {
        return Err(ApiError::bad(format!("more than {FILES} files in one order")));
    }
    let mut answer = Map::new();
    for (checksum, order) in orders {
        let said = put_together(&app, &project, &checksum, order).await?;
        answer.insert(checksum, said);
    }
    Ok(Json(Value::Object(answer)))
}

async fn put_together(app: &App, project: &str, checksum: &str, order: Order) -> Result<Value, ApiError> {
    let wrong = || ApiError::bad("checksums are SHA-1, in 40 hex digits");
    let chunks: Option<Vec<Checksum>> = order.chunks.iter().map(|chunk| parse_checksum(chunk)).collect();
    let order = DebugFileOrder {
        bundle: BundleOrder {
            checksum: parse_checksum(checksum).ok_or_else(wrong)?,
            chunks: chunks.ok_or_else(wrong)?,
            projects: vec![project.to_owned()],
            release: None,
            dist: None,
            now: (app.now)(),
        },
        name: order.name.unwrap_or_default(),
        debug_id: order.debug_id,
    };
    let (done, files) = app.host.assemble_debug_file(order).await?;
    Ok(match done {
        Assembled::Missing(missing) => {
            json!({ "state": "not_found", "missingChunks": missing.iter().map(hex).collect::<Vec<_>>() })
        }
        Assembled::Done => json!({ "state": "ok", "missingChunks": [], "dif": files.first().map(shown) }),
        Assembled::Failed(why) => json!({ "state": "error", "missingChunks": [], "detail": why }),
    })
}

/// `GET projects/ORG/PROJECT/files/dsyms/`: files, of all ids or of those asked for.
pub(super) async fn list(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let asked = |names: &[&str]| -> Vec<String> {
        let pairs = url::form_urlencoded::parse(query.as_deref().unwrap_or("").as_bytes());
        let named = pairs.filter(|(key, _)| names.contains(&key.as_ref()));
        named.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty()).collect()
    };
    let query = DebugFileQuery {
        project,
        ids: asked(&["debug_id", "code_id", "query"]),
        checksums: asked(&["checksums"]).iter().filter_map(|text| parse_checksum(text)).collect(),
        limit: LIST,
    };
    let files = app.host.debug_files(&query).await?;
    Ok(Json(files.iter().map(shown).collect()))
}

/// `GET projects/ORG/PROJECT/files/dsyms/unknown/`: which of these uploads are not here.
pub(super) async fn unknown(
    Scoped(app): Scoped,
    Path((_, project)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let pairs = url::form_urlencoded::parse(query.as_deref().unwrap_or("").as_bytes());
    let asked: Vec<String> =
        pairs.filter(|(key, _)| key == "checksums").map(|(_, value)| value.into_owned()).take(FILES).collect();
    let checksums: Vec<Checksum> = asked.iter().filter_map(|text| parse_checksum(text)).collect();
    let query = DebugFileQuery { project, checksums, limit: LIST, ..DebugFileQuery::default() };
    let known = if query.checksums.is_empty() { Vec::new() } else { app.host.debug_files(&query).await? };
    let known: Vec<String> = known.iter().map(|file| hex(&file.checksum)).collect();
    let missing: Vec<&String> = asked.iter().filter(|text| !known.contains(&text.to_ascii_lowercase())).collect();
    Ok(Json(json!({ "missing": missing })))
}

fn shown(file: &KnownDebugFile) -> Value {
    json!({
        "id": file.id.to_string(),
        "uuid": file.debug_id,
        "debugId": file.debug_id,
        "codeId": file.code_id,
        "cpuName": file.arch,
        "objectName": file.name.raw(),
        "symbolType": file.format,
        "size": file.size_bytes,
        "sha1": hex(&file.checksum),
        "dateCreated": file.uploaded.to_string(),
        "headers": { "Content-Type": "application/octet-stream" },
        "data": { "type": file.kind, "features": file.features },
    })
}
