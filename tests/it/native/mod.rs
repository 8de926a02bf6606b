//! Crashes of native programs: dumps, symbols, and programs that crash for real.

mod builds;
mod crashing;
mod dumps;
mod endpoint;
mod lies;
mod mappings;
mod rates;
mod reports;
mod symbol_server;

use std::{
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use prodsignal::native::{DebugFile, Found, Object, Symbols, WantedImage, read_debug_file};
use serde_json::{Value, json};

use crate::{
    api::{Api, uploads},
    program::{Answer, Server, Store, http},
};

/// A file of `tests/data/native`, unpacked.
pub fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/native").join(format!("{name}.gz"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Symbols in memory.
pub struct Shelf(Vec<DebugFile>);

impl Shelf {
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().flat_map(|name| read_debug_file(name, None, &data(name)).unwrap()).collect())
    }
}

impl Symbols for Shelf {
    fn any_symbols(&self) -> bool {
        !self.0.is_empty()
    }

    fn object(&self, _: u64, wanted: &WantedImage) -> Option<Arc<Object>> {
        let mut whole = Found::default();
        for file in self.0.iter().filter(|file| Some(&file.debug_id) == wanted.debug_id.as_ref()) {
            let found = &file.found;
            for (own, other) in [(&mut whole.symcache, &found.symcache), (&mut whole.cfi, &found.cfi)] {
                if own.is_empty() {
                    own.clone_from(other);
                }
            }
        }
        (whole != Found::default()).then(|| Arc::new(Object::new(whole)))
    }

    fn source(&self, _: u64, _: &WantedImage, path: &str) -> Option<Arc<str>> {
        path.ends_with("rollers.c").then(|| (1..=20).map(|n| format!("line {n}\n")).collect::<String>().into())
    }
}

/// A form: field, file name, bytes.
pub fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, file, bytes) in parts {
        let file = file.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        write!(body, "--EDGE\r\nContent-Disposition: form-data; name=\"{field}\"{file}\r\n\r\n").unwrap();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--EDGE--\r\n");
    body
}

/// Where a project's crashes are sent to.
pub fn address(server: &Server, store: &Store, project: &str) -> String {
    let dsn = server.dsn(store, project);
    let (key, id) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    format!("{}/api/{}/minidump/?sentry_key={key}", server.url, id.rsplit('/').next().unwrap())
}

/// Sends a form.
pub fn post(url: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
    http("POST", url, &[("Content-Type", "multipart/form-data; boundary=EDGE")], &form(parts))
}

/// Sends a dump as handlers do; gives the event's id.
pub fn crash(server: &Server, store: &Store, dump: &[u8]) -> String {
    let event = json!({ "release": "press@1.0.0", "user": { "id": "op-1" }, "tags": { "roller": "upper" } });
    let parts = [
        ("sentry", None, event.to_string().into_bytes()),
        ("prod", None, b"press".to_vec()),
        ("upload_file_minidump", Some("x.dmp"), dump.to_vec()),
    ];
    let parts: Vec<(&str, Option<&str>, &[u8])> = parts.iter().map(|(n, f, b)| (*n, *f, b.as_slice())).collect();
    let answer = post(&address(server, store, "press"), &parts);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body.trim().to_owned()
}

/// Uploads files with symbols as `sentry-cli` does.
pub fn upload(server: &Server, project: &str, files: &[(&str, &[u8])]) -> Value {
    let mut order = json!({});
    for (name, bytes) in files {
        let hex = uploads::hex(bytes);
        let sent = uploads::send(server, &[("file_gzip", &hex, &uploads::gzip(bytes))]);
        assert_eq!(sent.status, 200, "{}", sent.body);
        order[&hex] = json!({ "name": name, "chunks": [hex] });
    }
    let answer = Api { server }.send("POST", &format!("projects/o/{project}/files/difs/assemble/"), &order);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// An event as `get_event` shows it.
pub fn event(store: &Store, id: &str) -> Value {
    let ask = json!({ "event": id, "include": ["exception", "threads", "tags", "contexts", "attachments"],
        "max_tokens": 20_000 });
    store.call("get_event", ask)["event"].clone()
}

/// Functions of an event's first exception, from the crash outwards.
pub fn functions(event: &Value) -> Vec<&str> {
    let frames = event["exceptions"][0]["frames"].as_array().unwrap();
    frames.iter().map(|frame| frame["function"].as_str().unwrap_or("")).collect()
}
