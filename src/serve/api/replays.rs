//! Replays: which there are, what is known of them, and their recordings.

use std::collections::HashMap;

use axum::{Json, extract::Path};
use serde_json::{Map, Value, json};

use super::{
    ask::{Ask, read_moment},
    fault::ApiError,
    issue::of_issue,
    issues,
    page::Listed,
    shapes::moment,
};
use crate::{
    ingest::read_agent,
    model::{EventId, Project, Timestamp},
    protocol::{Limits, decode_body},
    serve::{App, gate::Scoped},
    store::{
        Aggregate, Field, Grouper, ReplayFacts, ReplayQuery, Scope, SearchQuery, SegmentFacts, Term, Test,
        Value as Cell,
    },
};

/// Replays of one issue that are named.
const NAMED: usize = 100;
/// Bytes of one segment, unpacked; more is left out.
const SEGMENT_BYTES: usize = 32 << 20;
/// Bytes of the segments of one page, unpacked.
const PAGE_BYTES: usize = 64 << 20;

/// `GET organizations/ORG/replays/`.
pub(super) async fn list(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Listed, ApiError> {
    let scope = ask.scope(&app, None).await?;
    if ask.one("query").is_some_and(|query| !query.trim().is_empty()) {
        return Err(ApiError::bad("replays are not searched here: leave query out"));
    }
    let (skip, limit) = (ask.skip()?, ask.limit()?);
    let (ids, total) = app.host.replay_ids(&scope, skip, limit).await?;
    let projects = issues::projects(&app).await?;
    let mut rows = Vec::new();
    for id in ids {
        rows.push(shape(id, &app.host.replay(&ReplayQuery { scope: scope.clone(), replay: id }).await?, &projects));
    }
    let more = (skip + rows.len()) as u64 != total && !rows.is_empty();
    Listed::new(&ask, json!({ "data": rows }), more, Some(total))
}

/// `GET organizations/ORG/replays/REPLAY/`.
pub(super) async fn details(
    Scoped(app): Scoped,
    Path((_, replay)): Path<(String, String)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let id: EventId = replay.parse().map_err(|_| ApiError::missing())?;
    let scope = ask.scope(&app, None).await?;
    let facts = app.host.replay(&ReplayQuery { scope, replay: id }).await?;
    Ok(Json(json!({ "data": shape(id, &facts, &issues::projects(&app).await?) })))
}

/// A replay in Sentry's shape: what its segments say, put together.
fn shape(id: EventId, facts: &ReplayFacts, projects: &HashMap<String, Project>) -> Value {
    let said: Vec<Value> = facts.headers.iter().filter_map(|json| serde_json::from_slice(json).ok()).collect();
    let last = |key: &str| said.iter().rev().find_map(|part| part.get(key).filter(|value| !value.is_null()));
    let text = |key: &str| last(key).and_then(Value::as_str);
    let times = |key: &str| said.iter().filter_map(|part| time(part.get(key)?)).collect::<Vec<_>>();
    let started = times("replay_start_timestamp").into_iter().chain(times("timestamp")).min();
    let finished = times("timestamp").into_iter().max();
    let duration =
        started.zip(finished).map(|(start, end)| (end.as_millisecond() - start.as_millisecond() + 500) / 1000);
    let names = |keys: [&str; 2]| {
        let mut all: Vec<&str> = Vec::new();
        for list in said.iter().flat_map(|part| keys.iter().filter_map(|key| part.get(*key)?.as_array())) {
            for name in list.iter().filter_map(Value::as_str) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
        all
    };
    let urls: Vec<&str> =
        said.iter().filter_map(|part| part.get("urls")?.as_array()).flatten().filter_map(Value::as_str).collect();
    let agent = last("request").and_then(|request| request.pointer("/headers/User-Agent")).and_then(Value::as_str);
    let agent = agent.map(read_agent).unwrap_or_default();
    let part = |name: &str, read: Option<(&str, Option<String>)>| match last("contexts").and_then(|all| all.get(name)) {
        Some(context) => json!({ "name": context.get("name"), "version": context.get("version") }),
        None => json!({ "name": read.as_ref().map(|part| part.0), "version": read.and_then(|part| part.1) }),
    };
    let errors = names(["error_ids", "errorIds"]);
    let user = last("user");
    let of_user = |key: &str| user.and_then(|user| user.get(key)).cloned().unwrap_or_default();
    json!({
        "id": id.to_string(),
        "project_id": projects.get(&facts.project).map(|project| project.id.to_string()),
        "trace_ids": names(["trace_ids", "traceIds"]),
        "error_ids": errors,
        "environment": text("environment"),
        "tags": tags(last("tags")),
        "user": {
            "id": of_user("id"), "username": of_user("username"), "email": of_user("email"),
            "ip": of_user("ip_address"), "display_name": of_user("username"), "geo": {},
        },
        "sdk": { "name": last("sdk").and_then(|sdk| sdk.get("name")), "version": last("sdk").and_then(|sdk| sdk.get("version")) },
        "os": part("os", agent.os),
        "browser": part("browser", agent.browser),
        "device": { "name": null, "brand": null, "model": agent.device, "family": null },
        "ota_updates": {},
        "is_archived": false,
        "urls": urls,
        "clicks": [],
        "count_dead_clicks": null,
        "count_rage_clicks": null,
        "count_errors": errors.len(),
        "count_segments": facts.segments.len().max(said.len()),
        "count_urls": urls.len(),
        "duration": duration,
        "started_at": started.map(moment),
        "finished_at": finished.map(moment),
        "activity": null,
        "replay_type": text("replay_type").unwrap_or("session"),
        "platform": text("platform"),
        "releases": text("release").into_iter().collect::<Vec<_>>(),
        "dist": text("dist"),
        "has_viewed": false,
    })
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(seconds) => {
            let micros = seconds.as_f64()? * 1e6;
            Timestamp::from_microsecond(micros as i64).ok()
        }
        Value::String(text) => read_moment(text),
        _ => None,
    }
}

/// Names with lists of texts, however they were sent.
fn tags(said: Option<&Value>) -> Value {
    let texts = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        Value::String(_) => vec![value.clone()],
        Value::Null | Value::Object(_) => Vec::new(),
        other => vec![other.to_string().into()],
    };
    match said {
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value)| (key.clone(), texts(value).into())).collect::<Map<_, _>>().into()
        }
        _ => json!({}),
    }
}

