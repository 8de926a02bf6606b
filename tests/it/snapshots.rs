//! What every tool answers over a fixed story, as Markdown and as data, at three budgets, and every failure: a changed answer
//! is a difference that somebody reads. `just snapshots` shows the differences and takes them over.

use std::{fs, io::Write, path::Path, process::Stdio, sync::OnceLock};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    protocol::{ClockPolicy, Limits},
    store::{ProjectKey, SignalSink},
    tools::TOOLS,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{
    program::Store,
    script::recorded,
    sentry::{double, reading},
};

const BUDGETS: [u64; 3] = [200, 800, 2_000];

/// The story of the demonstration with its own times, and a recorded session. It is stored envelope by envelope under a
/// known key, so that short ids, pseudonyms and cursors are the same each time.
fn story() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = Store::new();
        store.ok(&["project", "shop-api"]);
        fs::write(store.path().join("pseudonym.key"), [7; 32]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fill(&store.path()));
        let mut command = store.command(&["import", "--project", "apps", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(recorded::lines("shop-coupon").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        store
    })
}

async fn fill(path: &Path) {
    let store = EmbeddedStore::open(path, Options::default()).unwrap();
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new(store.pseudonym_key())), Limits::default());
    let received = "2026-11-21T00:00:00Z".parse().unwrap();
    let captured = zstd::decode_all(include_bytes!("../../demo/shop.ndjson.zst").as_slice()).unwrap();
    for line in String::from_utf8(captured).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let project = ProjectKey::from(&store.ensure_project(line["project"].as_str().unwrap()).await.unwrap());
        let envelope = line["envelope"].as_str().unwrap().as_bytes();
        let ingested = ingest.envelope(&project, envelope, received, ClockPolicy::AsSent).unwrap();
        store.write(ingested.digest).await.unwrap();
    }
}

/// One call of each tool, by the name of its snapshot.
fn calls() -> Vec<(&'static str, &'static str, Value)> {
    let listed =
        story().call("list_issues", json!({ "query": "\"reading 'amount'\"", "period": "2026-11-06/2026-11-21" }));
    let issue = listed["issues"][0]["short_id"].clone();
    let replay = recorded::replay("shop-coupon").id.to_string();
    vec![
        ("affected_users", "affected_users", json!({ "issue": issue })),
        ("diagnose_issue", "diagnose_issue", json!({ "issue": issue })),
        ("get_event", "get_event", json!({ "issue": issue })),
        ("get_replay_summary", "get_replay_summary", json!({ "replay": replay, "as_of": "2026-11-26T00:00:00Z" })),
        (
            "replay_steps",
            "get_replay_summary",
            json!({ "replay": replay, "format": "steps", "as_of": "2026-11-26T00:00:00Z" }),
        ),
        ("list_issues", "list_issues", json!({ "since_release": "v2.3" })),
        ("list_projects", "list_projects", json!({})),
        ("list_releases", "list_releases", json!({})),
        ("search_events", "search_events", json!({ "query": "level:error" })),
        (
            "search_groups",
            "search_events",
            json!({ "group_by": ["release"], "aggregate": ["count()", "count_unique(user)"] }),
        ),
        ("update_issue", "update_issue", json!({ "issue": issue, "status": "unresolved" })),
        ("verify_fix", "verify_fix_since_release", json!({ "issue": issue, "release": "2.3.1" })),
    ]
}

/// Both forms of an answer as one text. What is drawn anew for each answer is left out.
fn shown(text: &str, data: &Value) -> String {
    let drawn = regex::Regex::new(r"(From here to the line |End )[0-9]{21}").unwrap();
    let text = drawn.replace_all(text.trim_end(), "${1}ID");
    format!("{text}\n\n{}\n", serde_json::to_string_pretty(data).unwrap())
}

fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_tool_answers_as_it_did() {
    let calls = calls();
    for tool in TOOLS {
        assert!(calls.iter().any(|(_, called, _)| *called == tool.name), "{} has no snapshot", tool.name);
    }
    for (name, tool, arguments) in calls {
        let mut text = String::new();
        for budget in BUDGETS {
            let mut asked = json!({ "as_of": "2026-11-21T00:00:00Z", "max_tokens": budget });
            if tool == "list_issues" || tool == "search_events" {
                asked["period"] = "2026-11-06/2026-11-21".into();
            }
            asked.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
            if tool == "update_issue" {
                // It answers of the moment in which it writes.
                asked.as_object_mut().unwrap().remove("as_of");
            }
            let words = ["--allow-writes", "call", tool, &asked.to_string()];
            let markdown = story().ok(&words);
            let data = story().ok(&[&words[..], &["--json"]].concat());
            let mut data: Value = serde_json::from_str(&data).unwrap();
            if tool == "update_issue" {
                data.as_object_mut().unwrap().remove("as_of");
            }
            text += &format!("# {budget} tokens\n\n{}\n", shown(&markdown, &data));
        }
        check(name, &text);
    }
}

#[test]
fn every_mistake_is_answered_as_it_was() {
    let mistakes = [
        ("not_found_issue", "get_event", json!({ "issue": "SHOP-API-ZZZZ" })),
        ("not_found_release", "list_issues", json!({ "since_release": "2.3.9" })),
        ("invalid_input_name", "list_issues", json!({ "colour": "red" })),
        ("invalid_input_period", "list_issues", json!({ "period": "soon" })),
        ("invalid_input_cursor", "list_issues", json!({ "cursor": "1.2.3" })),
    ];
    for (name, tool, arguments) in mistakes {
        let text = String::from_utf8(story().run(&["call", tool, &arguments.to_string()]).stdout).unwrap();
        check(&format!("failure_{name}"), &shown(&text, &story().call(tool, arguments)));
    }
    let locked = ["--project", "shop-api", "--scope-locked", "call", "list_issues", r#"{"project":"shop-worker"}"#];
    let text = String::from_utf8(story().run(&locked).stdout).unwrap();
    let data = String::from_utf8(story().run(&[&locked[..], &["--json"]].concat()).stdout).unwrap();
    check("failure_locked", &shown(&text, &serde_json::from_str(&data).unwrap()));
}

#[tokio::test]
async fn every_failure_of_a_server_is_answered_as_it_was() {
    for (name, status, body) in [
        ("unauthorized", 401, json!({ "detail": "Invalid token" })),
        ("forbidden", 403, json!({ "detail": "You do not have permission to perform this action." })),
        ("rate_limited", 429, json!({ "detail": "too many requests" })),
        ("upstream", 500, json!({ "detail": "Internal Error" })),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_json(body).insert_header("retry-after", "60");
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let ctx = reading::ctx(double::store(&server.uri(), "t"));
        let answer = reading::call(&ctx, "list_issues", json!({})).await;
        let text = answer.text.replace(&server.uri(), "SERVER");
        let data = answer.data.to_string().replace(&server.uri(), "SERVER");
        check(&format!("failure_{name}"), &shown(&text, &serde_json::from_str(&data).unwrap()));
    }
}
