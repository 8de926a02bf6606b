//! When a fix arrived, asked directly and over the Web API, for a fix that arrives in each hour of a day.
//! The days are the last of a month and of a year, so that what comes before and after lies in others.

use std::sync::Arc;

use prodsignal::{
    backend::{
        embedded::{self, EmbeddedStore},
        sentry::{self, SentryStore, Token},
    },
    checkout::Checkouts,
    store::SignalStore,
    tools::{Ctx, Defaults},
};
use serde_json::{Value, json};

use super::reading::call;
use crate::program::{Store, now};

/// The last days of a year and of a month, in seconds.
const DAYS: [&str; 2] = ["2025-12-31T00:00:00Z", "2026-10-31T00:00:00Z"];
/// Between two sessions of a release, in hours.
const EVERY_H: i64 = 6;

fn text(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

fn session(second: i64, package: &str, version: &str, environment: &str) -> String {
    let row = json!({ "started": text(second), "exited": 30 });
    let attributes = json!({ "release": format!("{package}@{version}"), "environment": environment });
    let sessions = json!({ "aggregates": [row], "attrs": attributes });
    format!("{{}}\n{{\"type\":\"sessions\"}}\n{sessions}\n")
}

/// A failure of the release without the fix.
fn failure(nth: usize, second: i64, package: &str) -> String {
    let frame = json!({ "function": package, "filename": format!("{package}.js"), "in_app": true });
    let exception = json!({ "type": "Error", "value": package, "stacktrace": { "frames": [frame] } });
    let event = json!({
        "event_id": format!("{:032x}", (second as u128) << 16 | nth as u128), "timestamp": second, "platform": "javascript",
        "release": format!("{package}@1.0.0"), "environment": "production", "user": { "id": second.to_string() },
        "exception": { "values": [exception] },
    });
    format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
}

/// A package whose fix arrives at that moment; the day before somebody tried it elsewhere.
fn fixed(nth: usize, package: &str, arrived: i64) -> Vec<String> {
    let mut lines = vec![session(arrived - 29 * 3_600, package, "1.1.0", "staging")];
    for n in 1..=12 {
        lines.push(session(arrived - n * EVERY_H * 3_600, package, "1.0.0", "production"));
        lines.push(failure(nth, arrived - n * EVERY_H * 3_600 + 60, package));
    }
    lines.extend((0..8).map(|n| session(arrived + n * EVERY_H * 3_600, package, "1.1.0", "production")));
    lines
}

/// What is compared: where both sides begin and end, and what lies there.
fn sides(answer: &Value) -> Value {
    let deployed = answer["deployed_at"].as_str().and_then(|at| at.get(..13));
    json!([answer["verdict"], deployed, answer["before"], answer["after"]])
}

#[tokio::test]
async fn a_fix_is_dated_by_the_hour_whenever_it_arrives() {
    let days = DAYS.map(|day| day.parse::<jiff::Timestamp>().unwrap().as_second());
    let fixes: Vec<(String, i64)> = days
        .into_iter()
        .flat_map(|day| (0..24).map(move |hour| day + hour * 3_600 + 983))
        .enumerate()
        .map(|(nth, arrived)| (format!("p{nth:02}"), arrived))
        .collect();
    let store = Store::new();
    let lines = fixes.iter().enumerate().flat_map(|(nth, (package, arrived))| fixed(nth, package, *arrived));
    store.import("shop", &lines.collect::<Vec<_>>());
    let server = store.serve();
    let tools = |store: Arc<dyn SignalStore>| Ctx {
        store,
        now,
        defaults: Defaults::default(),
        writes: None,
        code: Checkouts::none(),
    };
    let direct = tools(Arc::new(EmbeddedStore::open(&store.path(), embedded::Options::default()).unwrap()));
    let (url, org) = (Some(server.url.clone()), Some("any".to_owned()));
    let options = sentry::Options { url, org, ..sentry::Options::new(Token::new("any").unwrap(), now) };
    let through = tools(Arc::new(SentryStore::new(options).unwrap()));
    for (package, arrived) in &fixes {
        let as_of = text(arrived + 46 * 3_600);
        let period = format!("{}/{as_of}", text(arrived - 14 * 86_400));
        let listed = json!({ "query": format!("message:{package}"), "period": period, "as_of": as_of });
        let issue = call(&direct, "list_issues", listed).await.data["issues"][0]["short_id"].clone();
        let release = format!("{package}@1.1.0");
        let asked = json!({ "issue": issue, "release": release, "environment": "production", "as_of": as_of });
        let one = call(&direct, "verify_fix_since_release", asked.clone()).await.data;
        let mut other = Value::Null;
        // On a busy machine a request may take longer than it is given.
        for _ in 0..5 {
            other = call(&through, "verify_fix_since_release", asked.clone()).await.data;
            if other["error"]["kind"] != "timeout" {
                break;
            }
        }
        let hour = text(arrived.div_euclid(3_600) * 3_600);
        assert_eq!(one["after"]["start"], hour, "{one}");
        assert_eq!(sides(&one), sides(&other), "a fix at {}: {one} against {other}", text(*arrived));
    }
}
