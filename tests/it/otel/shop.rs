//! What a shop of three services tells beside errors, asked by one call each. Captured from real Sentry SDKs.

use std::{io::Write, process::Stdio, sync::OnceLock};

use serde_json::{Value, json};

use crate::program::Store;

/// The store that all tests here read.
fn shop() -> &'static Store {
    static SHOP: OnceLock<Store> = OnceLock::new();
    SHOP.get_or_init(imported)
}

/// A store of what the three services sent.
pub fn imported() -> Store {
    let store = Store::of_captures();
    for service in ["web", "api", "worker"] {
        let packed = std::fs::read(format!("{}/tests/data/till/till-{service}.ndjson.zst", env!("CARGO_MANIFEST_DIR")));
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

/// One call, at the end of that day.
fn call(tool: &str, mut arguments: Value) -> Value {
    for (key, value) in [("as_of", json!("2026-11-30T23:59:00Z")), ("max_tokens", json!(20_000))] {
        arguments[key] = value;
    }
    shop().call(tool, arguments)
}

fn issue_of(project: &str, title: &str) -> String {
    let rows = search(json!({ "project": project, "query": format!("title:\"{title}\""), "group_by": ["issue"] }));
    rows[0]["issue"].as_str().unwrap().to_owned()
}

#[test]
fn users_of_requests_are_active() {
    let root = issue_of("till-api", "KeyError: 'CH'");
    let told = call("affected_users", json!({ "issue": root, "period": "24h" }));
    assert_eq!(told["users"]["in_period"], 18);
    // 94 of transactions, and one of an event that the command line sent.
    assert_eq!(told["users"]["active"], 95, "{}", told["users"]);
}

#[test]
fn a_cascade_is_one_entry_with_its_root_first() {
    let root = issue_of("till-api", "KeyError: 'CH'");
    let told = call("list_issues", json!({ "period": "24h" }));
    let issues = told["issues"].as_array().unwrap();
    let at = issues.iter().position(|issue| issue["short_id"] == *root).unwrap();
    for below in 1..=2 {
        let echo = &issues[at + below];
        assert!(echo["title"].as_str().unwrap().contains("Failed to fetch"), "{echo}");
        let of = &echo["echo_of"];
        assert_eq!((&of["issue"], &of["traces"], &of["looked"]), (&json!(root), &json!(20), &json!(21)), "{echo}");
    }
    let echoes = issues.iter().filter(|issue| issue.get("echo_of").is_some()).count();
    assert_eq!(echoes, 2, "{told}");
    // Of one project alone the echo says what it follows from.
    let told = call("list_issues", json!({ "period": "24h", "project": "till-web", "query": "fetch" }));
    assert_eq!(told["issues"][0]["echo_of"]["project"], "till-api", "{told}");
}

#[test]
fn an_event_shows_what_else_failed_in_its_trace() {
    let event = search(json!({ "project": "till-web", "query": "trace:dffbc2f6bf394827af24cbd1488eae39",
        "fields": ["id"], "limit": 1 }));
    let told = call("get_event", json!({ "event": event[0]["id"] }));
    let root = issue_of("till-api", "KeyError: 'CH'");
    assert!(told["same_trace"].as_array().unwrap().iter().any(|seen| seen["issue"] == *root), "{told}");
    assert!(!told["failed_spans"].as_array().unwrap().is_empty(), "{told}");
}

/// All who failed are compared with all who made a request: hardly anybody else has an error.
#[test]
fn users_of_requests_are_compared_with_the_affected() {
    let told = call("affected_users", json!({ "issue": issue_of("till-api", "KeyError: 'CH'"), "period": "24h" }));
    assert_eq!(told["baseline"]["users"], 77, "{}", told["baseline"]);
    let of_browser = told["breakdown"]["browser"].as_array().unwrap();
    let firefox = of_browser.iter().find(|row| row["value"] == "Firefox 140").unwrap();
    assert!(firefox["baseline_share"].as_f64().unwrap() > 0.0, "{of_browser:?}");
    assert!(told["attribution"].as_array().unwrap().is_empty(), "they differ in nothing: {}", told["attribution"]);
}

#[test]
fn condition_of_an_error_is_found_exactly() {
    let issue = issue_of("till-web", "TypeError: window.PaymentRequest*");
    let told = call("affected_users", json!({ "issue": issue, "period": "24h" }));
    let strongest = &told["attribution"][0];
    assert_eq!(
        strongest["conditions"],
        json!([{ "tag": "browser", "value": "Firefox 140" }, { "tag": "flag:express-pay", "value": "true" }]),
        "{strongest}"
    );
    assert_eq!((&strongest["users"], &strongest["baseline_share"]), (&json!(7), &json!(0.0)), "{strongest}");
}

#[test]
fn medians_of_endpoints_are_those_of_the_captures() {
    let rows = search(json!({ "kind": "transaction", "project": "till-api", "group_by": ["transaction", "release"],
        "aggregate": ["count()", "p50(duration)"] }));
    // Milliseconds, to the next whole one or so.
    for (endpoint, release, median) in [
        ("/report", "1.0.0", 72.0),
        ("/report", "2.0.0", 1_749.0),
        ("/pay", "1.0.0", 38.0),
        ("/pay", "2.0.0", 50.0),
        ("/products", "1.0.0", 25.0),
        ("/products", "2.0.0", 31.0),
    ] {
        let release = format!("till-api@{release}");
        let row = rows.iter().find(|row| row["transaction"] == endpoint && row["release"] == release.as_str()).unwrap();
        let told = row["p50(duration)"].as_f64().unwrap();
        assert!((told - median).abs() <= 1.0, "{endpoint} of {release}: {told}, not {median}");
    }
}

#[test]
fn feedback_is_told_without_card_and_address() {
    let said = search(json!({ "kind": "feedback", "fields": ["message", "user", "event"] }));
    assert_eq!(said.len(), 10);
    let all = json!(said).to_string();
    assert!(!all.contains('@') && all.contains("[redacted: card]"), "{all}");
    assert!(said.iter().all(|row| row["event"].as_str().is_some_and(|event| event.len() == 32)), "{all}");
}

#[test]
fn rates_of_sessions_go_by_their_names() {
    let told = call("list_releases", json!({ "period": "24h", "project": "till-web" }));
    let first =
        told["releases"].as_array().unwrap().iter().find(|release| release["version"] == "till-web@1.0.0").unwrap();
    assert_eq!(first["crash_free_sessions"], 1.0);
    let free = first["unhandled_free_sessions"].as_f64().unwrap();
    assert!((0.1..0.9).contains(&free), "{first}");
    let newest = &told["releases"][0];
    assert_eq!((&newest["version"], &newest["adoption"]), (&json!("till-web@2.0.1"), &json!(0.0348)), "{newest}");
}

/// What a newcomer asks, each by one call, with a part of the answer's text.
#[test]
fn a_newcomers_questions_are_answered_by_one_call_each() {
    let trace = "dffbc2f6bf394827af24cbd1488eae39";
    let questions: &[(&str, &str, Value, &[&str])] = &[
        (
            "what broke since the last deploy in all services",
            "list_issues",
            json!({ "since_release": "till-api@2.0.0" }),
            &["(reading 'name')", "stock of warehouse is negative"],
        ),
        (
            "the API error behind a browser error",
            "list_issues",
            json!({ "period": "24h", "query": "fetch" }),
            &["KeyError: 'CH' in till-api", "20 of 21 traces"],
        ),
        (
            "who is hit, of how many",
            "list_issues",
            json!({ "period": "24h", "project": "till-api" }),
            &["18 of 95 active users"],
        ),
        (
            "spans that failed",
            "search_events",
            json!({ "kind": "span", "query": "status:error", "period": "24h" }),
            &["till-web"],
        ),
        (
            "everything of one trace",
            "search_events",
            json!({ "kind": "all", "query": format!("trace:{trace}"), "period": "24h" }),
            &["no VAT rate cached for CH", "KeyError", "/pay"],
        ),
        (
            "log lines of a trace, across services",
            "search_events",
            json!({ "kind": "log", "query": format!("trace:{trace}"), "period": "24h" }),
            &["no VAT rate cached for CH"],
        ),
        (
            "error logs by service",
            "search_events",
            json!({ "kind": "log", "query": "level:error", "group_by": ["project"], "period": "24h" }),
            &["project=till-"],
        ),
        (
            "slow endpoints",
            "search_events",
            json!({ "kind": "transaction", "group_by": ["transaction", "release"],
            "aggregate": ["count()", "p50(duration)"], "period": "24h" }),
            &["/report", "till-api@2.0.0", "p50(duration)=174"],
        ),
        (
            "an endpoint's queries",
            "search_events",
            json!({ "kind": "transaction", "query": "transaction:/report",
            "aggregate": ["max(queries)"], "period": "24h" }),
            &["max(queries)=52"],
        ),
        (
            "endpoints by failure rate",
            "search_events",
            json!({ "kind": "transaction", "project": "till-api", "group_by": ["transaction"],
            "aggregate": ["count()", "failure_rate()"], "period": "24h" }),
            &["failure_rate()="],
        ),
        (
            "cron jobs that failed",
            "search_events",
            json!({ "kind": "check_in", "query": "status:error", "period": "24h" }),
            &["nightly-settlement", "nightly-x"],
        ),
        ("what users wrote", "search_events", json!({ "kind": "feedback", "period": "24h" }), &["I cannot pay"]),
        (
            "who has a flag on",
            "search_events",
            json!({ "query": "flag:express-pay:true", "group_by": ["user"], "period": "24h" }),
            &["user=user-"],
        ),
        (
            "sessions by how they ended",
            "search_events",
            json!({ "kind": "session", "project": "till-web",
            "group_by": ["status"], "period": "24h" }),
            &["status=unhandled, count()=68"],
        ),
        (
            "crash-free by release",
            "list_releases",
            json!({ "period": "24h" }),
            &["crash-free", "free of unhandled errors"],
        ),
        (
            "crash-free trend",
            "search_events",
            json!({ "kind": "session", "project": "till-web", "group_by": ["hour"],
            "aggregate": ["count()", "failure_rate()"], "period": "24h" }),
            &["hour=2026-11-30T14:00:00Z, count()=40, failure_rate()=0.775", "hour=2026-11-30T15:00:00Z"],
        ),
        (
            "which release made requests slower",
            "list_issues",
            json!({ "since_release": "till-api@2.0.0", "query": "kind:performance" }),
            &["/report in till-api"],
        ),
        (
            "jobs that did not run",
            "search_events",
            json!({ "kind": "check_in", "query": "outcome:\"never came\"", "period": "24h" }),
            &["mail-queue"],
        ),
        (
            "logs around an error, of all services",
            "get_event",
            json!({ "issue": "TILL-API-1", "include": ["exception", "logs"] }),
            &["no VAT rate cached for CH"],
        ),
        (
            "what a browser's error was caused by",
            "diagnose_issue",
            json!({ "issue": "TILL-WEB-2", "period": "24h" }),
            &["Verdict: dependency", "TILL-API-1 KeyError: 'CH' in till-api, in 20 of 21 traces"],
        ),
        (
            "who is hit, by what marks them",
            "affected_users",
            json!({ "issue": "TILL-WEB-5", "period": "24h" }),
            &["browser=Firefox 140 and flag:express-pay=true"],
        ),
        (
            "what happened to a customer",
            "search_events",
            json!({ "kind": "all", "query": "user:user-72", "period": "24h" }),
            &["kind=error", "kind=log", "kind=transaction"],
        ),
        (
            "web vitals",
            "search_events",
            json!({ "kind": "span", "query": "has:lcp", "group_by": ["release"],
            "aggregate": ["p75(lcp)"], "period": "24h" }),
            &["till-web@2.0.0"],
        ),
        (
            "users by hour",
            "search_events",
            json!({ "kind": "transaction", "group_by": ["hour"],
            "aggregate": ["count_unique(user)"], "period": "24h" }),
            &["2026-11-30T15:00:00Z"],
        ),
        (
            "errors by browser",
            "search_events",
            json!({ "project": "till-web", "group_by": ["browser"], "period": "24h" }),
            &["Firefox 140"],
        ),
        (
            "what a service calls",
            "search_events",
            json!({ "kind": "span", "project": "till-api", "group_by": ["op"],
            "aggregate": ["count()", "p95(duration)"], "period": "24h" }),
            &["op=db"],
        ),
        (
            "releases, how far each is adopted",
            "list_releases",
            json!({ "period": "24h", "project": "till-api" }),
            &["adoption 64 %"],
        ),
    ];
    for (question, tool, arguments, parts) in questions {
        let mut arguments = arguments.clone();
        arguments["as_of"] = "2026-11-30T23:59:00Z".into();
        arguments["max_tokens"] = 20_000.into();
        arguments["limit"] = 100.into();
        let text = shop().ok(&["call", tool, &arguments.to_string()]);
        for part in *parts {
            assert!(text.contains(part), "{question}: {part}\n{text}");
        }
    }
}

#[test]
fn slower_requests_are_told_after_errors_since_a_release() {
    let told = call("list_issues", json!({ "since_release": "till-api@2.0.0" }));
    let issues = told["issues"].as_array().unwrap();
    let at = issues.iter().position(|issue| issue["kind"] == "performance").unwrap();
    assert!(issues[..at].iter().all(|issue| issue.get("kind").is_none()), "{told}");
    let api: Vec<&Value> =
        issues[at..].iter().filter(|issue| issue["id"].as_str().unwrap().contains("till-api")).collect();
    assert_eq!(api.len(), 1, "{told}");
    assert!(api[0]["title"].as_str().unwrap().starts_with("/report in till-api: median 7"), "{}", api[0]);
    assert_eq!((&api[0]["events"], &api[0]["first_release"]), (&json!(10), &json!("till-api@2.0.0")), "{}", api[0]);
    assert!(told["performance"].as_str().unwrap().contains("kind:performance"), "{told}");
    let alone = call("list_issues", json!({ "since_release": "till-api@2.0.0", "query": "kind:performance" }));
    assert!(alone["issues"].as_array().unwrap().iter().all(|issue| issue["kind"] == "performance"), "{alone}");
    let refused = call("get_event", json!({ "issue": api[0]["id"] }));
    assert!(refused["error"]["message"].as_str().unwrap().contains("search_events"), "{refused}");
}

#[test]
fn runs_that_never_ended_or_never_came_are_told() {
    let runs = search(json!({ "kind": "check_in", "group_by": ["monitor", "outcome"] }));
    let has =
        |monitor: &str, outcome: &str| runs.iter().any(|row| row["monitor"] == monitor && row["outcome"] == outcome);
    assert!(has("nightly-settlement", "never ended") && has("nightly-settlement", "failed"), "{runs:?}");
    // Every five minutes by its schedule, and seen twice.
    assert!(has("mail-queue", "never came") && has("mail-queue", "ok"), "{runs:?}");
    let missed = search(json!({ "kind": "check_in", "query": "monitor:mail-queue outcome:\"never came\"" }));
    assert!(missed[0]["missed"].as_u64().unwrap() > 100, "{missed:?}");
}

#[test]
fn feedback_stands_with_its_issue() {
    let said = search(json!({ "kind": "feedback", "query": "has:issue" }));
    let issue = said[0]["issue"].as_str().unwrap().to_owned();
    let told = call("diagnose_issue", json!({ "issue": issue, "period": "24h" }));
    assert!(!told["feedback"].as_array().unwrap().is_empty(), "{told}");
}
