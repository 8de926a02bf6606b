//! How many events a second `serve` takes with durability on: real HTTP, real commits, on loopback.
//!
//! `cargo bench --bench ingest` prints events per second for 8 and 32 connections. It is bounded: 12,000 events a run.

#![allow(clippy::print_stdout)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Instant,
};

const EVENTS: usize = 12_000;

fn main() {
    for connections in [8, 32] {
        let store = tempfile::tempdir().expect("a folder for the store");
        let mut server = Server::start(store.path());
        let started = Instant::now();
        std::thread::scope(|scope| {
            for sender in 0..connections {
                let server = &server;
                scope.spawn(move || send(server, sender, EVENTS / connections));
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let sent = EVENTS / connections * connections;
        let resident = resident_mb(server.child.id());
        println!("{connections} connections: {:.0} events/s, {resident:.0} MB resident", sent as f64 / seconds);
        let _ = server.child.kill();
        let _ = server.child.wait();
    }
}

struct Server {
    child: Child,
    address: String,
    project: String,
    key: String,
}

impl Server {
    fn start(store: &std::path::Path) -> Self {
        let program = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_prodsignal"));
            command.arg("--store").arg(store.join("store"));
            command
        };
        let dsn = program().args(["project", "bench"]).output().expect("a project").stdout;
        let dsn = String::from_utf8(dsn).expect("a DSN");
        let (key, rest) = dsn.trim().trim_start_matches("http://").split_once('@').expect("a key");
        let project = rest.rsplit('/').next().expect("a project").to_owned();
        let mut child =
            program().args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().expect("the server");
        let address = first_line(child.stderr.as_mut().expect("standard error"));
        let address = address.trim().trim_start_matches("listening on http://").to_owned();
        Self { child, address, project, key: key.to_owned() }
    }
}

fn first_line(from: &mut impl Read) -> String {
    let mut line = String::new();
    let mut byte = [0];
    while from.read(&mut byte).is_ok_and(|n| n == 1) && byte[0] != b'\n' {
        line.push(byte[0] as char);
    }
    line
}

/// One sender on one connection: the next event goes when the last one is on disk.
fn send(server: &Server, sender: usize, events: usize) {
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut answer = [0; 4096];
    for n in 0..events {
        let body = envelope(sender, n);
        let head = format!(
            "POST /api/{}/envelope/?sentry_key={} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            server.project,
            server.key,
            server.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
        let length = stream.read(&mut answer).expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
    }
}

/// An event of about 2.5 kB: a stack of twelve frames, breadcrumbs, tags, one of 500 bugs, one of 5,000 users.
fn envelope(sender: usize, n: usize) -> String {
    let number = sender * 1_000_003 + n * 7;
    let bug = number % 500;
    let frames: Vec<_> = (0..12)
        .map(|i| {
            serde_json::json!({ "function": format!("step{bug}_{i}"), "module": format!("shop.part{bug}"), "lineno": i + 10,
                "filename": format!("src/part{bug}.js"), "in_app": i > 5, "context_line": "  return next(order, cart, options)" })
        })
        .collect();
    let event = serde_json::json!({
        "event_id": format!("{:032x}", (number as u128) << 64 | n as u128), "platform": "node", "level": "error",
        "release": format!("shop@2.{}.0", n % 5), "environment": "production", "transaction": "POST /checkout",
        "user": { "id": (number % 5_000).to_string() }, "tags": { "currency": "EUR", "shop": "berlin", "plan": "pro" },
        "breadcrumbs": [{ "category": "cart", "message": "cart loaded" }, { "category": "http", "message": "GET /catalog" }],
        "exception": { "values": [{ "type": "TypeError", "value": format!("order {number} has no amount"),
            "mechanism": { "handled": false }, "stacktrace": { "frames": frames } }] },
    });
    format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
}

fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|n| n.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
