//! How long tools take over a busy Sentry organisation of 120 issues and 6,000 events, each of whose answers comes after
//! 80 ms, and how many requests that costs: each call from cold, then a session of ten.
//!
//! `cargo bench --bench sentry`.

#![allow(clippy::print_stdout, clippy::unwrap_used, dead_code, missing_docs)]

#[path = "../tests/it/sentry/busy.rs"]
mod busy;

/// What the made-up organisation takes from the tests' double.
mod double {
    pub fn file(name: &str) -> serde_json::Value {
        let path = format!("{}/tests/data/sentry/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }
}

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prodsignal::{
    backend::sentry::{Options, SentryStore, Token},
    checkout::Checkouts,
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, matchers::any};

use busy::{Busy, REPLAY, release};

const DELAY: Duration = Duration::from_millis(80);
/// Calls of each kind.
const CALLS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Busy::new(DELAY)).mount(&server).await;
    for (tool, arguments) in session() {
        let (mut times, mut requests) = (Vec::new(), 0);
        for _ in 0..CALLS {
            let ctx = cold(&server);
            let before = sent(&server).await;
            times.push(timed(&ctx, tool, &arguments).await);
            requests = sent(&server).await - before;
        }
        times.sort_unstable();
        println!("{tool} {arguments}: median {} ms, {requests} requests", times[CALLS / 2].as_millis());
    }
    let (ctx, before, mut whole) = (cold(&server), sent(&server).await, Duration::ZERO);
    for (tool, arguments) in session() {
        whole += timed(&ctx, tool, &arguments).await;
    }
    println!("the session: {} ms, {} requests", whole.as_millis(), sent(&server).await - before);
}

fn session() -> [(&'static str, Value); 10] {
    let issue = json!({ "issue": "SHOP-3" });
    [
        ("list_issues", json!({ "since_release": release(5) })),
        ("get_event", issue.clone()),
        ("get_event", issue.clone()),
        ("affected_users", issue.clone()),
        ("affected_users", json!({ "issue": "SHOP-3", "by": ["browser"] })),
        ("get_replay_summary", json!({ "replay": REPLAY })),
        ("list_releases", json!({})),
        ("get_event", json!({ "issue": "SHOP-9" })),
        ("verify_fix_since_release", json!({ "issue": "SHOP-3", "release": release(5) })),
        ("get_event", issue),
    ]
}

fn cold(server: &MockServer) -> Ctx {
    let options = Options::new(Token::new("sntryu_bench").unwrap(), busy::now);
    let options = Options { url: Some(server.uri()), org: Some("acme".to_owned()), ..options };
    let store = Arc::new(SentryStore::new(options).unwrap());
    Ctx { store, now: busy::now, defaults: Defaults::default(), writes: None, code: Checkouts::none() }
}

async fn sent(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

async fn timed(ctx: &Ctx, tool: &str, arguments: &Value) -> Duration {
    let begun = Instant::now();
    let answer = (tools::find(tool).unwrap().call)(ctx.clone(), arguments.clone()).await;
    assert!(!answer.is_error, "{tool}: {}", answer.text);
    begun.elapsed()
}
