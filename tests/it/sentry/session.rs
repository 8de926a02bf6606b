//! How many requests questions cost, how old answers say they are, and what a writer sees of a write.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{
    double::{self, EVENT, double, file, store},
    reading::{call, ctx},
};

const REPLAY: &str = "abcdef0123456789abcdef0123456789";

/// The double, and a replay.
fn with_replay(request: &Request) -> ResponseTemplate {
    let segments = format!("/api/0/projects/acme/shop/replays/{REPLAY}/recording-segments/");
    let replay = format!("/api/0/organizations/acme/replays/{REPLAY}/");
    let answer = match request.url.path() {
        path if path == replay => Some(json!({ "data": {
            "id": REPLAY, "project_id": "1", "started_at": "2026-11-20T10:59:40Z", "finished_at": "2026-11-20T11:00:05Z",
            "urls": ["https://shop.example/cart"], "error_ids": [EVENT], "trace_ids": [], "count_segments": 1,
            "releases": ["shop@2.3.0"], "environment": "production", "replay_type": "session", "is_archived": false
        }})),
        path if path == segments => Some(json!([[
            { "type": 4, "timestamp": 1_795_172_380_000_i64, "data": { "href": "https://shop.example/cart" } }
        ]])),
        "/api/0/organizations/acme/issues/SHOP-2/" => {
            let mut issue = file("issue");
            (issue["id"], issue["shortId"]) = (json!("102"), json!("SHOP-2"));
            Some(issue)
        }
        "/api/0/organizations/acme/issues/SHOP-2/events/recommended/" => Some(file("event")),
        _ => double::answer(request),
    };
    match answer {
        Some(json) => ResponseTemplate::new(200).set_body_json(json),
        None => ResponseTemplate::new(404).set_body_json(json!({ "detail": "not here" })),
    }
}

async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let path = |request: &Request| request.url.as_str().split_once("/api/0/").unwrap_or_default().1.to_owned();
    requests.iter().map(path).collect()
}

/// What the official server needs 45 requests for.
fn session() -> [(&'static str, Value); 10] {
    [
        ("list_issues", json!({"since_release": "shop@2.3.0"})),
        ("get_event", json!({"issue": "SHOP-1"})),
        ("get_event", json!({"issue": "SHOP-1"})),
        ("affected_users", json!({"issue": "SHOP-1"})),
        ("affected_users", json!({"issue": "SHOP-1", "by": ["browser"]})),
        ("get_replay_summary", json!({"replay": REPLAY})),
        ("list_releases", json!({})),
        ("get_event", json!({"issue": "SHOP-2"})),
        ("verify_fix_since_release", json!({"issue": "SHOP-1", "release": "shop@2.3.0"})),
        ("get_event", json!({"issue": "SHOP-1"})),
    ]
}

#[tokio::test]
async fn a_session_costs_less_than_half_of_what_the_official_server_needs() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(with_replay).mount(&server).await;
    let ctx = ctx(store(&server.uri(), "t"));
    let mut before = 0;
    let mut costs = Vec::new();
    for (tool, arguments) in session() {
        let answer = call(&ctx, tool, arguments).await;
        assert!(!answer.is_error, "{tool}: {}", answer.text);
        let sent = asked(&server).await.len();
        costs.push((tool, sent - before));
        before = sent;
    }
    let whole = asked(&server).await;
    assert!(whole.len() <= 22, "{costs:?}\n{}", whole.join("\n"));
    assert_eq!((costs[2].1, costs[4].1, costs[9].1), (0, 0, 0), "{costs:?}");
    let twice: Vec<&String> =
        whole.iter().filter(|one| whole.iter().filter(|other| other == one).count() > 1).collect();
    assert!(twice.is_empty(), "asked twice: {twice:#?}");
    for (tool, arguments) in session() {
        call(&ctx, tool, arguments).await;
    }
    assert_eq!(asked(&server).await.len(), whole.len(), "all of it again costs nothing");
}

