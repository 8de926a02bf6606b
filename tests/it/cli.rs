//! Tests of cli: what a person or a script gets from the commands.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::program::Store;

const ENVELOPE: &str = include_str!("../data/till.envelope");

fn fed(store: &Store, words: &[&str], input: &[u8]) -> Output {
    let mut command = store.command(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn issues(store: &Store) -> Vec<Value> {
    store.call("list_issues", json!({ "period": "3650d" }))["issues"].as_array().unwrap().clone()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

#[test]
fn envelopes_are_imported_in_each_of_their_forms_and_count_once() {
    use base64::Engine;
    let encoded = base64::prelude::BASE64_STANDARD.encode(ENVELOPE);
    let forms: [(&str, Vec<u8>); 6] = [
        ("raw", ENVELOPE.into()),
        ("gzip", gzip(ENVELOPE.as_bytes())),
        ("zstd", zstd::encode_all(ENVELOPE.as_bytes(), 1).unwrap()),
        ("a line that is a string", json!(ENVELOPE).to_string().into()),
        ("a line with the text", format!("\n{}\n", json!({ "envelope": ENVELOPE })).into()),
        ("a packed line in base64", gzip(json!({ "envelope_base64": encoded }).to_string().as_bytes())),
    ];
    let all = Store::new();
    for (form, body) in &forms {
        let alone = Store::new();
        for store in [&alone, &all] {
            let done = fed(store, &["--project", "till", "import", "-"], body);
            assert!(done.status.success(), "{form}: {}", String::from_utf8_lossy(&done.stderr));
        }
        assert_eq!(issues(&alone).len(), 1, "{form}");
    }
    assert_eq!(issues(&all)[0]["events"], 1, "six times the same event");
}

#[test]
fn what_cannot_be_imported_is_named_and_the_rest_is_taken() {
    let store = Store::new();
    let lines = [json!(ENVELOPE).to_string(), "{\"envelope\": 5}".into(), "\"no envelope\"".into(), "nonsense".into()];
    let done = fed(&store, &["--project", "till", "import", "-", "/no/such/file"], lines.join("\n").as_bytes());
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr);
    for place in ["-:2", "-:3", "-:4", "/no/such/file"] {
        assert!(said.contains(place), "{place}: {said}");
    }
    assert_eq!(issues(&store).len(), 1);
}

#[test]
fn the_project_comes_from_the_flag_else_the_dsn_else_default() {
    let store = Store::new();
    let done = fed(&store, &["import", "-"], ENVELOPE.as_bytes());
    assert!(done.status.success());
    let projects = store.call("list_projects", json!({}));
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1, "{projects}");
    store.import("named", &[ENVELOPE.to_owned()]);
    let slugs = store.call("list_projects", json!({})).to_string();
    assert!(slugs.contains("\"named\""), "{slugs}");
}

#[test]
fn exit_codes_tell_a_failed_question_from_a_wrong_one() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    let code = |words: &[&str]| store.run(words).status.code();
    assert_eq!(code(&["call", "list_issues"]), Some(0));
    assert_eq!(code(&["call", "list_issues", r#"{"since_release":"nope@9"}"#]), Some(1));
    assert_eq!(code(&["call", "list_issues", r#"{"no_such_input":1}"#]), Some(1));
    assert_eq!(code(&["call", "list_issues", "{not json"]), Some(2));
    assert_eq!(code(&["call", "no_such_tool"]), Some(2));
    assert_eq!(code(&["--no-such-flag"]), Some(2));
    assert_eq!(code(&[]), Some(2));
    let unknown = store.run(&["call", "no_such_tool"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("list_issues"), "the tools that there are");
}

#[test]
fn flags_stand_before_or_after_the_command() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    let before = store.ok(&["--project", "till", "call", "list_projects", "--json"]);
    let after = store.ok(&["call", "list_projects", "--json", "--project", "till"]);
    let projects = |said: &str| serde_json::from_str::<Value>(said).unwrap()["projects"].clone();
    assert_eq!(projects(&before), projects(&after));
}

#[test]
fn a_broken_setting_is_named_with_its_place() {
    let store = Store::new();
    for (words, place) in [
        (vec!["--retention", "soon", "doctor"], "retention"),
        (vec!["--answers", "loud", "doctor"], "answers"),
        (vec!["--config", "/no/such/file.toml", "doctor"], "/no/such/file.toml"),
    ] {
        let done = store.run(&words);
        assert!(!done.status.success(), "{words:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(place), "{words:?}: {done:?}");
    }
    let done = store.command(&["doctor"]).env("PRODSIGNAL_LISTEN", "everywhere").output().unwrap();
    assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains("everywhere"), "{done:?}");
}

#[test]
fn doctor_says_what_is_there_and_what_to_do_about_what_is_not() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    let well = store.ok(&["doctor"]);
    assert!(well.contains("project till") && well.contains("1 events"), "{well}");
    std::fs::write(store.path().join("signal.db"), b"not a database at all, whatever its name may say of it").unwrap();
    let ill = store.run(&["doctor"]);
    assert_eq!(ill.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ill.stdout).contains("to do:"), "{ill:?}");
}

/// Resource limits stand for a disk that takes no more.
#[test]
#[cfg(unix)]
fn a_disk_that_takes_no_more_is_said_and_costs_nothing_that_was_acknowledged() {
    let store = Store::new();
    store.import("till", &[ENVELOPE.to_owned()]);
    let before = issues(&store);
    let big = json!({ "exception": { "values": [{ "type": "Error", "value": "big" }] }, "extra": noise(900_000) });
    let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{big}\n");
    let line = json!(envelope).to_string();
    let shell = format!(
        "trap '' XFSZ; ulimit -f 256; exec {} --store {} --project till import -",
        crate::program::program_words().join(" "),
        store.path().display()
    );
    let mut child = std::process::Command::new("bash")
        .args(["-c", &shell])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may stop reading when it fails.
    let _ = child.stdin.take().unwrap().write_all(line.as_bytes());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(String::from_utf8_lossy(&done.stderr).contains("prodsignal: "), "{done:?}");
    assert_eq!(issues(&store), before);
    assert_eq!(fed(&store, &["--project", "till", "import", "-"], line.as_bytes()).status.code(), Some(0));
    assert_eq!(issues(&store).len(), 2, "with room again it is taken");
}

/// Text that does not compress.
fn noise(length: usize) -> String {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 40) % 26) as u8)
    };
    (0..length).map(|_| next()).collect()
}
