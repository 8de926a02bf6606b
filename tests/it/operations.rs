//! Tests of operations: projects, copies, and how the program meets a shell.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use serde_json::json;

use crate::program::{Store, http};

const ENVELOPE: &str = include_str!("../data/till.envelope");

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let store = Store::new();
    let mut child = store.command(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn an_empty_variable_is_not_set() {
    let store = Store::new();
    let empty = ["PRODSIGNAL_LISTEN", "PRODSIGNAL_SENTRY_URL", "PRODSIGNAL_RETENTION", "PRODSIGNAL_PUBLIC_URL"];
    let mut command = store.command(&["project", "till"]);
    command.envs(empty.map(|name| (name, "")));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("@127.0.0.1:8969/"), "{done:?}");
}

#[test]
fn a_dsn_names_the_address_that_senders_use() {
    let store = Store::new();
    let dsn = |words: &[&str]| store.ok(words).trim().to_owned();
    assert!(dsn(&["project", "till", "--public-url", "https://signal.example.com/"]).starts_with("https://"));
    let public = dsn(&["project", "till", "--public-url", "https://signal.example.com/"]);
    assert!(public.ends_with("@signal.example.com/1"), "{public}");
    assert!(dsn(&["project", "till", "--listen", "0.0.0.0:8969"]).contains("@127.0.0.1:8969/"));
    assert!(dsn(&["project", "till", "--listen", "localhost:9000"]).contains("@127.0.0.1:9000/"));
}

#[test]
fn help_of_a_command_shows_its_own_options() {
    let store = Store::new();
    let own = store.ok(&["verify", "--help"]);
    assert!(own.contains("--min-reduction") && !own.contains("--max-envelope-bytes <"), "{own}");
    assert!(own.contains("--store"), "named in one line: {own}");
    let whole = store.ok(&["--help"]);
    assert!(whole.contains("[toml: sentry_org]"), "{whole}");
}

#[test]
fn the_program_says_its_version_and_knows_its_shells() {
    let store = Store::new();
    assert!(store.ok(&["version"]).starts_with("prodsignal "));
    assert!(store.ok(&["completions", "bash"]).contains("prodsignal"));
    let folder = tempfile::tempdir().unwrap();
    store.ok(&["man", folder.path().to_str().unwrap()]);
    assert!(folder.path().join("prodsignal.1").exists() && folder.path().join("prodsignal-serve.1").exists());
}

#[test]
fn a_mistyped_tool_gets_the_nearest_name() {
    let store = Store::new();
    let said = store.run(&["call", "list_isues"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("did you mean \"list_issues\"?"), "{said:?}");
}

#[test]
fn a_rotated_key_lets_in_and_the_old_one_does_not() {
    let store = Store::new();
    let server = store.serve();
    let old = server.dsn(&store, "till");
    let send = |dsn: &str| {
        let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
        let (host, id) = place.split_once('/').unwrap();
        let auth = format!("Sentry sentry_key={key}, sentry_version=7");
        let url = format!("http://{host}/api/{id}/envelope/");
        http("POST", &url, &[("X-Sentry-Auth", &auth)], b"{}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n").status
    };
    assert_eq!(send(&old), 200);
    store.ok(&["project", "rotate-key", "till"]);
    assert!((401..=403).contains(&send(&old)));
    assert_eq!(send(&server.dsn(&store, "till")), 200);
}

#[test]
fn a_deleted_project_is_gone_and_others_stay() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    store.import("other", &[ENVELOPE.to_owned()]);
    assert_eq!(store.run(&["project", "delete", "till"]).status.code(), Some(2), "needs to be confirmed");
    store.ok(&["project", "delete", "till", "--confirm", "till"]);
    let issues = store.call("list_issues", json!({ "period": "3650d" }));
    assert_eq!(issues["issues"].as_array().unwrap().len(), 1, "{issues}");
    let listed = store.ok(&["project", "list"]);
    assert!(listed.contains("other") && !listed.contains("till  "), "{listed}");
    store.import("till", &[ENVELOPE.to_owned()]);
    let again = store.call("list_issues", json!({ "period": "3650d", "project": "till" }));
    assert_eq!(again["issues"][0]["events"], 1, "a new start: {again}");
    assert!(store.ok(&["project", "till"]).trim().ends_with("/3"), "numbers are not given again");
}

