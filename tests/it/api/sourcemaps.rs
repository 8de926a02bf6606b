//! Minified events read as their source: maps before the events, events before the maps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    commands::{said, sentry_cli},
    desk,
};
use crate::program::{Server, Store};

fn expected() -> Value {
    serde_json::from_str(include_str!("../../data/desk/expected.json")).unwrap()
}

/// Uploads all maps as a build would.
fn upload(server: &Server) {
    let maps: BTreeMap<String, String> = serde_json::from_str(&desk("maps.json.gz")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in maps {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for version in ["1.4.0", "1.5.0", "1.6.0"] {
        let mut command = sentry_cli(server, "desk");
        command.args(["sourcemaps", "upload", "--wait-for", "20"]);
        if version == "1.5.0" {
            command.args(["--release", "desk@1.5.0", "--dist", "1502"]);
        }
        said(command.arg(folder.path().join(version)));
    }
}

fn import(store: &Store) {
    let lines = desk("captures.ndjson.gz");
    let envelopes: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["envelope"].as_str().unwrap().to_owned())
        .collect();
    store.import("desk", &envelopes);
}

/// Every bug's frame in every release; gives the issues of each bug.
fn check(store: &Store) -> BTreeMap<String, BTreeSet<String>> {
    let mut issues: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (bug, releases) in expected()["bugs"].as_object().unwrap() {
        for (release, want) in releases.as_object().unwrap() {
            let ask = json!({ "event": want["event"], "include": ["exception"], "max_tokens": 20_000 });
            let event = store.call("get_event", ask)["event"].clone();
            let frames = event["exceptions"].as_array().unwrap().last().unwrap()["frames"].as_array().unwrap();
            let frame = frames.iter().find(|frame| frame["in_app"] == true).unwrap();
            let name = frame["function"].as_str().unwrap().rsplit('.').next().unwrap();
            assert_eq!(name, want["frame"]["function"], "{bug} {release}");
            assert!(frame["file"].as_str().unwrap().ends_with(want["frame"]["file"].as_str().unwrap()), "{frame}");
            assert_eq!(frame["line"], want["frame"]["line"], "{bug} {release}");
            let line = frame["context"]["line"].as_str().unwrap().trim();
            assert_eq!(line, want["frame"]["source_line"].as_str().unwrap().trim(), "{bug} {release}");
            issues.entry(bug.clone()).or_default().insert(event["issue"].to_string());
        }
    }
    issues
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn maps_that_came_first_make_one_issue_of_each_bug() {
    let store = Store::new();
    store.ok(&["project", "desk"]);
    let server = store.serve();
    upload(&server);
    import(&store);
    let issues = check(&store);
    let all: BTreeSet<&String> = issues.values().flatten().collect();
    assert!(issues.values().all(|ids| ids.len() == 1), "{issues:?}");
    assert_eq!(all.len(), issues.len(), "{issues:?}");
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn maps_that_came_later_are_read_and_name_the_issues_again() {
    let store = Store::new();
    import(&store);
    let server = store.serve();
    upload(&server);
    // Uploaded twice is as good as once.
    upload(&server);
    check(&store);
    let listed = store.call("list_issues", json!({ "period": "3650d", "max_tokens": 20_000 }));
    for issue in listed["issues"].as_array().unwrap() {
        let frame = &issue["top_frame"];
        assert!(frame["file"].as_str().is_some_and(|file| file.starts_with("src/")), "{issue}");
    }
}
