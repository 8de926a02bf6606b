//! `sentry-cli` against a running server: releases, commits, deploys, issues.

use std::process::Command;

use serde_json::json;

use super::Api;
use crate::program::{Server, Store, node_tool};

/// `sentry-cli` for a server and a project.
pub fn sentry_cli(server: &Server, project: &str) -> Command {
    let folder = node_tool("sentry-cli", "@sentry/cli@3.8.0");
    let mut command = Command::new(folder.join("node_modules/.bin/sentry-cli"));
    command
        .env("SENTRY_URL", &server.url)
        .env("SENTRY_AUTH_TOKEN", "local")
        .env("SENTRY_ORG", "acme")
        .env("SENTRY_PROJECT", project)
        .env("SENTRY_LOAD_DOTENV", "0")
        .env("NO_PROXY", "127.0.0.1");
    command
}

/// Runs it and expects success; gives what was printed.
pub fn said(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {text}");
    text
}

fn git(folder: &std::path::Path, words: &[&str]) {
    let named = ["-c", "user.name=Ada", "-c", "user.email=ada@till.example", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").current_dir(folder).args(named).args(words).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn a_release_is_made_filled_finished_and_deployed() {
    let store = Store::new();
    store.import("till", &[include_str!("../../data/till.envelope").to_owned()]);
    let server = Server::start(store.command(&["serve", "--listen", "127.0.0.1:0", "--allow-writes"]));
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let commit = |file: &str, message: &str| {
        std::fs::write(folder.path().join(file), "1").unwrap();
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-q", "-m", message]);
    };
    let run = |words: &str| said(sentry_cli(&server, "till").current_dir(folder.path()).args(words.split(' ')));
    // One that has signal already, and one that nobody has seen.
    for (release, file, message) in [
        ("till@1.2.0", "till.js", "Count the drawer"),
        ("till@1.3.0", "receipt.js", "Print receipts; key sk_live_0123456789abcdef01234567"),
    ] {
        commit(file, message);
        run(&format!("releases new {release}"));
        run(&format!("releases set-commits {release} --local"));
        run(&format!("releases finalize {release}"));
        run(&format!("deploys new --release {release} -e production -n blue"));
        assert!(run(&format!("deploys list --release {release}")).contains("blue"));
        assert!(run(&format!("releases info {release}")).contains(release));
    }
    assert!(run("releases list").contains("till@1.3.0"));
    assert!(run("issues list").contains("TILL-1"));
    assert!(run("issues list --query is:resolved").contains("No issues"));
    run("issues resolve --id 1");
    assert!(run("issues list --query is:resolved").contains("TILL-1"));
    assert!(run("info").contains("local"));
    run("projects list");
    run("repos list");
    run("events list");

    let api = Api { server: &server };
    let commits = api.ok("organizations/o/releases/till%401.3.0/commits/");
    let message = commits[0]["message"].as_str().unwrap();
    assert!(message.starts_with("Print receipts") && !message.contains("sk_live"), "{message}");
    let files = api.ok("organizations/o/releases/till@1.3.0/commitfiles/");
    assert_eq!((&files[0]["filename"], &files[0]["type"]), (&json!("receipt.js"), &json!("A")));
    let release = api.ok("organizations/o/releases/till@1.3.0/");
    assert_eq!((&release["commitCount"], &release["deployCount"]), (&json!(1), &json!(1)));
    assert!(release["dateReleased"].is_string());
    let listed = store.call("list_releases", json!({}));
    assert!(listed["releases"][0]["deployed_at"].is_string(), "{listed}");
}