#[test]
fn what_one_person_sent_can_be_deleted_and_is_counted_no_more() {
    let store = Store::new();
    let of = |id: u8, user: &str| {
        crate::feed::failure(id, "OneError")
            .replace("\"user\":{\"id\":\"17\"}", &format!("\"user\":{{\"id\":\"{user}\"}}"))
    };
    let feedback = json!({ "event_id": "ee".repeat(16), "timestamp": 1_700_000_000, "user": { "id": "ada" }, "contexts": {
        "feedback": { "message": "it broke for me", "contact_email": "ada@example.com" } } });
    let feedback = format!("{{}}\n{{\"type\":\"feedback\"}}\n{feedback}\n");
    store.import("till", &[of(1, "ada"), of(2, "ada"), of(3, "grace"), feedback]);
    let shown = |period: &str| store.call("list_issues", json!({ "period": period }))["issues"][0].clone();
    assert_eq!((&shown("1d")["events"], &shown("1d")["users"]), (&json!(3), &json!(2)));
    assert_eq!(store.run(&["delete", "user", "ada"]).status.code(), Some(2), "needs to be confirmed");
    assert_eq!(shown("1d")["events"], 3, "nothing happened yet");
    let said = store.ok(&["delete", "user", "ada", "--confirm"]);
    assert!(said.contains("2 events") && said.contains("1 other item"), "{said}");
    assert_eq!((&shown("1d")["events"], &shown("1d")["users"]), (&json!(1), &json!(1)), "{}", shown("1d"));
    let gone = store.call("get_event", json!({ "event": "01".repeat(16) }));
    assert_eq!(gone["error"]["kind"], "not_found", "{gone}");
    let feedback = store.call("search_events", json!({ "kind": "feedback", "period": "3650d" }));
    assert_eq!(feedback["rows"].as_array().map_or(0, Vec::len), 0, "{feedback}");
    let said = store.run(&["delete", "user", "ada", "--confirm"]);
    assert_eq!(said.status.code(), Some(1), "there is nothing left: {said:?}");
    // Who comes back is somebody new, and an event that is sent again is stored again.
    store.import("till", &[of(1, "ada")]);
    assert_eq!((&shown("1d")["events"], &shown("1d")["users"]), (&json!(2), &json!(2)));
}

#[test]
fn a_tests_events_can_be_deleted_with_its_release() {
    let store = Store::new();
    let of = |id: u8, release: &str, environment: &str| {
        let named = format!("\"release\":\"{release}\",\"environment\":\"{environment}\"");
        crate::feed::failure(id, "OneError").replace("\"release\":\"till@1.2.0\"", &named)
    };
    store.import(
        "till",
        &[of(1, "till@1.2.0", "production"), of(2, "till@9.9.9-ci", "test"), of(3, "till@1.2.0", "test")],
    );
    assert_eq!(store.run(&["delete", "events", "--confirm"]).status.code(), Some(2), "of what?");
    let missing = store.run(&["delete", "events", "--release", "till@8.0.0", "--confirm"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("till@8.0.0"), "{missing:?}");
    let said = store.ok(&["delete", "events", "--release", "till@9.9.9-ci", "--confirm"]);
    assert!(said.contains("1 event"), "{said}");
    let releases = store.call("list_releases", json!({}))["releases"].to_string();
    assert!(releases.contains("1.2.0") && !releases.contains("9.9.9"), "{releases}");
    store.ok(&["--environment", "test", "delete", "events", "--confirm"]);
    let issue = store.call("list_issues", json!({ "period": "1d" }))["issues"][0].clone();
    assert_eq!(issue["events"], 1, "{issue}");
    let held = store.run(&["--scope-locked", "--project", "till", "delete", "user", "17", "--confirm"]);
    assert_eq!(held.status.code(), Some(1), "{held:?}");
}

#[test]
fn a_copy_of_a_live_store_is_a_store_with_the_same_pseudonyms() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    let server = store.serve();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    store.ok(&["backup", file.to_str().unwrap()]);
    assert_eq!(store.run(&["backup", file.to_str().unwrap()]).status.code(), Some(1), "a file is never overwritten");
    drop(server);
    let restored = Store::new();
    std::fs::create_dir_all(restored.path()).unwrap();
    std::fs::copy(&file, restored.path().join("signal.db")).unwrap();
    let users = |store: &Store| {
        let asked = json!({ "issue": "TILL-1", "period": "3650d", "baseline": "all_users" });
        store.call("affected_users", asked)["sample"].clone()
    };
    assert_eq!(users(&restored), users(&store));
    let key = |store: &Store| std::fs::read(store.path().join("pseudonym.key")).unwrap();
    assert_eq!(key(&restored), key(&store));
}