/// `GET organizations/ORG/replay-count/`.
pub(super) async fn count(Scoped(app): Scoped, Path(_): Path<String>, ask: Ask) -> Result<Json<Value>, ApiError> {
    let scope = ask.scope(&app, None).await?;
    let query = ask.one("query").unwrap_or("");
    let named = query.trim().trim_start_matches("issue.id:").trim_matches(['[', ']']);
    let named: Vec<String> = named.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
    if !query.trim().starts_with("issue.id:") || named.len() > NAMED {
        return Err(ApiError::bad("query is issue.id:[…] with 100 issues at most"));
    }
    let ids = matches!(ask.one("returnIds"), Some("1" | "true"));
    let mut counts = Map::new();
    for (issue, short) in app.host.issue_names(&named).await? {
        let found = replays_of(&app, &scope, &short).await?;
        counts.insert(issue.to_string(), if ids { found.into() } else { found.len().into() });
    }
    Ok(Json(Value::Object(counts)))
}

async fn replays_of(app: &App, scope: &Scope, short_id: &str) -> Result<Vec<String>, ApiError> {
    let query = SearchQuery {
        scope: scope.clone(),
        filter: vec![of_issue(short_id), Term { negated: false, test: Test::Has(Field::Replay) }],
        group_by: vec![Grouper::Field(Field::Replay)],
        aggregate: vec![Aggregate::Count],
        limit: NAMED,
        ..SearchQuery::default()
    };
    let page = app.host.search(&query).await?;
    let id = |value: &Cell| match value {
        Cell::Text(id) => Some(id.raw().to_owned()),
        _ => None,
    };
    Ok(page.items.iter().filter_map(|row| row.values.first().and_then(id)).collect())
}

