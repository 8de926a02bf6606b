//! What a shop of three services tells beside errors, asked by one call each. Captured from real Sentry SDKs.

use std::{io::Write, process::Stdio, sync::OnceLock};

use serde_json::{Value, json};

use crate::program::Store;

/// The store that all tests here read.
fn shop() -> &'static Store {
    static SHOP: OnceLock<Store> = OnceLock::new();
    SHOP.get_or_init(|| {
        let store = Store::of_captures();
        for service in ["web", "api", "worker"] {
            let packed =
                std::fs::read(format!("{}/tests/data/till/till-{service}.ndjson.zst", env!("CARGO_MANIFEST_DIR")));
            let lines = zstd::decode_all(&*packed.unwrap()).unwrap();
            let project = format!("till-{service}");
            let mut child = store
                .command(&["--project", &project, "import", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&lines).unwrap();
            assert!(child.wait().unwrap().success());
        }
        store
    })
}

fn search(mut arguments: Value) -> Vec<Value> {
    arguments["period"] = "24h".into();
    arguments["as_of"] = "2026-11-30T23:59:00Z".into();
    arguments["max_tokens"] = 20_000.into();
    let found = shop().call("search_events", arguments.clone());
    found["rows"].as_array().unwrap_or_else(|| panic!("{arguments}: {found}")).clone()
}

#[test]
fn everything_that_is_kept_can_be_counted() {
    let spans = search(json!({ "kind": "span", "group_by": ["project"] }));
    let counts: Vec<(&str, u64)> =
        spans.iter().map(|row| (row["project"].as_str().unwrap(), row["count()"].as_u64().unwrap())).collect();
    assert_eq!(counts, [("till-web", 2863), ("till-api", 620), ("till-worker", 80)]);
    assert_eq!(search(json!({ "kind": "log", "aggregate": ["count()"] }))[0]["count()"], 967);
    assert_eq!(search(json!({ "kind": "feedback", "aggregate": ["count()"] }))[0]["count()"], 10);
    let users =
        search(json!({ "kind": "transaction", "project": "till-api", "aggregate": ["count()", "count_unique(user)"] }));
    assert_eq!((&users[0]["count()"], &users[0]["count_unique(user)"]), (&json!(299), &json!(94)));
}

#[test]
fn slow_requests_and_missed_jobs_are_told() {
    let slow = search(json!({ "kind": "transaction", "query": "transaction:/report", "group_by": ["release"],
        "aggregate": ["count()", "p50(duration)", "max(queries)"] }));
    let newest = slow.iter().find(|row| row["release"] == "till-api@2.0.0").unwrap();
    assert_eq!((&newest["count()"], &newest["max(queries)"]), (&json!(10), &json!(52)));
    assert!((1_740.0..1_760.0).contains(&newest["p50(duration)"].as_f64().unwrap()), "{newest}");
    let runs = search(json!({ "kind": "check_in", "group_by": ["monitor", "status"] }));
    let run = |monitor: &str, status: &str| {
        let row = runs.iter().find(|row| row["monitor"] == monitor && row["status"] == status);
        row.map_or(0, |row| row["count()"].as_u64().unwrap())
    };
    assert_eq!(run("nightly-settlement", "error"), 1);
    assert_eq!(run("nightly-settlement", "in_progress"), 1);
    assert_eq!(run("nightly-settlement", "ok"), 1);
    assert_eq!((run("nightly-x", "error"), run("mail-queue", "ok")), (1, 2));
}

#[test]
fn people_are_asked_for_by_the_id_that_the_application_knows() {
    let all = search(json!({ "kind": "all", "query": "user:user-72", "limit": 100 }));
    let pseudonym = all[0]["user"].as_str().unwrap().to_owned();
    assert!(pseudonym.starts_with("user-") && pseudonym != "user-72");
    assert!(all.iter().all(|row| row["user"] == *pseudonym));
    for kind in ["error", "log", "transaction"] {
        assert!(all.iter().any(|row| row["kind"] == kind), "{kind}");
    }
}

#[test]
fn spellings_of_keys_mean_the_same_and_unknown_ones_are_refused_with_the_nearest() {
    for query in ["flag:express-pay:true", "flags[\"express-pay\"]:true"] {
        assert!(!search(json!({ "query": query, "group_by": ["issue"] })).is_empty(), "{query}");
    }
    for query in ["transaction.duration:>1000", "duration:>1000"] {
        let slow = search(json!({ "kind": "transaction", "query": query, "aggregate": ["count()"] }));
        assert!(slow[0]["count()"].as_u64().unwrap() > 0, "{query}");
    }
    for query in ["http.status_code:500", "http.response.status_code:500"] {
        assert!(!search(json!({ "kind": "transaction", "query": query })).is_empty(), "{query}");
    }
    let refused = shop().call("search_events", json!({ "kind": "check_in", "query": "monitr:x", "period": "3650d" }));
    assert_eq!(refused["error"]["kind"], "invalid_input");
    assert!(refused["error"]["did_you_mean"].as_array().unwrap().contains(&json!("monitor")), "{refused}");
}

#[test]
fn web_vitals_are_told_by_release() {
    let vitals = search(json!({ "kind": "span", "query": "has:lcp", "group_by": ["release"],
        "aggregate": ["count()", "p75(lcp)"] }));
    assert!(vitals.iter().any(|row| row["release"] == "till-web@2.0.0" && row["p75(lcp)"].as_f64().unwrap() > 0.0));
}

#[test]
fn a_browsers_failure_is_laid_to_the_service_that_failed_in_the_same_trace() {
    let issue = search(json!({ "project": "till-web", "query": "title:\"TypeError: Failed to fetch*\"",
        "group_by": ["issue"] }));
    let issue = issue[0]["issue"].as_str().unwrap().to_owned();
    let told = shop().call(
        "diagnose_issue",
        json!({ "issue": issue, "period": "24h", "as_of": "2026-11-30T23:59:00Z", "max_tokens": 6_000 }),
    );
    assert!(told["same_trace"].as_array().unwrap().iter().any(|seen| seen["project"] == "till-api"), "{told}");
    assert_eq!(told["verdict"], "dependency", "{}", told["reasons"]);
    let trace = "trace:dffbc2f6bf394827af24cbd1488eae39";
    let event = search(json!({ "project": "till-web", "query": trace, "fields": ["id"], "limit": 1 }));
    let event = shop().call(
        "get_event",
        json!({ "event": event[0]["id"], "include": ["logs"], "max_tokens": 6_000, "as_of": "2026-11-30T23:59:00Z" }),
    );
    assert!(event.to_string().contains("no VAT rate cached for CH"), "{event}");
}