/// What a store answers, without what tells when it was asked.
fn answers(store: &Store) -> Vec<serde_json::Value> {
    let issues = store.call("list_issues", json!({ "period": "30d", "limit": 100, "max_tokens": 60000 }));
    let worst = issues["issues"][0]["short_id"].clone();
    let mut all = vec![issues];
    for (tool, arguments) in [
        ("list_issues", json!({ "since_release": "shop@2.3.0", "max_tokens": 60000 })),
        ("list_releases", json!({ "max_tokens": 60000 })),
        ("affected_users", json!({ "issue": worst, "max_tokens": 60000 })),
        (
            "get_event",
            json!({ "issue": worst, "include": ["exception", "breadcrumbs", "user", "tags"], "max_tokens": 60000 }),
        ),
        ("verify_fix_since_release", json!({ "issue": worst, "release": "shop@2.3.1", "max_tokens": 60000 })),
        (
            "search_events",
            json!({ "kind": "log", "group_by": ["level"], "aggregate": ["count()"], "max_tokens": 60000 }),
        ),
    ] {
        all.push(store.call(tool, arguments));
    }
    for answer in &mut all {
        let answer = answer.as_object_mut().unwrap();
        for of_the_moment in ["as_of", "next_cursor", "source", "searched", "counted", "check_again_after", "markdown"]
        {
            answer.remove(of_the_moment);
        }
    }
    all
}

#[test]
fn a_store_that_was_exported_and_imported_answers_the_same() {
    let (store, other) = (Store::new(), Store::new());
    store.ok(&["demo"]);
    std::fs::rename(store.path().with_file_name("store-demo"), store.path()).unwrap();
    let file = store.path().join("all.ndjson");
    let file = file.to_str().unwrap();
    store.ok(&["export", file]);
    let refused = store.run(&["export", file]);
    assert!(!refused.status.success(), "no file is overwritten");
    other.ok(&["import", file]);
    for (one, same) in answers(&store).iter().zip(answers(&other)) {
        assert!(one["error"].is_null(), "{one}");
        assert_eq!(*one, same);
    }
}

