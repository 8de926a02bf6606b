//! Crashes over HTTP: forms, bare dumps, files of envelopes; symbols before, after, never.

use std::io::Write;

use serde_json::{Value, json};

use super::{address, crash, data, event, functions, post, upload};
use crate::{
    api::Api,
    program::{Server, Store, http},
};

fn served() -> (Store, Server) {
    let store = Store::of_captures();
    store.ok(&["project", "press"]);
    let server = store.serve();
    (store, server)
}

fn symbols() -> [(&'static str, Vec<u8>); 2] {
    [("press.debug", data("press.debug")), ("libc.so.6.sym", data("libc.so.6.sym"))]
}

fn upload_all(server: &Server) {
    let files = symbols();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let answer = upload(server, "press", &files);
    assert!(answer.as_object().unwrap().values().all(|file| file["state"] == "ok"), "{answer}");
}

#[test]
fn a_crash_is_read_again_when_its_symbols_came() {
    let (store, server) = served();
    let first = crash(&server, &store, &data("alloc-1.dmp"));
    let before = event(&store, &first);
    assert_eq!(functions(&before).iter().filter(|name| !name.is_empty()).count(), 0, "{before}");
    let missing = &store.call("get_event", json!({ "event": first }))["missing_symbols"];
    let press = missing.as_array().unwrap().iter().find(|file| file["file"] == "press").unwrap();
    assert_eq!(press["debug_id"], "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73");
    upload_all(&server);
    let after = event(&store, &first);
    assert!(functions(&after).contains(&"paper_alloc") && functions(&after).contains(&"run_job"), "{after}");
    let second = event(&store, &crash(&server, &store, &data("alloc-1.dmp")));
    assert_eq!(before["issue"], second["issue"]);
    let told = store.call("diagnose_issue", json!({ "issue": second["issue"] }));
    assert_eq!(told["verdict"], "resource", "{told}");
    let list = store.call("list_issues", json!({}));
    assert_eq!(list["issues"][0]["top_frame"]["function"], "paper_alloc", "{list}");
}

#[test]
fn what_is_sent_beside_the_dump_is_kept() {
    let (store, server) = served();
    let id = crash(&server, &store, &data("null-next-1.dmp"));
    let event = event(&store, &id);
    assert_eq!((event["level"].as_str(), event["unhandled"].as_bool()), (Some("fatal"), Some(true)));
    assert_eq!(event["tags"]["roller"], "upper");
    assert_eq!(event["tags"]["prod"], "press");
    assert_eq!(event["release"], "press@1.0.0");
    assert_eq!(event["attachments"][0]["content_type"], "application/x-dmp");
    assert_eq!(event["contexts"]["crash"]["kind"], "null_pointer");
}

#[test]
fn bare_and_packed_dumps_are_taken_and_broken_ones_stored_as_crashes() {
    let (store, server) = served();
    let url = address(&server, &store, "press");
    let dump = data("null-next-1.dmp");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&dump).unwrap();
    for (body, header) in [(dump.clone(), None), (gzip.finish().unwrap(), Some(("Content-Encoding", "gzip")))] {
        let mut headers = vec![("Content-Type", "application/x-dmp")];
        headers.extend(header);
        let answer = http("POST", &url, &headers, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(event(&store, answer.body.trim())["exceptions"][0]["type"], "SIGSEGV");
    }
    for parts in [&[("upload_file_minidump", Some("x.dmp"), &b"MDMP cut"[..])][..], &[("prod", None, b"x")]] {
        let answer = post(&url, parts);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let stored = event(&store, answer.body.trim());
        assert!(stored["exceptions"][0]["value"].as_str().unwrap().contains("native program crashed"), "{stored}");
    }
    assert_eq!(post(&url.replace("sentry_key", "other"), &[("prod", None, b"x")]).status, 401);
    let broken = http("POST", &url, &[("Content-Type", "multipart/form-data; boundary=EDGE")], b"no form");
    assert_eq!(broken.status, 400);
}

#[test]
fn forms_are_as_large_as_requests_may_be() {
    let (store, server) = served();
    let mut dump = data("crashpad-e8e8fc68.dmp");
    dump.resize(5 << 20, 0x2e);
    let id = crash(&server, &store, &dump);
    assert_eq!(event(&store, &id)["exceptions"][0]["type"], "SIGSEGV");
}

#[test]
fn what_is_here_of_symbols_can_be_asked() {
    let (_store, server) = served();
    upload_all(&server);
    let api = Api { server: &server };
    let list = api.ok("projects/o/press/files/dsyms/?debug_id=9EE0BAF44B6E50D77A8EFC7ED3144B730");
    assert_eq!((list.as_array().unwrap().len(), list[0]["objectName"].as_str()), (1, Some("press.debug")));
    assert_eq!(list[0]["symbolType"], "elf");
    let none = "0000000000000000000000000000000000000001";
    let missing = api.ok(&format!("projects/o/press/files/dsyms/unknown/?checksums={none}"));
    assert_eq!(missing, json!({ "missing": [none] }));
    let refused: Value = upload(&server, "press", &[("words.txt", b"plain words")]);
    let refused = refused.as_object().unwrap().values().next().unwrap();
    assert!(refused["state"] == "error" && refused["detail"].as_str().unwrap().contains("not a file with symbols"));
}
