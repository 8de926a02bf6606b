//! Crashes that come as text, from game engines, and of programs of several processes.

use std::io::Write;

use serde_json::{Value, json};

use super::{address, event, post};
use crate::program::{Store, http};

const TOMBSTONE: &str = "*** *** *** *** *** *** *** ***
ABI: 'arm64'
pid: 1, tid: 2, name: Boiler  >>> com.acme.kettle <<<
signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x10
backtrace:
      #00 pc 0000000000001234  /data/app/com.acme.kettle/lib/arm64/libkettle.so (BuildId: f4bae09e6e4bd7507a8efc7ed3144b73)
      #01 pc 0000000000002000  /apex/com.android.runtime/lib64/bionic/libc.so (__pthread_start(void*)+208)
";

/// An envelope of these items: header, payload.
fn envelope(items: &[(Value, &[u8])]) -> Vec<u8> {
    let mut body = b"{\"event_id\":\"0123456789abcdef0123456789abcd01\"}\n".to_vec();
    for (header, payload) in items {
        let mut header = header.clone();
        header["length"] = payload.len().into();
        writeln!(body, "{header}").unwrap();
        body.extend_from_slice(payload);
        body.push(b'\n');
    }
    body
}

#[test]
fn reports_of_systems_are_crashes_by_each_way_they_come() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let url = address(&server, &store, "press");
    let by_form = post(&url, &[("upload_file_minidump", Some("tombstone_00.txt"), TOMBSTONE.as_bytes())]);
    let beside = post(&url, &[("prod", None, b"kettle"), ("report", Some("tombstone"), TOMBSTONE.as_bytes())]);
    let bare = http("POST", &url, &[("Content-Type", "text/plain")], TOMBSTONE.as_bytes());
    let url = url.replace("/minidump/", "/envelope/");
    let item = json!({ "type": "attachment", "filename": "tombstone.txt", "content_type": "text/plain" });
    let sent = http("POST", &url, &[], &envelope(&[(item.clone(), TOMBSTONE.as_bytes())]));
    assert_eq!(sent.status, 200, "{}", sent.body);
    let ids = [by_form.body.trim(), beside.body.trim(), bare.body.trim(), "0123456789abcdef0123456789abcd01"];
    let issues: Vec<Value> = ids
        .iter()
        .map(|id| {
            let event = event(&store, id);
            assert_eq!(event["exceptions"][0]["type"], "SIGSEGV", "{event}");
            assert_eq!(event["contexts"]["crash"]["kind"], "null_pointer", "{event}");
            let text = event["exceptions"][0]["frames"][0].to_string();
            assert!(text.contains("libkettle.so+0x1234"), "{text}");
            event["issue"].clone()
        })
        .collect();
    assert!(issues.iter().all(|issue| issue == &issues[0]), "{issues:?}");
    let missing = store.call("get_event", json!({ "event": ids[0] }))["missing_symbols"].clone();
    assert_eq!(missing[0]["debug_id"], "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73", "{missing}");
    let own = json!({ "exception": { "values": [{ "type": "TypeError", "value": "x" }] } }).to_string();
    let both = envelope(&[(json!({ "type": "event" }), own.as_bytes()), (item, TOMBSTONE.as_bytes())]);
    let both = String::from_utf8(both).unwrap().replace("abcd01", "abcd02");
    assert_eq!(http("POST", &url, &[], both.as_bytes()).status, 200);
    let kept = event(&store, "0123456789abcdef0123456789abcd02");
    assert_eq!((kept["exceptions"][0]["type"].as_str(), kept["level"].as_str()), (Some("TypeError"), Some("error")));
}