/// `GET projects/ORG/PROJECT/replays/REPLAY/recording-segments/`.
pub(super) async fn segments(
    Scoped(app): Scoped,
    Path((_, project, replay)): Path<(String, String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let id: EventId = replay.parse().map_err(|_| ApiError::missing())?;
    let scope = ask.scope(&app, Some(&project)).await?;
    let query = ReplayQuery { scope, replay: id };
    let all = numbered(&app.host.replay(&query).await?);
    let (skip, limit, total) = (ask.skip()?, ask.limit()?, all.len());
    let asked: Vec<(u64, SegmentFacts)> = all.into_iter().skip(skip).take(limit).collect();
    let more = skip + asked.len() < total;
    if ask.one("download").is_none() {
        let row = |(number, _): &(u64, SegmentFacts)| json!({ "replayId": id.to_string(), "segmentId": number });
        let rows: Vec<Value> = asked.iter().map(row).collect();
        return Listed::new(&ask, json!({ "data": rows }), more, Some(total as u64));
    }
    let (mut rows, mut left) = (Vec::new(), PAGE_BYTES);
    for (_, segment) in asked {
        let row = read(&app, &query, segment, left).await?;
        left -= row.1;
        rows.push(row.0);
    }
    Listed::new(&ask, rows.into(), more, Some(total as u64))
}

/// Segments with their numbers; one that has none follows the one before it.
fn numbered(facts: &ReplayFacts) -> Vec<(u64, SegmentFacts)> {
    let mut next = 0;
    let number = |segment: &SegmentFacts| {
        let number = segment.number.unwrap_or(next);
        next = number.saturating_add(1);
        (number, *segment)
    };
    facts.segments.iter().map(number).collect()
}

/// What a segment recorded, and its size in bytes, `left` at most.
async fn read(app: &App, query: &ReplayQuery, segment: SegmentFacts, left: usize) -> Result<(Value, usize), ApiError> {
    let body = app.host.replay_segment(query, segment).await?;
    let read = tokio::task::spawn_blocking(move || recorded(&body, left)).await;
    read.map_err(|_| ApiError::bad("unpacking failed"))
}

/// `GET projects/ORG/PROJECT/replays/REPLAY/recording-segments/N/`.
pub(super) async fn segment(
    Scoped(app): Scoped,
    Path((_, project, replay, number)): Path<(String, String, String, u64)>,
    ask: Ask,
) -> Result<Json<Value>, ApiError> {
    let id: EventId = replay.parse().map_err(|_| ApiError::missing())?;
    let scope = ask.scope(&app, Some(&project)).await?;
    let query = ReplayQuery { scope, replay: id };
    let all = numbered(&app.host.replay(&query).await?);
    let (_, segment) = all.into_iter().find(|(own, _)| *own == number).ok_or_else(ApiError::missing)?;
    Ok(Json(read(&app, &query, segment, PAGE_BYTES).await?.0))
}

/// What a segment recorded; one that can't be read, or is too large, is empty.
fn recorded(body: &[u8], left: usize) -> (Value, usize) {
    let line = body.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let payload = body.get(line..).unwrap_or_default();
    let limits = Limits {
        compressed_bytes: usize::MAX,
        envelope_bytes: SEGMENT_BYTES.min(left),
        ratio: 1_000,
        ..Limits::default()
    };
    let plain = payload.first().is_some_and(|first| matches!(first, b'[' | b'{'));
    let encoding = if plain { None } else { Some("deflate") };
    let Ok(bytes) = decode_body(encoding, payload, &limits) else { return (json!([]), 0) };
    let events = serde_json::from_slice(&bytes).ok().filter(Value::is_array).unwrap_or_else(|| json!([]));
    (events, bytes.len().min(left))
}
