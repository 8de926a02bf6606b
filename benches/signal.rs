//! How long a tool's answer takes over 100,000 events: median and 99th percentile of whole calls, on the embedded
//! store, from arguments to fitted answer. And what starting the program costs: spawn to the answer of `tools/list`.
//!
//! `cargo bench --bench signal`.

#![allow(clippy::print_stdout)]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    checkout::Checkouts,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::{ClockPolicy, Limits},
    store::{ProjectKey, SignalSink},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

const EVENTS: u64 = 100_000;
const ISSUES: u64 = 120;
const USERS: u64 = 9_000;
const DAYS: u64 = 30;
/// 2026-11-01.
const START: i64 = 1_793_491_200;
/// Calls of each kind.
const CALLS: usize = 400;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(EmbeddedStore::open(&folder.path().join("store"), Options::default()).expect("a store"));
    let started = Instant::now();
    runtime.block_on(fill(&store));
    println!("{EVENTS} events ingested in {:.1} s, without HTTP", started.elapsed().as_secs_f64());
    let now = || Timestamp::from_second(START + (DAYS as i64) * 86_400 - 1_800).expect("a time");
    let ctx = Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    let ids = runtime.block_on(short_ids(&ctx));
    for (tool, arguments) in questions() {
        let mut times: Vec<Duration> = (0..CALLS)
            .map(|n| {
                // Another issue each time: nothing may live on an answer given before.
                let asked = arguments.to_string().replace("ISSUE", &ids[n % ids.len()]);
                let asked: Value = serde_json::from_str(&asked).expect("JSON");
                let tool = tools::find(tool).expect("a tool");
                let begun = Instant::now();
                let answer = runtime.block_on((tool.call)(ctx.clone(), asked));
                assert!(!answer.is_error, "{}", answer.text);
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (median, p99) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        println!("{tool} {arguments}: median {:.2} ms, p99 {:.2} ms", millis(median), millis(p99));
    }
    start_up();
}

fn questions() -> Vec<(&'static str, Value)> {
    vec![
        ("list_issues", json!({})),
        ("list_issues", json!({ "since_release": "previous" })),
        ("list_issues", json!({ "period": "30d", "sort": "users" })),
        ("affected_users", json!({ "issue": "ISSUE", "period": "30d" })),
        ("affected_users", json!({ "issue": "SHOP-1", "period": "30d" })),
        ("diagnose_issue", json!({ "issue": "ISSUE", "period": "30d" })),
        ("diagnose_issue", json!({ "issue": "SHOP-1", "period": "30d" })),
        ("get_event", json!({ "issue": "ISSUE" })),
        ("list_releases", json!({ "period": "30d" })),
        (
            "search_events",
            json!({ "period": "30d", "group_by": ["release"], "aggregate": ["count()", "count_unique(user)"] }),
        ),
    ]
}

/// The short ids that there are.
async fn short_ids(ctx: &Ctx) -> Vec<String> {
    let list = tools::find("list_issues").expect("a tool");
    let asked = json!({ "period": "30d", "limit": 100, "max_tokens": 60_000 });
    let answer = (list.call)(ctx.clone(), asked).await;
    let issues = answer.data["issues"].as_array().expect("issues");
    issues.iter().filter_map(|issue| issue["short_id"].as_str().map(str::to_owned)).collect()
}

async fn fill(store: &Arc<EmbeddedStore>) {
    let project = ProjectKey::from(&store.ensure_project("shop").await.expect("a project"));
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
    let mut waiting = Vec::new();
    for n in 0..EVENTS {
        let at = START + (n * DAYS * 86_400 / EVENTS) as i64;
        let received = Timestamp::from_second(at).expect("a time");
        let body = format!("{{}}\n{{\"type\":\"event\"}}\n{}\n", event(n, at));
        let taken = ingest.envelope(&project, body.as_bytes(), received, ClockPolicy::AsSent).expect("an envelope");
        let store = Arc::clone(store);
        waiting.push(tokio::spawn(async move { store.write(taken.digest).await.expect("room") }));
        if waiting.len() == 500 {
            for write in waiting.drain(..) {
                write.await.expect("a write");
            }
        }
    }
    for write in waiting {
        write.await.expect("a write");
    }
}

/// A third of the events is of the first issue, the rest is spread; one in ten users is busy.
fn event(n: u64, at: i64) -> Value {
    let dice = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
    let issue = match n {
        0..ISSUES => n,
        _ if dice.is_multiple_of(3) => 0,
        _ => dice % ISSUES,
    };
    let user = if dice % 10 < 3 { dice / 10 % (USERS / 10) } else { dice / 10 % USERS };
    let browser = ["Chrome", "Firefox", "Safari", "Edge"][(dice / 7 % 4) as usize];
    let system = ["Windows", "macOS", "Android"][(user % 3) as usize];
    let frame = |depth: u64| {
        json!({ "function": format!("step{depth}_{issue}"), "module": format!("shop.part{}", depth % 4),
            "filename": format!("src/part{}.js", depth % 4), "lineno": 10 + depth, "in_app": !depth.is_multiple_of(3),
            "context_line": "    const total = cart.lines.reduce(sum, 0)" })
    };
    let crumb =
        |k: u64| json!({ "timestamp": at - 9 + k as i64, "category": "fetch", "message": format!("GET /api/{k}") });
    json!({
        "event_id": format!("{:032x}", u128::from(n + 1) << 64 | u128::from(dice)),
        "timestamp": at, "platform": "javascript",
        "environment": if dice.is_multiple_of(20) { "staging" } else { "production" },
        "release": format!("shop@2.{}.0", n * 12 / EVENTS),
        "exception": { "values": [{ "type": "TypeError", "value": format!("cannot read part {issue} of undefined"),
            "mechanism": { "type": "generic", "handled": !dice.is_multiple_of(5) },
            "stacktrace": { "frames": (0..12).map(frame).collect::<Vec<_>>() } }] },
        "breadcrumbs": (0..9).map(crumb).collect::<Vec<_>>(),
        "user": { "id": format!("u{user}") },
        "tags": { "plan": if user.is_multiple_of(4) { "paid" } else { "free" }, "region": format!("r{}", user % 12) },
        "contexts": { "browser": { "name": browser, "version": format!("{}.0", 120 + dice % 9) },
            "os": { "name": system, "version": "14" }, "device": { "model": format!("model {}", user % 30) } },
        "request": { "url": format!("https://shop.example/cart/{}", dice % 50), "method": "POST" },
    })
}

fn start_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut times: Vec<Duration> = (0..60).map(|_| spawn_to_list(folder.path())).collect();
    times.sort_unstable();
    println!("spawn to tools/list: median {:.2} ms, worst of 60 {:.2} ms", millis(times[30]), millis(times[59]));
}

fn spawn_to_list(folder: &std::path::Path) -> Duration {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_prodsignal"))
        .arg("--store")
        .arg(folder.join("store"))
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("standard input");
    let greeting = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" } } });
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    write!(stdin, "{greeting}\n{ready}\n{list}\n").expect("a reader");
    stdin.flush().expect("a reader");
    let answers = BufReader::new(child.stdout.take().expect("standard output")).lines().take(2);
    assert_eq!(answers.map_while(Result::ok).count(), 2);
    let taken = begun.elapsed();
    drop(stdin);
    child.wait().expect("its end");
    taken
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
