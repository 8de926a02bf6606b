//! What one public key can make dear: so many releases, issues, environments, keys of tags, and twice as many. Prints how long each
//! question takes over each, and how the time grew when the number doubled: 2 is linear, 4 quadratic.
//!
//! `cargo bench --bench flood [N]`: the largest number (20,000).

#![allow(clippy::print_stdout)]

use std::{sync::Arc, time::Instant};

use prodsignal::{
    backend::embedded::{Caps, EmbeddedStore, Options},
    checkout::Checkouts,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::{ClockPolicy, Limits},
    store::{ProjectKey, SignalSink},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

/// 2026-11-20.
const START: i64 = 1_795_132_800;
/// Events of one envelope.
const AT_ONCE: u64 = 500;

fn main() {
    let most = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(20_000_u64);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for what in ["releases", "issues", "environments", "tag keys"] {
        let mut before: Option<Vec<f64>> = None;
        for count in [most / 4, most / 2, most] {
            let times = runtime.block_on(measured(what, count));
            for (at, (tool, seconds)) in times.iter().enumerate() {
                let grew = before.as_ref().map(|before| format!(", {:.1} times", seconds / before[at].max(0.001)));
                println!("{count} {what}: {tool} {:.0} ms{}", seconds * 1_000.0, grew.unwrap_or_default());
            }
            before = Some(times.into_iter().map(|(_, seconds)| seconds).collect());
        }
    }
}

/// Seconds of each question over a store with so many of them.
async fn measured(what: &str, count: u64) -> Vec<(&'static str, f64)> {
    let folder = tempfile::tempdir().expect("a folder");
    let caps =
        Caps { releases: u64::MAX, issues: u64::MAX, environments: u64::MAX, tag_keys: u64::MAX, values: u64::MAX };
    let options = Options { caps, ..Options::default() };
    let store = Arc::new(EmbeddedStore::open(&folder.path().join("store"), options).expect("a store"));
    let project = ProjectKey::from(&store.ensure_project("shop").await.expect("a project"));
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new(store.pseudonym_key())), Limits::default());
    let received = Timestamp::from_second(START + 3_600).expect("a time");
    for first in (0..count).step_by(AT_ONCE as usize) {
        let items: String = (first..count.min(first + AT_ONCE))
            .map(|n| format!("{{\"type\":\"event\"}}\n{}\n", event(what, n)))
            .collect();
        let digest = ingest.envelope(&project, format!("{{}}\n{items}").as_bytes(), received, ClockPolicy::AsSent);
        store.write(digest.expect("an envelope").digest).await.expect("stored");
    }
    let now = || Timestamp::from_second(START + 7_200).expect("a time");
    let ctx = Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() };
    let mut times = Vec::new();
    for (tool, asked) in [
        ("list_releases", json!({})),
        ("list_issues", json!({})),
        ("list_issues", json!({ "since_release": "latest" })),
        ("search_events", json!({ "group_by": ["environment"], "aggregate": ["count()"] })),
        ("affected_users", json!({ "issue": "SHOP-1" })),
        ("diagnose_issue", json!({ "issue": "SHOP-1" })),
        ("verify_fix_since_release", json!({ "issue": "SHOP-1", "release": "latest" })),
    ] {
        let begun = Instant::now();
        let answer = (tools::find(tool).expect("a tool").call)(ctx.clone(), asked).await;
        assert!(!answer.is_error, "{}", answer.text);
        times.push((tool, begun.elapsed().as_secs_f64()));
    }
    times
}

fn event(what: &str, n: u64) -> Value {
    let word: String = n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    let of = |kind: &str, many: String, one: &str| if what == kind { many } else { one.to_owned() };
    let function = of("issues", format!("brew{word}"), "brew");
    json!({
        "event_id": format!("{:032x}", u128::from(n) + (7 << 64)), "timestamp": START + (n % 3_000) as i64,
        "release": of("releases", format!("shop@{n}.0.0"), "shop@1.0.0"),
        "environment": of("environments", format!("stage-{word}"), "production"),
        "tags": { of("tag keys", format!("key-{word}"), "plan"): "a" }, "user": { "id": (n % 500).to_string() },
        "exception": { "values": [{ "type": "Error", "value": "failed", "stacktrace": { "frames": [
            { "function": function, "filename": "a.js", "lineno": 1, "in_app": true }] } }] },
    })
}
