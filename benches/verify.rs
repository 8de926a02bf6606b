//! How long it takes to verify a fix over a million sessions and 100,000 events on the embedded store: median and 99th
//! percentile of whole calls, from arguments to fitted answer.
//!
//! `cargo bench --bench verify`.

#![allow(clippy::print_stdout)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    checkout::Checkouts,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::{SessionStatus, Timestamp, UserKey},
    protocol::{ClockPolicy, Limits},
    store::{Digest, ProjectKey, Record, SessionRecord, SignalSink},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

const SESSIONS: u64 = 1_000_000;
const EVENTS: u64 = 100_000;
const USERS: u64 = 60_000;
const DAYS: u64 = 20;
/// Day of the deploy.
const DEPLOY: u64 = 13;
/// 2026-11-01.
const START: i64 = 1_793_491_200;
const CALLS: usize = 100;
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
];
const NAMES: [&str; 3] = ["Chrome", "Safari", "Firefox"];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(EmbeddedStore::open(&folder.path().join("store"), Options::default()).expect("a store"));
    let started = Instant::now();
    runtime.block_on(fill(&store));
    println!("{SESSIONS} sessions and {EVENTS} events taken in {:.0} s", started.elapsed().as_secs_f64());
    let now = || Timestamp::from_second(START + (DAYS as i64) * 86_400 - 1_800).expect("a time");
    let ctx = Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    let tool = tools::find("verify_fix_since_release").expect("a tool");
    for asked in [
        json!({ "issue": "SHOP-1", "release": "2.3.0", "environment": "production" }),
        json!({ "issue": "SHOP-2", "release": "2.3.0", "environment": "production" }),
        json!({ "issue": "SHOP-1", "release": "2.3.0", "as_of": "2026-11-17T12:20:00Z" }),
    ] {
        let mut times: Vec<Duration> = (0..CALLS)
            .map(|_| {
                let begun = Instant::now();
                let answer = runtime.block_on((tool.call)(ctx.clone(), asked.clone()));
                assert!(!answer.is_error, "{}", answer.text);
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let verdict = runtime.block_on((tool.call)(ctx.clone(), asked.clone())).data["verdict"].clone();
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        let (median, p99) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        println!("{asked} {verdict}: median {:.1} ms, p99 {:.1} ms", millis(median), millis(p99));
    }
}

fn release(day: u64, user: u64) -> &'static str {
    match day {
        d if d < DEPLOY || user.is_multiple_of(10) => "shop@2.2.0",
        _ => "shop@2.3.0",
    }
}

fn dice(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16
}

async fn fill(store: &Arc<EmbeddedStore>) {
    let project = ProjectKey::from(&store.ensure_project("shop").await.expect("a project"));
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
    let mut records = Vec::new();
    for n in 0..SESSIONS {
        let (at, user) = (START + (n * DAYS * 86_400 / SESSIONS) as i64, dice(n) % USERS);
        let started = Timestamp::from_second(at).expect("a time");
        let mut sid = [0; 16];
        sid[..8].copy_from_slice(&dice(n + (1 << 40)).to_be_bytes());
        sid[8..].copy_from_slice(&n.to_be_bytes());
        let mut key = [3; 16];
        key[..8].copy_from_slice(&user.to_be_bytes());
        records.push(Record::Session(SessionRecord {
            sid,
            user: Some(UserKey(key)),
            started,
            timestamp: started,
            status: SessionStatus::Exited,
            errors: 0,
            release: release(n * DAYS / SESSIONS, user).into(),
            environment: Some("production".into()),
            user_agent: Some(AGENTS[(user % 3) as usize].into()),
        }));
        if records.len() == 2_000 {
            let records = std::mem::take(&mut records);
            let digest = Digest { project: project.clone(), received: started, records, outcomes: Vec::new() };
            store.write(digest).await.expect("a write");
        }
    }
    let mut waiting = Vec::new();
    for n in 0..EVENTS {
        let at = START + (n * DAYS * 86_400 / EVENTS) as i64;
        let Some(event) = event(n, at) else { continue };
        let body = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
        let received = Timestamp::from_second(at).expect("a time");
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
    store.fold().await.expect("folding");
}

/// Half of the events are of the first issue, which only Safari has and the new release mends; the second goes on.
fn event(n: u64, at: i64) -> Option<Value> {
    let roll = dice(n + (1 << 50));
    let (day, user) = (n * DAYS / EVENTS, roll / 100 % USERS);
    let issue = if roll.is_multiple_of(2) { 0 } else { roll % 40 };
    let user = if issue == 0 { user / 3 * 3 + 1 } else { user };
    let release = release(day, user);
    if issue == 0 && release == "shop@2.3.0" && roll % 50 > 1 {
        return None;
    }
    let frame = |depth: u64| {
        json!({ "function": format!("step{depth}_{issue}"), "filename": format!("src/part{}.js", depth % 4),
            "lineno": 10 + depth, "in_app": true })
    };
    Some(json!({
        "event_id": format!("{:032x}", u128::from(n + 1) << 64 | u128::from(roll)), "timestamp": at,
        "platform": "javascript", "environment": "production", "release": release, "user": { "id": format!("u{user}") },
        "transaction": format!("/page{}", issue % 7),
        "tags": { "browser.name": NAMES[(user % 3) as usize], "plan": if user.is_multiple_of(4) { "paid" } else { "free" } },
        "exception": { "values": [{ "type": "TypeError", "value": format!("cannot read part {issue} of undefined"),
            "mechanism": { "type": "generic", "handled": false },
            "stacktrace": { "frames": (0..6).map(frame).collect::<Vec<_>>() } }] },
    }))
}
