//! What questions cost over a busy organisation: requests, and who waits for whom.

use std::time::Duration;

use prodsignal::backend::sentry::{Options, SentryStore};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, matchers::any};

use super::{
    busy::{self, Busy, ESCALATING, NEW, REGRESSED, REPLAY, release},
    double::options,
    reading::{call, ctx},
};

async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Busy::new(Duration::ZERO)).mount(&server).await;
    server
}

fn store(server: &MockServer) -> SentryStore {
    // What is counted is requests: a busy machine may take its time.
    let (request_timeout, call_timeout) = (Duration::from_secs(60), Duration::from_secs(300));
    let options = Options { now: busy::now, request_timeout, call_timeout, ..options(&server.uri(), "t") };
    SentryStore::new(options).unwrap()
}

async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let path = |request: &Request| request.url.as_str().split_once("/api/0/").unwrap_or_default().1.to_owned();
    requests.iter().map(path).collect()
}

fn short_ids(list: &Value) -> Vec<String> {
    let issues = list["issues"].as_array().unwrap();
    issues.iter().map(|issue| issue["short_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_broke_since_a_release_costs_six_requests_of_120_issues() {
    let server = server().await;
    let ctx = ctx(store(&server));
    let list = call(&ctx, "list_issues", json!({ "since_release": release(5), "max_tokens": 60_000 })).await;
    assert!(!list.is_error, "{}", list.text);
    let sent = asked(&server).await;
    assert!(sent.len() <= 6, "{sent:#?}");
    let shown = short_ids(&list.data);
    for issue in NEW.iter().chain(&REGRESSED).chain(&ESCALATING) {
        assert!(shown.contains(&format!("SHOP-{issue}")), "SHOP-{issue} of {shown:?}");
    }
    assert_eq!(shown.len(), NEW.len() + REGRESSED.len() + ESCALATING.len(), "{shown:?}");
    assert_eq!(shown[0], "SHOP-3", "the new one with most users first");
    assert_eq!(list.data["totals"][0], json!({ "change": "new", "issues": NEW.len() }), "{}", list.data);
    let first = &list.data["issues"][0];
    assert_eq!(first["first_release"], release(5), "{first}");
    assert!(first["why"].as_str().unwrap().contains("absent from the 5 earlier releases"), "{first}");
    assert!(first["share"].as_f64().unwrap() > 0.0, "{first}");
}

#[tokio::test]
async fn pages_of_a_long_list_never_overlap_and_end() {
    let server = server().await;
    let ctx = ctx(store(&server));
    let (mut shown, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..30 {
        let asked = json!({ "since_release": release(5), "change": ["ongoing", "new"], "limit": 20, "cursor": cursor, "max_tokens": 60_000 });
        let list = call(&ctx, "list_issues", asked).await;
        assert!(!list.is_error, "{}", list.text);
        shown.extend(short_ids(&list.data));
        cursor = list.data["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let mut once = shown.clone();
    once.sort();
    once.dedup();
    assert_eq!(shown.len(), once.len(), "{shown:?}");
    assert_eq!(once.len() as u64, busy::ISSUES - (REGRESSED.len() + ESCALATING.len()) as u64);
}

#[tokio::test]
async fn a_session_of_ten_calls_costs_some_twenty_requests() {
    let server = server().await;
    let ctx = ctx(store(&server));
    let session = [
        ("list_issues", json!({ "since_release": release(5) })),
        ("get_event", json!({ "issue": "SHOP-3" })),
        ("get_event", json!({ "issue": "SHOP-3" })),
        ("affected_users", json!({ "issue": "SHOP-3" })),
        ("affected_users", json!({ "issue": "SHOP-3", "by": ["browser"] })),
        ("get_replay_summary", json!({ "replay": REPLAY })),
        ("list_releases", json!({})),
        ("get_event", json!({ "issue": "SHOP-9" })),
        ("verify_fix_since_release", json!({ "issue": "SHOP-3", "release": release(5) })),
        ("get_event", json!({ "issue": "SHOP-3" })),
    ];
    let (mut before, mut costs) = (0, Vec::new());
    for (tool, arguments) in session {
        let answer = call(&ctx, tool, arguments).await;
        assert!(!answer.is_error, "{tool}: {}", answer.text);
        let sent = asked(&server).await.len();
        costs.push((tool, sent - before));
        before = sent;
    }
    let sent = asked(&server).await;
    assert!(sent.len() <= 21, "{costs:?}\n{}", sent.join("\n"));
}

/// While a long question is answered, a short one passes it.
#[tokio::test]
async fn a_cheap_question_never_waits_for_dear_ones() {
    let server = MockServer::start().await;
    let busy = Busy::new(Duration::ZERO);
    let slow = move |request: &Request| {
        let dear = ["/events/", "/sessions/"].iter().any(|end| request.url.path().ends_with(end));
        let answer = wiremock::Respond::respond(&busy, request);
        let answer = answer.insert_header("x-sentry-rate-limit-concurrentlimit", "5");
        // Longer than this test may take.
        if dear { answer.set_delay(Duration::from_secs(3_600)) } else { answer }
    };
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let ctx = ctx(store(&server));
    let dear: Vec<_> = (0..8)
        .map(|n| {
            let ctx = ctx.clone();
            let asked = json!({ "query": format!("level:error browser:b{n}") });
            tokio::spawn(async move { call(&ctx, "search_events", asked).await })
        })
        .collect();
    while asked(&server).await.iter().filter(|path| path.contains("/events/")).count() < 2 {
        tokio::task::yield_now().await;
    }
    let event = call(&ctx, "get_event", json!({ "issue": "SHOP-3" })).await;
    assert!(!event.is_error, "{}", event.text);
    let under_way = asked(&server).await.iter().filter(|path| path.contains("acme/events/")).count();
    assert!(under_way <= 4, "{under_way} of Sentry's places are taken at once");
    dear.iter().for_each(tokio::task::JoinHandle::abort);
}
