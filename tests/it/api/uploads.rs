//! Bad uploads: each is refused with a reason, none harms.

use std::io::Write;

use prodsignal::sourcemaps::checksum;
use serde_json::{Value, json};

use super::Api;
use crate::program::{Answer, Server, Store, http};

pub fn hex(bytes: &[u8]) -> String {
    checksum(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A bundle of these files, with a manifest that names them.
pub fn bundle(manifest: &Value, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in files.iter().copied().chain([("manifest.json", manifest.to_string().as_bytes())]) {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Sends parts as a form: field, name, bytes.
pub fn send(server: &Server, parts: &[(&str, &str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (field, name, bytes) in parts {
        write!(body, "--XX\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n").unwrap();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    let url = format!("{}/api/0/organizations/o/chunk-upload/", server.url);
    http("POST", &url, &[("Content-Type", "multipart/form-data; boundary=XX")], &body)
}

/// Uploads a bundle as one part and has it put together.
fn assemble(server: &Server, bytes: &[u8], order: Value) -> Value {
    let sent = send(server, &[("file_gzip", &hex(bytes), &gzip(bytes))]);
    assert_eq!(sent.status, 200, "{}", sent.body);
    let mut body = json!({ "checksum": hex(bytes), "chunks": [hex(bytes)], "projects": ["till"] });
    body.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
    let answer = Api { server }.send("POST", "organizations/o/artifactbundle/assemble/", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn served() -> (Store, Server) {
    let store = Store::new();
    store.ok(&["project", "till"]);
    let server = store.serve();
    (store, server)
}

#[test]
fn parts_that_are_not_what_they_say_are_refused() {
    let (_store, server) = served();
    let (name, large) = (hex(b"part"), vec![0; (8 << 20) + 1]);
    for (parts, status, word) in [
        (vec![("file_gzip", name.as_str(), gzip(b"other"))], 400, "checksum"),
        (vec![("file_gzip", &name, b"part".to_vec())], 400, "gzip"),
        (vec![("file", "../../etc/passwd", b"part".to_vec())], 400, "SHA-1"),
        (vec![("other", &name, b"part".to_vec())], 400, "named file"),
        (vec![("file", &hex(&large), large.clone())], 413, "at most"),
        // A bomb: little gzip, much inside.
        (vec![("file_gzip", &name, gzip(&vec![0; 200 << 20]))], 413, "at most"),
        (vec![], 400, "no chunk"),
        (vec![("file", &name, b"part".to_vec()); 65], 400, "more than 64"),
    ] {
        let parts: Vec<(&str, &str, &[u8])> = parts.iter().map(|(f, n, b)| (*f, *n, b.as_slice())).collect();
        let answer = send(&server, &parts);
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{}", answer.body);
    }
    let url = format!("{}/api/0/organizations/o/chunk-upload/", server.url);
    assert_eq!(http("POST", &url, &[("Content-Type", "text/plain")], b"x").status, 400);
    assert_eq!(send(&server, &[("file", &name, &vec![0; 33 << 20])]).status, 413);
    assert_eq!(send(&server, &[("file", &name, b"part")]).status, 200);
}

#[test]
fn bundles_that_are_none_are_refused_with_a_reason() {
    let (_store, server) = served();
    let map = br#"{"version":3,"sources":[],"names":[],"mappings":""}"#.as_slice();
    let one = |path: &str, ty: &str| json!({ "files": { path: { "type": ty, "url": "~/a.js" } } });
    let bomb = vec![b' '; 70 << 20];
    for (bytes, word) in [
        (b"no zip".to_vec(), "not an artifact bundle"),
        (bundle(&json!({}), &[]), "manifest"),
        (bundle(&json!([1]), &[]), "manifest"),
        (bundle(&one("../../etc/passwd", "source_map"), &[("../../etc/passwd", map)]), "leaves the bundle"),
        (bundle(&one("/etc/passwd", "minified_source"), &[("/etc/passwd", map)]), "leaves the bundle"),
        (bundle(&one("a.js.map", "source_map"), &[]), "not in the bundle"),
        (bundle(&one("a.js.map", "source_map"), &[("a.js.map", b"<html>")]), "not a source map"),
        (
            bundle(&one("a.js.map", "source_map"), &[("a.js.map", br#"{"version":3,"mappings":"!!!"}"#)]),
            "not a source map",
        ),
        (bundle(&one("a.js", "minified_source"), &[("a.js", &bomb)]), "too large"),
    ] {
        let said = assemble(&server, &bytes, json!({}));
        assert_eq!(said["state"], "error", "{word}: {said}");
        assert!(said["detail"].as_str().unwrap().contains(word), "{word}: {said}");
    }
    let good = bundle(&one("a.js.map", "source_map"), &[("a.js.map", map)]);
    assert_eq!(assemble(&server, &good, json!({}))["state"], "ok");
    // The same once more needs no part.
    let order = json!({ "checksum": hex(&good), "chunks": [hex(&good)], "projects": ["till"] });
    let api = Api { server: &server };
    assert_eq!(api.send("POST", "organizations/o/artifactbundle/assemble/", &order).json()["state"], "ok");
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let (_store, server) = served();
    let api = Api { server: &server };
    let (one, other) = (hex(b"one"), hex(b"other"));
    let ask = |body: &Value| api.send("POST", "organizations/o/artifactbundle/assemble/", body);
    let missing = ask(&json!({ "checksum": one, "chunks": [one, other], "projects": ["till"] })).json();
    assert_eq!(missing, json!({ "state": "not_found", "missingChunks": [one, other] }));
    assert_eq!(ask(&json!({ "checksum": "zz", "chunks": [], "projects": ["till"] })).status, 400);
    assert_eq!(ask(&json!({ "checksum": one, "chunks": [one], "projects": [] })).status, 400);
    assert_eq!(ask(&json!({ "checksum": one, "chunks": [one], "projects": ["none"] })).status, 404);
    assert_eq!(ask(&json!([])).status, 400);
    // The parts are here, but their sum is not what was said.
    assert_eq!(send(&server, &[("file", &one, b"one")]).status, 200);
    let wrong = ask(&json!({ "checksum": other, "chunks": [one], "projects": ["till"] })).json();
    assert_eq!(wrong["state"], "error", "{wrong}");
    assert!(wrong["detail"].as_str().unwrap().contains("checksum"), "{wrong}");
}
