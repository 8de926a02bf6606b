//! Tests of operations: projects, copies, and how the program meets a shell.

use std::{io::Read, process::Stdio};

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
