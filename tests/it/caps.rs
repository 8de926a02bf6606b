//! What one public key can make: names, issues, requests, each held to a number that answers name.

use serde_json::{Value, json};

use crate::program::{Server, Store, http};

fn event(n: u32) -> String {
    // Letters alone: grouping takes numbers out of names.
    let word: String = n.to_string().chars().map(|c| char::from(b'a' + c as u8 - b'0')).collect();
    let id = format!("{:032x}", (0xca_u128 << 64) + u128::from(n) + 1);
    let event = json!({ "event_id": id, "timestamp": "2026-11-20T10:00:00Z", "release": format!("{word}@{n}.0.0"),
        "environment": format!("stage-{word}"), "tags": { format!("key-{word}"): word },
        "exception": { "values": [{ "type": format!("Error{word}"), "value": "failed", "stacktrace": { "frames": [
            { "function": format!("brew{word}"), "filename": "a.js", "lineno": 1, "in_app": true }] } }] } });
    format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}\n")
}

#[test]
fn issues_and_releases_past_the_most_go_by_one_name_that_answers_tell() {
    let store = Store::new();
    let sent: Vec<String> = (0..6).map(event).collect();
    let file = store.path().with_file_name("sent.ndjson");
    let lines: Vec<String> = sent.iter().map(|line| Value::from(line.as_str()).to_string()).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let most = ["--max-issues", "2", "--max-releases", "3", "--project", "shop"];
    store.ok(&[&most[..], &["import", file.to_str().unwrap()]].concat());
    let list = store.call("list_issues", json!({ "period": "3650d" }));
    let issues = list["issues"].as_array().unwrap();
    let events: u64 = issues.iter().map(|issue| issue["events"].as_u64().unwrap()).sum();
    let others: Vec<&Value> = issues.iter().filter(|issue| issue["title"] == "(others)").collect();
    assert_eq!((issues.len(), events, others.len()), (3, 6, 1), "{list}");
    assert!(others[0]["events"] == 4 && others[0].to_string().contains("--max-issues"), "{list}");
    let releases = store.call("list_releases", json!({ "period": "3650d" }));
    assert_eq!(releases["releases"].as_array().unwrap().len(), 4, "{releases}");
    assert!(releases["warnings"].to_string().contains("--max-releases"), "{releases}");
}

#[test]
fn a_key_may_send_so_often_a_minute() {
    let store = Store::new();
    store.ok(&["project", "shop"]);
    let server = Server::start(store.command(&["--max-requests", "1", "serve", "--listen", "127.0.0.1:0"]));
    let dsn = server.dsn(&store, "shop");
    let (key, rest) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let url = format!("{}/api/{}/envelope/?sentry_key={key}", server.url, rest.rsplit('/').next().unwrap());
    // Two may fall into two minutes; three don't.
    let answers: Vec<_> = (0..3).map(|n| http("POST", &url, &[], event(n).as_bytes())).collect();
    assert_eq!(answers[0].status, 200, "{}", answers[0].body);
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one is refused");
    assert!(refused.header("retry-after").is_some() && refused.body.contains("too many requests"), "{}", refused.body);
}
