//! Whom crashes hit, and whether a fix holds, where nothing but dumps tells of crashes.

use serde_json::{Value, json};

use super::{address, data, event, post};
use crate::program::{Server, Store};

/// Users, and those of them whom the crash hits: once each, on one day or another.
const USERS: u64 = 60;
const HIT: u64 = 48;
const DAYS: i64 = 6;
const DAY_S: i64 = 86_400;

fn sent(user: u64, release: &str, at: i64) -> Value {
    json!({ "release": release, "timestamp": at, "user": { "id": format!("op-{user}") } })
}

/// A user's day without a crash: a message.
fn message(n: u64, user: u64, release: &str, at: i64) -> String {
    let mut event = sent(user, release, at);
    (event["event_id"], event["message"], event["level"]) =
        (format!("{n:032x}").into(), "pressed".into(), "info".into());
    format!("{{\"event_id\":\"{n:032x}\"}}\n{{\"type\":\"event\"}}\n{event}\n")
}

fn crash(server: &Server, store: &Store, said: &Value, dump: &[u8]) -> Value {
    let said = said.to_string();
    let parts: [(&str, Option<&str>, &[u8]); 2] =
        [("sentry", None, said.as_bytes()), ("upload_file_minidump", Some("x.dmp"), dump)];
    event(store, post(&address(server, store, "press"), &parts).body.trim())
}

#[test]
fn a_fix_and_the_affected_are_told_of_dumps_as_of_all_else() {
    // At its own hour: how much is known after six days depends on which hours they begin and end in.
    let store = Store::of_captures();
    let today = store.now().as_second() - 3_600;
    let mut quiet = Vec::new();
    for (release, begin) in [("press@1.0.0", 2 * DAYS), ("press@1.0.1", DAYS)] {
        for (user, day) in (0..USERS).flat_map(|user| (0..DAYS).map(move |day| (user, day))) {
            quiet.push(message(quiet.len() as u64 + 1, user, release, today - (begin - day) * DAY_S + user as i64));
        }
    }
    store.import("press", &quiet);
    let (server, dump) = (store.serve(), data("crashpad-e8e8fc68.dmp"));
    let mut issues = Vec::new();
    for user in 0..HIT {
        let day = user as i64 % DAYS;
        let said = sent(user, "press@1.0.0", today - (2 * DAYS - day) * DAY_S + 7_200);
        issues.push(crash(&server, &store, &said, &dump)["issue"].clone());
    }
    issues.dedup();
    assert_eq!(issues.len(), 1);
    let list = store.call("list_releases", json!({ "period": "30d" }));
    let release = |name: &str| {
        let all = list["releases"].as_array().unwrap();
        all.iter().find(|release| release["version"] == name).unwrap().clone()
    };
    let (old, new) = (release("press@1.0.0"), release("press@1.0.1"));
    assert_eq!((&old["users"], &old["crashed_users"]), (&json!(USERS), &json!(HIT)), "{old}");
    assert_eq!((&old["crash_free_users"], &old["crash_free_sessions"]), (&json!(0.2), &Value::Null), "{old}");
    assert_eq!((&new["users"], &new["crashed_users"]), (&json!(USERS), &Value::Null), "{new}");
    let issue = issues[0].clone();
    let hit = store.call("affected_users", json!({ "issue": issue, "period": "30d" }));
    assert_eq!((&hit["users"]["total"], &hit["events"]), (&json!(HIT), &json!(HIT)), "{hit}");
    let told = store.call("verify_fix_since_release", json!({ "issue": issue, "release": "press@1.0.1" }));
    assert_eq!(told["verdict"], "fixed", "{told}");
    crash(&server, &store, &sent(3, "press@1.0.1", today), &dump);
    let told = store.call("verify_fix_since_release", json!({ "issue": issue, "release": "press@1.0.1" }));
    assert_eq!(told["recurrences"].as_array().map(Vec::len), Some(1), "{told}");
}

#[test]
fn handlers_alone_tell_installation_and_release_and_no_rate_is_made_of_nothing() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let dump = data("crashpad-e8e8fc68.dmp");
    let form = |guid: &'static str| {
        let parts: [(&str, Option<&str>, &[u8]); 6] = [
            ("guid", None, guid.as_bytes()),
            ("_productName", None, b"Desk"),
            ("_version", None, b"2.1.0"),
            ("prod", None, b"Electron"),
            ("ver", None, b"44.0.1"),
            ("upload_file_minidump", Some("x.dmp"), &dump),
        ];
        event(&store, post(&address(&server, &store, "press"), &parts).body.trim())
    };
    let first = form("5e1b3a6c-0001");
    assert_eq!(first["release"], "Desk@2.1.0", "{first}");
    assert!(first["tags"].get("guid").is_none(), "{first}");
    form("5e1b3a6c-0001");
    form("5e1b3a6c-0002");
    let hit = store.call("affected_users", json!({ "issue": first["issue"], "period": "3650d" }));
    assert_eq!((&hit["users"]["total"], &hit["events"]), (&json!(2), &json!(3)), "{hit}");
    let list = store.call("list_releases", json!({ "period": "3650d" }));
    let release = &list["releases"][0];
    assert_eq!((&release["crashed_users"], release.get("crash_free_users")), (&json!(2), None), "{list}");
}