#[test]
fn a_report_of_unreal_engine_is_taken_at_its_own_address() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let url = address(&server, &store, "press");
    let (start, key) = url.split_once("/minidump/?sentry_key=").unwrap();
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let xml = "<CrashType>Assert</CrashType>\n<ErrorMessage>Assertion failed: Level</ErrorMessage>\n<GameName>UE-Kettle</GameName>\n\
        <PCallStack>Kettle 0x0000000140000000 + 1a2b\n</PCallStack>";
    let plain = [
        b"CR1".to_vec(),
        text("x"),
        text("x.uecrash"),
        vec![0; 4],
        vec![1, 0, 0, 0, 0, 0, 0, 0],
        text("CrashContext.runtime-xml"),
        (xml.len() as u32).to_le_bytes().to_vec(),
        xml.as_bytes().to_vec(),
    ]
    .concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&plain).unwrap();
    let sent = http("POST", &format!("{start}/unreal/{key}/?UserID=a"), &[], &zlib.finish().unwrap());
    assert_eq!(sent.status, 200, "{}", sent.body);
    let read = event(&store, sent.body.trim());
    assert_eq!(read["exceptions"][0]["value"], "Assertion failed: Level", "{read}");
    assert_eq!(
        (&read["tags"]["crash_type"], &read["contexts"]["unreal"]["game"]),
        (&json!("Assert"), &json!("UE-Kettle"))
    );
    assert!(read["exceptions"][0]["frames"][0].to_string().contains("Kettle+0x1a2b"), "{read}");
    let odd = http("POST", &format!("{start}/unreal/{key}/"), &[], b"rubbish");
    assert_eq!((odd.status, event(&store, odd.body.trim())["tags"]["engine"].as_str()), (200, Some("unreal")));
    assert_eq!(http("POST", &format!("{start}/unreal/{}/", "0".repeat(32)), &[], b"x").status, 403);
}

#[test]
fn processes_of_different_kinds_are_different_issues_and_say_their_kind() {
    let store = Store::new();
    store.ok(&["project", "press"]);
    let server = store.serve();
    let url = address(&server, &store, "press");
    let crash = |process: &[u8]| {
        let parts = [("ptype", None, process), ("upload_file_minidump", Some("x"), TOMBSTONE.as_bytes())];
        event(&store, post(&url, &parts).body.trim())
    };
    let (browser, renderer, again, gpu) = (crash(b"browser"), crash(b"renderer"), crash(b"tab"), crash(b"gpu-process"));
    assert_eq!(renderer["issue"], again["issue"]);
    assert!(
        browser["issue"] != renderer["issue"] && gpu["issue"] != renderer["issue"] && gpu["issue"] != browser["issue"]
    );
    for (process, issue) in [("gpu", &gpu["issue"]), ("renderer", &renderer["issue"])] {
        let found = store.call("list_issues", json!({ "query": format!("process.type:{process}"), "period": "3650d" }));
        let ids: Vec<String> = found["issues"].as_array().unwrap().iter().map(|i| i["id"].to_string()).collect();
        assert_eq!((ids.len(), ids[0].trim_matches('"')), (1, issue.to_string().trim_matches('"')), "{found}");
    }
}

#[test]
fn a_renderer_without_memory_is_a_resource_with_what_grew() {
    let store = Store::new();
    let crumb = |minute: u64, mb: u64| json!({ "timestamp": 1_795_485_000 + 60 * minute, "category": "memory", "data": { "heap_mb": mb } });
    let event = json!({ "event_id": "0123456789abcdef0123456789abcd03", "timestamp": 1_795_485_400, "level": "fatal",
        "message": "'renderer' process exited with 'oom'", "contexts": { "electron": { "details": { "reason": "oom", "exitCode": 5 } } },
        "breadcrumbs": { "values": [crumb(0, 200), crumb(1, 900), crumb(2, 1500), crumb(3, 1980)] } });
    let sent = format!("{{\"event_id\":\"0123456789abcdef0123456789abcd03\"}}\n{{\"type\":\"event\"}}\n{event}\n");
    store.import("desk", &[sent]);
    let issue = store.call("list_issues", json!({ "period": "3650d" }))["issues"][0]["short_id"].clone();
    let told = store.call("diagnose_issue", json!({ "issue": issue }));
    assert_eq!(told["verdict"], "resource", "{told}");
    let reasons = told["reasons"].to_string();
    assert!(reasons.contains("exited with") && reasons.contains("memory.heap_mb: 200 to 1980"), "{reasons}");
}
