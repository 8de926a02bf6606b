//! The gate: exit codes, and waiting for evidence.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::program::{Store, now, on_the_clock, program_words};

fn envelope(ty: &str, body: &Value) -> String {
    format!("{{}}\n{{\"type\":\"{ty}\"}}\n{body}\n")
}

/// Sessions counted by the hour, and a crash of every twentieth before the fix.
fn hours(from: i64, to: i64, release: &str, crashes: bool, start: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for hour in from..to {
        let at = start + hour * 3_600;
        let row = json!({ "started": jiff::Timestamp::from_second(at).unwrap().to_string(), "exited": 40 });
        let attributes = json!({ "release": release, "environment": "production" });
        lines.push(envelope("sessions", &json!({ "aggregates": [row], "attrs": attributes })));
        for n in 0..if crashes { 2 } else { 0 } {
            let exception = json!({ "type": "TypeError", "value": "no total",
                "stacktrace": { "frames": [{ "function": "cartTotal", "filename": "cart.js", "in_app": true }] } });
            let id = format!("{:032x}", (hour as u128 + 1) << 64 | n);
            let user = json!({ "id": format!("u{}", hour * 2 + n as i64) });
            lines.push(envelope(
                "event",
                &json!({ "event_id": id, "timestamp": at + 60, "platform": "javascript", "release": release,
                "environment": "production", "user": user, "exception": { "values": [exception] } }),
            ));
        }
    }
    lines
}

fn filled() -> (Store, i64) {
    let store = Store::new();
    // Whole hours, so that none is cut; the last ends before this one.
    let start = now().as_second().div_euclid(3_600) * 3_600 - 120 * 3_600;
    let mut lines = hours(0, 80, "shop@2.2.0", true, start);
    lines.extend(hours(80, 82, "shop@2.3.0", false, start));
    store.import("shop", &lines);
    (store, start)
}

const ASKED: [&str; 5] = ["--environment", "production", "verify", "SHOP-1", "2.3.0"];

#[test]
fn exit_codes_tell_the_verdict() {
    let (store, start) = filled();
    let code = |words: &[&str]| store.run(words).status.code();
    assert_eq!(code(&ASKED), Some(3), "not enough yet");
    assert_eq!(code(&["verify", "SHOP-1", "9.9.9"]), Some(3), "not deployed");
    assert_eq!(code(&["verify", "SHOP-99", "2.3.0"]), Some(1), "no such issue");
    assert_eq!(code(&["verify", "SHOP-1"]), Some(2), "usage");
    assert_eq!(code(&["verify", "SHOP-1", "2.3.0", "--min-reduction", "7"]), Some(2), "usage");
    assert_eq!(code(&["verify", "SHOP-1", "2.3.0", "--wait", "soon"]), Some(2), "usage");
    store.import("shop", &hours(82, 118, "shop@2.3.0", false, start));
    assert_eq!(code(&ASKED), Some(0), "fixed");
    let json: Value = serde_json::from_str(&store.ok(&[&ASKED[..], &["--json"]].concat())).unwrap();
    let markdown = store.ok(&[&ASKED[..], &["--markdown"]].concat());
    // Two runs may be seconds apart.
    let untimed =
        |text: &str| text.lines().filter(|line| !line.starts_with("As of ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(json["verdict"], "fixed");
    assert_eq!(untimed(json["markdown"].as_str().unwrap()), untimed(&markdown));
    assert!(markdown.starts_with("### Fix of `SHOP-1` since `shop@2.3.0`: **fixed**"), "{markdown}");
    let broken = Store::new();
    let mut lines = hours(0, 80, "shop@2.2.0", true, start);
    lines.extend(hours(80, 118, "shop@2.3.0", true, start));
    broken.import("shop", &lines);
    assert_eq!(broken.run(&ASKED).status.code(), Some(4), "not fixed");
}

#[test]
fn the_gate_waits_until_the_store_has_the_evidence() {
    let (store, start) = filled();
    let mut gate = store.command(&[&ASKED[..], &["--wait", "10m"]].concat());
    let mut gate = gate.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(gate.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.contains("Not enough to tell yet"), "{first}");
    store.import("shop", &hours(82, 118, "shop@2.3.0", false, start));
    let done = gate.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn patience_that_ends_leaves_the_verdict_open() {
    let (store, _) = filled();
    let done = store.run(&[&ASKED[..], &["--wait", "1s"]].concat());
    assert_eq!(done.status.code(), Some(3), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_whole_loop_of_the_example_runs() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fix_loop.py");
    let [.., program] = program_words();
    let mut python = on_the_clock(Command::new("python3"));
    let done =
        python.args([script, &program]).env("SOURCE_DATE_EPOCH", now().as_second().to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    for verdict in ["**not_deployed**", "**not_fixed**", "**insufficient_exposure**", "**fixed**"] {
        assert!(said.contains(verdict), "{verdict}: {said}");
    }
}
