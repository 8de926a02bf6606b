//! How long `affected_users` and `diagnose_issue` take over ten million events: median and 99th percentile of whole calls, on the embedded
//! store, from arguments to fitted answer. The first run makes the store (minutes).
//!
//! `cargo bench --bench ten_million`, with `-- TEXT` only the questions that hold it.

#![allow(clippy::print_stdout)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    checkout::Checkouts,
    model::Timestamp,
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

#[path = "ten_million/mod.rs"]
mod ten_million;

/// Calls of each kind.
const CALLS: usize = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let store = EmbeddedStore::open(&ten_million::store(), Options::default()).expect("a store");
    let now = || Timestamp::from_second(ten_million::START + ten_million::DAYS * 86_400).expect("a time");
    let ctx = Ctx { store: Arc::new(store), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    // ISSUE: every fifth of the thousand; the biggest ones are asked apart.
    let questions = [
        ("affected_users", json!({ "issue": "ISSUE" })),
        ("affected_users", json!({ "issue": "ISSUE", "period": "30d" })),
        ("affected_users", json!({ "issue": "ISSUE", "period": "7d", "environment": "production" })),
        ("affected_users", json!({ "issue": "ISSUE", "period": "30d", "baseline": "all_users" })),
        ("affected_users", json!({ "issue": "SHOP-1" })),
        ("affected_users", json!({ "issue": "SHOP-1", "period": "30d" })),
        ("affected_users", json!({ "issue": "SHOP-3", "period": "7d" })),
        // Half a day before the end: what lies after it has to be left out of the newest sets.
        ("affected_users", json!({ "issue": "ISSUE", "as_of": "2026-11-30T12:00:00Z" })),
        ("diagnose_issue", json!({ "issue": "ISSUE" })),
        ("diagnose_issue", json!({ "issue": "ISSUE", "period": "7d" })),
        ("diagnose_issue", json!({ "issue": "SHOP-1" })),
        ("list_issues", json!({})),
        ("list_issues", json!({ "since_release": "previous" })),
    ];
    let wanted = std::env::args().nth(1).filter(|text| !text.starts_with("--")).unwrap_or_default();
    for (tool, arguments) in questions {
        if !format!("{tool} {arguments}").contains(&wanted) {
            continue;
        }
        let calls = if arguments.to_string().contains("ISSUE") { CALLS } else { CALLS / 5 };
        let mut times: Vec<Duration> = (0..calls).map(|n| asked(&runtime, &ctx, tool, &arguments, n)).collect();
        let first = times[0];
        times.sort_unstable();
        let (median, p99) = (times[calls / 2], times[calls * 99 / 100]);
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "{tool} {arguments}: first {:.1} ms, median {:.1} ms, p99 {:.1} ms",
            millis(first),
            millis(median),
            millis(p99)
        );
    }
}

fn asked(runtime: &tokio::runtime::Runtime, ctx: &Ctx, tool: &str, arguments: &Value, n: usize) -> Duration {
    // By number: they were made in that order.
    let asked = arguments.to_string().replace("ISSUE", &(n * 5 + 1).to_string());
    let asked: Value = serde_json::from_str(&asked).expect("JSON");
    let tool = tools::find(tool).expect("a tool");
    let begun = Instant::now();
    let answer = runtime.block_on((tool.call)(ctx.clone(), asked));
    assert!(!answer.is_error, "{}", answer.text);
    begun.elapsed()
}
