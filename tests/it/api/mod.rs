//! The Sentry-compatible API of `serve`, as others' programs use it.

mod announced;
pub mod commands;
mod contract;
mod events;
mod plugins;
mod readers;
mod sourcemaps;
pub mod uploads;

use std::{io::Read, path::Path};

use serde_json::Value;

use crate::program::{Answer, Server, Store, http, program};

/// The API of a server, under some organization's name.
pub struct Api<'a> {
    pub server: &'a Server,
}

impl Api<'_> {
    pub fn get(&self, path: &str) -> Answer {
        http("GET", &format!("{}/api/0/{path}", self.server.url), &[("Authorization", "Bearer any")], b"")
    }

    /// What is answered, which must be a success.
    pub fn ok(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Authorization", "Bearer any"), ("Content-Type", "application/json")];
        http(method, &format!("{}/api/0/{path}", self.server.url), &headers, body.to_string().as_bytes())
    }
}

/// Issues, sessions and releases of two weeks, served.
pub fn shop(store: &Store) -> Server {
    store.ok(&["demo"]);
    let mut path = store.path().into_os_string();
    path.push("-demo");
    let mut command = program();
    command.arg("--store").arg(path).args(["serve", "--listen", "127.0.0.1:0"]);
    Server::start(command)
}

/// A file of `tests/data/desk`, unpacked.
pub fn desk(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/desk").join(name);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}
