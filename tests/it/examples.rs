//! Tests of examples: each script runs with a stand-in for the agent.
#![cfg(unix)]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    feed::failure,
    program::{Store, on_the_clock, program_words},
};

fn script(name: &str, store: &Store) -> Command {
    let mut command = on_the_clock(Command::new("sh"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name));
    let [.., program] = program_words();
    command
        .env("PRODSIGNAL", program)
        .env("PRODSIGNAL_STORE", store.path())
        .env("HOME", store.path().parent().unwrap());
    command
}

#[test]
fn the_daily_round_hands_each_change_over_once_and_again_after_a_failure() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    let got = store.path().parent().unwrap().join("got");
    let run = |agent: &str| script("daily-triage.sh", &store).env("AGENT", agent).status().unwrap().success();
    assert!(!run("exit 1"), "an agent that fails");
    let take = format!("cat >> {}", got.display());
    assert!(run(&take) && run(&take));
    store.import("till", &[failure(2, "SecondError")]);
    assert!(run(&take));
    let text = fs::read_to_string(&got).unwrap();
    let issues: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["issue"]["short_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(issues, ["TILL-1", "TILL-2"]);
}

#[test]
fn the_responder_gets_the_hand_off_of_each_incident() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    let got = store.path().parent().unwrap().join("got");
    let mut command = script("incident-responder.sh", &store);
    let done =
        command.args(["--once", "--since", "0"]).env("AGENT", format!("cat >> {}", got.display())).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let finding: Value = serde_json::from_str(&fs::read_to_string(&got).unwrap()).unwrap();
    assert!(finding["brief"].as_str().unwrap().contains("FirstError"), "{finding}");
}

#[test]
fn slack_hears_of_each_change_in_one_line() {
    let store = Store::new();
    store.import("till", &[failure(1, "FirstError")]);
    let (url, heard) = crate::feed::receiver(vec![200]);
    let mut command = script("slack-alert.sh", &store);
    let done = command.args(["--once", "--since", "0"]).env("SLACK_WEBHOOK", url).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let got = heard.join().unwrap();
    let message: Value = serde_json::from_str(&got[0].1).unwrap();
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("TILL-1") && text.contains("FirstError") && !text.contains('\n'), "{text}");
}

#[test]
fn the_configuration_of_a_client_names_the_program() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mcp.json")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    let server = &config["mcpServers"]["prodsignal"];
    assert!(server["command"].as_str().unwrap().ends_with("prodsignal"), "{config}");
    assert!(server["args"].as_array().unwrap().iter().any(|word| word == "stdio"), "{config}");
}