#[tokio::test]
async fn a_list_from_cold_asks_for_what_it_shows() {
    let server = double().await;
    let list = call(&ctx(store(&server.uri(), "t")), "list_issues", json!({"since_release": "shop@2.3.0"})).await;
    assert!(!list.is_error, "{}", list.text);
    let asked = asked(&server).await;
    let of = |what: &str| asked.iter().filter(|path| path.contains(what)).count();
    // Neither what kind of server it is nor its projects are asked for.
    assert_eq!((of("settings"), of("organizations/acme/projects/")), (0, 0), "{asked:#?}");
    assert_eq!((of("/releases/"), of("acme/issues/"), of("/sessions/")), (1, 1, 2), "{asked:#?}");
    assert!(asked.len() <= 7, "{asked:#?}");
}

#[tokio::test]
async fn a_project_is_looked_up_by_its_name_alone() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    call(&ctx, "list_releases", json!({"project": "shop"})).await;
    let last = |asked: &[String]| asked.iter().filter(|path| path.contains("field=max%28timestamp%29")).count();
    assert_eq!(last(&asked(&server).await), 0);
    let projects = call(&ctx, "list_projects", json!({})).await;
    assert!(projects.data["projects"][0]["last_event"].is_string(), "{}", projects.text);
    let asked = asked(&server).await;
    assert_eq!(asked.iter().filter(|path| path.starts_with("organizations/acme/projects/")).count(), 1, "{asked:#?}");
}

#[tokio::test]
async fn an_answer_is_as_old_as_its_oldest_part() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let list = call(&ctx, "list_issues", json!({"since_release": "shop@2.3.0"})).await;
    assert_eq!(list.data["source"]["freshness"], "live", "{}", list.text);
    let sent = asked(&server).await.len();
    let releases = call(&ctx, "list_releases", json!({})).await;
    assert!(asked(&server).await.len() > sent, "counts are asked for");
    assert_eq!(releases.data["source"]["freshness"], "cached", "the releases were known: {}", releases.text);
}

/// A server that resolves its first issue when it is told to, and whose lists take their time.
async fn deciding() -> MockServer {
    let server = MockServer::start().await;
    let resolved = AtomicBool::new(false);
    let respond = move |request: &Request| {
        if request.method == "PUT" {
            resolved.store(true, Ordering::SeqCst);
        }
        let Some(mut json) = double::answer(request) else { return ResponseTemplate::new(404) };
        if let Some(first) = json.get_mut(0).filter(|first| first["shortId"] == "SHOP-1") {
            if resolved.load(Ordering::SeqCst) {
                first["status"] = json!("resolved");
            }
            return ResponseTemplate::new(200).set_body_json(json).set_delay(Duration::from_millis(500));
        }
        ResponseTemplate::new(200).set_body_json(json)
    };
    Mock::given(any()).respond_with(respond).mount(&server).await;
    server
}

#[tokio::test]
async fn a_writer_sees_the_write_whatever_was_asked_before_it() {
    let server = deciding().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let status = |list: &Value| {
        let issues = list["issues"].as_array().unwrap();
        issues.iter().find(|issue| issue["short_id"] == "SHOP-1").unwrap()["status"].clone()
    };
    let before = call(&ctx, "list_issues", json!({"sort": "last_seen"})).await;
    assert_eq!(status(&before.data), "unresolved", "{}", before.text);
    // This one is under way when the issue is resolved, and comes back with what was.
    let other = ctx.clone();
    let slow = tokio::spawn(async move { call(&other, "list_issues", json!({"sort": "events"})).await });
    while asked(&server).await.iter().filter(|path| path.contains("sort=freq")).count() == 0 {
        tokio::task::yield_now().await;
    }
    let done = call(&ctx, "update_issue", json!({"issue": "SHOP-1", "status": "resolved"})).await;
    assert!(!done.is_error, "{}", done.text);
    for sort in ["last_seen", "events"] {
        let after = call(&ctx, "list_issues", json!({"sort": sort})).await;
        assert_eq!(status(&after.data), "resolved", "{sort}: {}", after.text);
    }
    assert_eq!(status(&slow.await.unwrap().data), "unresolved");
}
