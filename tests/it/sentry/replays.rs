//! Replays of a Sentry server: recordings in pages, segments that never came, replays that aren't there.

use serde_json::{Value, json};
use wiremock::{MockServer, Request};

use super::{
    double::{double, store},
    reading::{call, ctx},
};
use crate::replay::app::{App, START, element, text};

/// A replay of 205 segments but for one that never came.
pub const REPLAY: &str = "00112233445566778899aabbccddeeff";
/// A replay that its owner deleted.
const ARCHIVED: &str = "0f0e0d0c0b0a09080706050403020100";
const SEGMENTS: u64 = 205;
const LOST: u64 = 150;
const BEGAN_MS: i64 = 1_795_168_800_000;
const SEGMENT_MS: u64 = 5_000;

/// What the double answers about replays.
pub fn answer(request: &Request, parts: &[&str]) -> Option<Value> {
    match parts {
        ["organizations", "acme", "replays"] => Some(json!({ "data": [] })),
        ["organizations", "acme", "replays", id] => described(id),
        ["projects", "acme", "shop", "replays", REPLAY, "recording-segments"] => Some(segments(request)),
        _ => None,
    }
}

fn described(id: &str) -> Option<Value> {
    let data = json!({
        "id": id, "project_id": "1", "trace_ids": [], "error_ids": [], "environment": "production", "tags": {},
        "user": { "id": "42", "username": null, "email": "ada@example.com", "ip": null, "display_name": "42", "geo": {} },
        "sdk": { "name": "sentry.javascript.browser", "version": "10.1.0" },
        "os": { "name": "Windows", "version": "10.0.19045" }, "browser": { "name": "Firefox", "version": "142.0.1" },
        "device": { "name": "Other", "brand": null, "model": null, "family": "Other" }, "ota_updates": {},
        "is_archived": id == ARCHIVED, "urls": ["https://shop.example/cart"], "clicks": [], "count_dead_clicks": 0,
        "count_rage_clicks": 0, "count_errors": 0, "duration": 1025, "started_at": "2026-11-20T10:00:00+00:00",
        "finished_at": "2026-11-20T10:17:05+00:00", "activity": 4, "count_urls": 1, "replay_type": "session",
        "count_segments": SEGMENTS - 1, "platform": "javascript", "releases": ["shop@2.3.0"], "dist": null,
        "count_warnings": 0, "count_infos": 0, "has_viewed": false,
    });
    [REPLAY, ARCHIVED].contains(&id).then(|| json!({ "data": data }))
}

/// A page of segments; without `download` it is their numbers.
fn segments(request: &Request) -> Value {
    let one = |key: &str| request.url.query_pairs().find(|(k, _)| k == key).map(|(_, value)| value.into_owned());
    let skip: usize = one("cursor").unwrap().split(':').nth(1).unwrap().parse().unwrap();
    let page = (0..SEGMENTS).filter(|n| *n != LOST).skip(skip).take(one("per_page").unwrap().parse().unwrap());
    if one("download").is_none() {
        let row = |n| json!({ "replayId": REPLAY, "segmentId": n, "projectId": "1", "dateAdded": null });
        return json!({ "data": page.map(row).collect::<Vec<_>>() });
    }
    page.map(recorded).collect()
}

/// One click a segment, a second after it began; the page itself stands in the first.
fn recorded(n: u64) -> Value {
    let mut app = match n {
        0 => App::new(vec![element(10, "button", json!({ "id": "add" }), vec![text(11, "Add")])]),
        _ => App { events: Vec::new() },
    };
    app.click(i64::try_from(n * SEGMENT_MS).unwrap() + 1_000, 10);
    let later = |mut event: Value| {
        event["timestamp"] = (event["timestamp"].as_i64()? - START + BEGAN_MS).into();
        Some(event)
    };
    app.events.into_iter().filter_map(later).collect()
}

async fn paths(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| format!("{}?{}", request.url.path(), request.url.query().unwrap_or(""))).collect()
}

#[tokio::test]
async fn a_long_recording_is_read_page_by_page() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let asked = json!({ "replay": REPLAY, "format": "steps", "max_tokens": 60_000 });
    let told = call(&ctx, "get_replay_summary", asked).await;
    let steps = told.data["steps"].as_array().unwrap_or_else(|| panic!("{}", told.text));
    let clicks: Vec<&Value> = steps.iter().filter(|step| step["kind"] == "click").collect();
    assert_eq!(clicks.len() as u64, SEGMENTS - 1, "{}", told.data);
    let at = |step: &Value| step["at_ms"].as_u64().unwrap();
    assert_eq!(at(clicks[203]) - at(clicks[0]), (SEGMENTS - 1) * SEGMENT_MS);
    assert_eq!(at(clicks[150]) - at(clicks[149]), 2 * SEGMENT_MS, "the lost one left a gap");
    let asked = paths(&server).await;
    let segments = asked.iter().filter(|path| path.contains("recording-segments"));
    let (contents, numbers): (Vec<&String>, Vec<&String>) = segments.partition(|path| path.contains("download=true"));
    assert_eq!((contents.len(), numbers.len()), (3, 3), "{asked:?}");
}

#[tokio::test]
async fn a_segment_that_never_came_is_a_gap_and_the_replay_is_not_whole() {
    let server = double().await;
    let told = call(&ctx(store(&server.uri(), "t")), "get_replay_summary", json!({ "replay": REPLAY })).await;
    let replay = &told.data["replay"];
    assert_eq!(replay["complete"], false, "{}", told.data);
    let gaps = replay["gaps"].as_array().unwrap();
    assert_eq!((gaps.len(), &gaps[0]["segment"], &gaps[0]["kind"]), (1, &json!(LOST), &json!("missing")));
}

#[tokio::test]
async fn browser_system_and_user_are_told_as_the_server_knows_them() {
    let server = double().await;
    let told = call(&ctx(store(&server.uri(), "t")), "get_replay_summary", json!({ "replay": REPLAY })).await;
    let replay = &told.data["replay"];
    assert_eq!((&replay["browser"], &replay["os"]), (&json!("Firefox 142.0"), &json!("Windows 10.0")));
    assert!(replay["device"].is_null(), "{replay}");
    assert_eq!(replay["release"], "shop@2.3.0");
    let user = replay["user"].as_str().unwrap();
    assert!(user.starts_with("user-") && !told.data.to_string().contains("ada@example.com"), "{replay}");
}

#[tokio::test]
async fn replays_that_are_not_there_are_not_found() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    for asked in [
        json!({ "replay": "ffffffffffffffffffffffffffffffff" }),
        json!({ "replay": ARCHIVED }),
        json!({ "replay": REPLAY, "environment": "staging" }),
    ] {
        let told = call(&ctx, "get_replay_summary", asked.clone()).await;
        assert_eq!(told.data["error"]["kind"], "not_found", "{asked}: {}", told.text);
    }
    assert!(!paths(&server).await.iter().any(|path| path.contains("recording-segments")));
}
