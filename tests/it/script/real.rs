//! The scripts of recorded sessions in a real browser, against the applications that they were recorded on: each fails
//! where the bug is, by the recorded error and nothing else, and passes where it is mended.

use std::{fs, path::Path};

use prodsignal::{
    guard::Guard,
    script::{self, Wanted},
};
use serde_json::Value;

use super::recorded;
use crate::program::playwright_node;

/// Sessions with an error whose steps are all in the recording.
const SESSIONS: &[&str] = &[
    "board-move",
    "board-names",
    "board-render",
    "notes-undo",
    "notes-long",
    "shop-buffered",
    "shop-buffered-short",
    "shop-coupon",
    "shop-masked",
    "signup-pages",
    "widgets-rage",
    "widgets-resize",
    "widgets-shadow",
];

#[test]
#[cfg_attr(not(has_chromium), ignore = "needs Node and Chromium: apt-get install nodejs npm chromium")]
fn each_script_fails_where_the_bug_is_and_passes_where_it_is_mended() {
    let specs = tempfile::tempdir().unwrap();
    for session in SESSIONS {
        let made = script::write(&recorded::replay(session), Wanted::All, &mut Guard::new());
        let app = session.split('-').next().unwrap();
        fs::write(specs.path().join(format!("{app}.{session}.spec.ts")), made.script.as_str()).unwrap();
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut command = playwright_node("reproduce.mjs");
    command.arg(data.join("apps")).arg(specs.path()).arg(data.join("fixes.json"));
    let done = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
    let results: Value = serde_json::from_slice(&done.stdout).unwrap();
    let mut wrong = Vec::new();
    for session in SESSIONS {
        let (broken, mended) = (&results[session]["broken"], &results[session]["mended"]);
        if broken["status"] != "failed" || !broken["error"].as_str().unwrap().contains("recorded errors that came back")
        {
            wrong.push(format!("{session} on the broken application: {broken}"));
        }
        if mended["status"] != "passed" {
            wrong.push(format!("{session} on the mended application: {mended}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
