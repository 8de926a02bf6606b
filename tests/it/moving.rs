//! Moving a store: what an export tells beside its envelopes, taken in by another store, once or twice.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    api::Api,
    native::{self, crash, data, event, functions},
    program::{Server, Store, http},
};

const TRACES: &[u8] = include_bytes!("../data/otel/press.ndjson.zst");

/// A store with a bit of everything that no envelope carries.
fn filled(store: &Store) {
    store.import("till", &[include_str!("../data/till.envelope").to_owned()]);
    store.ok(&["project", "press"]);
    let server = Server::start(store.command(&["--allow-writes", "serve", "--listen", "127.0.0.1:0"]));
    native::upload(&server, "press", &[("press.debug", &data("press.debug"))]);
    announce(&Api { server: &server });
    send_traces(&server);
    drop(server);
    let decide = |arguments: Value| store.ok(&["--allow-writes", "call", "update_issue", &arguments.to_string()]);
    decide(json!({ "issue": "TILL-1", "assignee": "ada", "comment": "the rate table is empty", "claim": "2h" }));
    decide(json!({ "issue": "TILL-1", "status": "ignored" }));
}

fn announce(api: &Api<'_>) {
    let commits = json!([{ "id": "c0ffee11", "message": "Round totals", "timestamp": "2026-11-20T08:00:00Z",
        "patch_set": [{ "path": "src/total.js", "type": "M" }] }]);
    let release = json!({ "version": "till@2.0.0", "projects": ["till"], "dateReleased": "2026-11-24T10:00:00Z",
        "commits": commits, "ref": "c0ffee11" });
    assert_eq!(api.send("POST", "organizations/o/releases/", &release).status, 201);
    let deploy = json!({ "environment": "production", "dateFinished": "2026-11-24T11:00:00Z" });
    assert_eq!(api.send("POST", "organizations/o/releases/till@2.0.0/deploys/", &deploy).status, 201);
}

fn send_traces(server: &Server) {
    let text = String::from_utf8(zstd::decode_all(TRACES).unwrap()).unwrap();
    for line in text.lines().step_by(4) {
        let sent: Value = serde_json::from_str(line).unwrap();
        let body = BASE64_STANDARD.decode(sent["body"].as_str().unwrap()).unwrap();
        let url = format!("{}/v1/{}", server.url, sent["signal"].as_str().unwrap());
        let answer = http("POST", &url, &[("Content-Type", sent["type"].as_str().unwrap())], &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// What a store answers, without what tells when it was asked.
fn answers(store: &Store) -> Vec<(String, Value)> {
    let asked = [
        ("list_issues", json!({ "limit": 100 })),
        ("list_issues", json!({ "status": "ignored" })),
        ("list_releases", json!({ "limit": 100 })),
        ("search_events", json!({ "kind": "span", "group_by": ["trace"], "aggregate": ["count()", "p95(duration)"] })),
        ("search_events", json!({ "kind": "log", "group_by": ["level"], "aggregate": ["count()"] })),
        ("diagnose_issue", json!({ "issue": "TILL-1" })),
        ("verify_fix_since_release", json!({ "issue": "TILL-1", "release": "till@2.0.0" })),
    ];
    let mut all = Vec::new();
    for (tool, mut arguments) in asked {
        arguments["period"] = json!("3650d");
        arguments["max_tokens"] = json!(20_000);
        let mut answer = store.call(tool, arguments.clone());
        for of_the_moment in ["as_of", "source", "searched", "counted", "check_again_after", "next_cursor"] {
            answer.as_object_mut().unwrap().remove(of_the_moment);
        }
        without_numbers(&mut answer);
        all.push((format!("{tool} {arguments}"), answer));
    }
    all
}

/// Takes away the numbers that issues have in one store alone, and when it was asked.
fn without_numbers(answer: &mut Value) {
    match answer {
        Value::Object(map) => {
            map.retain(|key, _| !["id", "counted", "markdown"].contains(&key.as_str()));
            map.values_mut().for_each(without_numbers);
        }
        Value::Array(values) => values.iter_mut().for_each(without_numbers),
        _ => {}
    }
}

fn moved(from: &Store, to: &Store) -> String {
    let exported = from.run(&["export", "-"]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.ndjson");
    std::fs::write(&file, exported.stdout).unwrap();
    to.ok(&["import", file.to_str().unwrap()])
}

#[test]
fn releases_decisions_traces_counts_and_keys_move_with_a_store() {
    let (store, other) = (Store::of_captures(), Store::of_captures());
    filled(&store);
    let said = moved(&store, &other);
    assert!(said.contains("other records of an export"), "{said}");
    let known = answers(&store);
    assert!(known[2].1.to_string().contains("2026-11-24T11:00:00Z"), "the deploy: {}", known[2].1);
    assert!(known[3].1["rows"].as_array().unwrap().len() > 3, "{}", known[3].1);
    assert!(known[5].1.to_string().contains("the rate table is empty"), "{}", known[5].1);
    for again in [false, true] {
        for ((asked, one), (_, same)) in known.iter().zip(answers(&other)) {
            assert!(one["error"].is_null(), "{asked}: {one}");
            assert_eq!(*one, same, "{asked}, taken in again: {again}");
        }
        moved(&store, &other);
    }
    for project in ["till", "press"] {
        assert_eq!(store.ok(&["project", project]), other.ok(&["project", project]), "the DSN of {project}");
    }
}

#[test]
fn symbols_move_with_a_store() {
    let (store, other) = (Store::of_captures(), Store::of_captures());
    filled(&store);
    moved(&store, &other);
    let server = other.serve();
    let read = event(&other, &crash(&server, &other, &data("alloc-1.dmp")));
    assert!(functions(&read).contains(&"paper_alloc"), "{read}");
}

#[test]
fn lines_that_are_not_whole_are_refused_by_name_and_the_others_kept() {
    let store = Store::new();
    let lines = [
        json!({ "project": { "slug": "till", "number": 7, "public_key": "0123456789abcdef0123456789abcdef", "issues": 0 } }),
        json!({ "project": { "slug": "No Slug", "number": 8, "public_key": "no", "issues": 0 } }),
        json!({ "upload": { "checksum": "00", "files": 1, "at": 0, "used": 0, "uses": [] } }),
        json!({ "issue": { "project": "till", "short_id": "TILL-1", "event": "7d9a4c1e2b3f45678899aabbccddeeff", "timestamp": 0, "groups": [], "status": 1,
            "resolved_at": null, "resolved_in": null, "resolved_after": null, "assignee": null, "comments": [],
            "claim": null, "fixes": [] } }),
        json!({ "dropped": { "project": "till", "release": null, "environment": null, "hour": "noon", "errors": 1 } }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.ndjson");
    std::fs::write(&file, text).unwrap();
    let done = store.run(&["import", file.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    let refused = String::from_utf8_lossy(&done.stderr).into_owned();
    for why in [
        "a project's name, number or key",
        "an upload is not whole",
        "7d9a4c1e2b3f45678899aabbccddeeff",
        "a line of an export",
    ] {
        assert!(refused.contains(why), "{why} in {refused}");
    }
    let dsn = store.ok(&["project", "till"]);
    assert!(dsn.contains("0123456789abcdef0123456789abcdef@") && dsn.trim().ends_with("/7"), "{dsn}");
}