#[test]
fn a_store_of_an_older_version_answers_as_it_did() {
    let store = Store::new();
    let packed = include_bytes!("../data/stores/0.1.0.db.zst").as_slice();
    std::fs::create_dir_all(store.path()).unwrap();
    std::fs::write(store.path().join("signal.db"), zstd::decode_all(packed).unwrap()).unwrap();
    #[cfg(unix)]
    for (path, mode) in [(store.path(), 0o700), (store.path().join("signal.db"), 0o600)] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let issues = store.call("list_issues", json!({ "period": "3650d" }));
    let issue = &issues["issues"][0];
    assert_eq!((&issue["short_id"], &issue["users"], &issue["events"]), (&json!("TILL-1"), &json!(1), &json!(1)));
    let event = store.call("get_event", json!({ "event": "7d9a4c1e2b3f45678899aabbccddeeff" }));
    assert_eq!(event["event"]["exceptions"][0]["type"], "TypeError", "{event}");
    let releases = store.call("list_releases", json!({}));
    assert_eq!(releases["releases"][0]["sessions"], 1, "{releases}");
    let logs = store.call("search_events", json!({ "kind": "log", "period": "3650d" }));
    assert_eq!(logs["rows"].as_array().map(Vec::len), Some(1), "{logs}");
    // What was taken before is known.
    let said =
        store.ok(&["--project", "till", "import", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/till.envelope")]);
    assert!(said.contains("1 already there"), "{said}");
}

#[test]
fn a_server_says_on_its_log_what_a_person_waits_for_and_doctor_repeats_it() {
    let store = Store::new();
    store.ok(&["project", "till"]);
    let mut child = store
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = log.next().unwrap();
    let url = first[first.find("http://").unwrap()..].trim().to_owned();
    let wrong = format!("{url}/api/1/envelope/?sentry_key={}", "0".repeat(32));
    for _ in 0..3 {
        assert_eq!(http("POST", &wrong, &[], ENVELOPE.as_bytes()).status, 403);
    }
    let line = log.find(|line| line.contains("a request was refused")).unwrap();
    assert!(line.contains("its key is not of this project"), "{line}");
    let dsn = store.ok(&["project", "till"]);
    let key = dsn.trim().trim_start_matches("http://").split_once('@').unwrap().0;
    let right = format!("{url}/api/1/envelope/?sentry_key={key}");
    assert_eq!(http("POST", &right, &[], ENVELOPE.as_bytes()).status, 200);
    let line = log.find(|line| line.contains("the first event of this project is here")).unwrap();
    assert!(line.contains("till"), "{line}");
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    child.wait().unwrap();
    let doctor = store.ok(&["doctor"]);
    assert!(doctor.contains("refused: 3 requests for project 1: its key is not of this project"), "{doctor}");
    assert!(doctor.contains(": events"), "sizes by kind: {doctor}");
}

#[test]
fn a_retention_is_kept_where_only_stdio_runs() {
    let store = Store::new();
    let old = ENVELOPE.replace("2026-11-20", "2026-01-20");
    store.import("till", &[old, ENVELOPE.replace("7d9a4c1e", "8d9a4c1e")]);
    let ids = |store: &Store| {
        let rows = store.call("search_events", json!({ "period": "3650d", "aggregate": ["count()"] }));
        rows["rows"][0]["count()"].as_u64().unwrap_or(0)
    };
    assert_eq!(ids(&store), 2);
    let mut child = store
        .command(&["stdio", "--retention", "90d"])
        .env("RUST_LOG", "info")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("past the retention")));
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(ids(&store), 1);
}

/// The demonstration's issues by name, in a store that can be asked further.
fn demonstrated() -> (Store, String, Vec<(String, String)>) {
    let store = Store::new();
    let said = store.ok(&["demo"]);
    std::fs::rename(store.path().with_file_name("store-demo"), store.path()).unwrap();
    let issues = store.call("list_issues", json!({ "period": "30d", "limit": 100, "max_tokens": 60000 }));
    let text = |issue: &serde_json::Value, key: &str| issue[key].as_str().unwrap().to_owned();
    let mut named: Vec<_> =
        issues["issues"].as_array().unwrap().iter().map(|i| (text(i, "short_id"), text(i, "title"))).collect();
    named.sort();
    (store, said, named)
}

#[test]
fn the_demonstration_has_the_whole_story_and_the_same_names_each_time() {
    let (store, said, named) = demonstrated();
    let (_, _, again) = demonstrated();
    assert_eq!(named, again);
    // The browser's failure stands under the one of the API that it echoes.
    assert!(said.contains("echo of it") && said.contains("Recording: 1 segment, complete"), "{said}");
    assert!(said.contains("Verdict: fixed"), "{said}");
    let diagnosis = store.call("diagnose_issue", json!({ "issue": "SHOP-WEB-1", "max_tokens": 5000 }));
    assert_eq!(
        (&diagnosis["verdict"], &diagnosis["actionable"]["level"]),
        (&json!("code"), &json!("high")),
        "{diagnosis}"
    );
    assert!(diagnosis["same_trace"][0]["issue"].as_str().unwrap().starts_with("SHOP-API-"), "{diagnosis}");
    let flags = store.call("get_event", json!({ "issue": "SHOP-WEB-1", "include": ["flags"] }));
    assert!(flags["event"]["flags"].to_string().contains("coupon-service-v2"), "{flags}");
    let faults: Vec<_> = named
        .iter()
        .filter(|(_, title)| title == "TypeError: fetch failed")
        .map(|(id, _)| store.call("diagnose_issue", json!({ "issue": id }))["verdict"].clone())
        .collect();
    assert!(faults.contains(&json!("environment")), "{faults:?}");
    let steps =
        store.call("get_replay_summary", json!({ "issue": "SHOP-WEB-1", "format": "steps", "max_tokens": 5000 }));
    assert!(steps["steps"].to_string().contains("Apply coupon"), "{steps}");
}
