//! How many spans a second `serve` takes over OTLP/HTTP with durability on: real HTTP, protobuf, real commits, on loopback.
//!
//! `cargo bench --bench otlp` prints spans per second, memory and disk by million spans, for 2 and 8 connections. It is
//! bounded: 400 requests of 512 spans a run. One trace in a hundred fails.

#![allow(clippy::print_stdout)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event},
};
use prost::Message as _;

const REQUESTS: usize = 400;
/// Spans of a request: traces of four.
const TRACES: usize = 128;
const SPANS: usize = TRACES * 4;
/// 2026-11-30T12:00:00Z, nanoseconds.
const BEGIN: u64 = 1_796_040_000_000_000_000;

fn main() {
    for connections in [2, 8] {
        let folder = tempfile::tempdir().expect("a folder for the store");
        let store = folder.path().join("store");
        let mut child = Command::new(env!("CARGO_BIN_EXE_prodsignal"))
            .arg("--store")
            .arg(&store)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server");
        let address = first_line(child.stderr.as_mut().expect("standard error"));
        let address = address.trim().trim_start_matches("listening on http://").to_owned();
        let bodies: Vec<Vec<u8>> = (0..REQUESTS).map(body).collect();
        let started = Instant::now();
        std::thread::scope(|scope| {
            for part in bodies.chunks(REQUESTS / connections) {
                let address = &address;
                scope.spawn(move || send(address, part));
            }
        });
        let (seconds, spans) = (started.elapsed().as_secs_f64(), (REQUESTS * SPANS) as f64);
        let (memory, disk) = (resident_mb(child.id()), size_mb(&store));
        println!(
            "{connections} connections: {:.0} spans/s, {memory:.0} MB resident, {:.0} MB on disk a million spans",
            spans / seconds,
            disk / spans * 1e6
        );
        let _ = child.kill();
        let _ = child.wait();
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

/// One sender on one connection: the next request goes when the last one is on disk.
fn send(address: &str, bodies: &[Vec<u8>]) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut answer = [0; 4096];
    for body in bodies {
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("sent");
        let length = stream.read(&mut answer).expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn body(request: usize) -> Vec<u8> {
    let resource = Resource {
        attributes: vec![text("service.name", "shop"), text("service.version", &format!("1.{}.0", request % 4))],
        ..Resource::default()
    };
    let spans = (0..TRACES).flat_map(|trace| spans(request * TRACES + trace)).collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let all = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec()
}

/// A request with three spans below it; one in a hundred fails.
fn spans(trace: usize) -> Vec<Span> {
    let (trace_id, begin) = ((trace as u128 + 1).to_be_bytes().to_vec(), BEGIN + trace as u64 * 1_000_000);
    let fails = trace.is_multiple_of(100);
    let span = |at: u64, kind: i32, name: &str| Span {
        trace_id: trace_id.clone(),
        span_id: (trace as u64 * 4 + at + 1).to_be_bytes().to_vec(),
        parent_span_id: if at == 0 { Vec::new() } else { (trace as u64 * 4 + 1).to_be_bytes().to_vec() },
        name: name.to_owned(),
        kind,
        start_time_unix_nano: begin + at * 1_000,
        end_time_unix_nano: begin + 40_000_000 - at * 1_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", &format!("/orders/{}", trace % 20)),
            text("user.id", &format!("user-{}", trace % 5_000)),
            text("server.address", "shop.example"),
        ],
        ..Span::default()
    };
    let mut server = span(0, 2, "GET /orders/:id");
    if fails {
        server.status = Some(Status { code: 2, ..Status::default() });
        server.events = vec![Event {
            time_unix_nano: begin + 30_000_000,
            name: "exception".to_owned(),
            attributes: vec![
                text("exception.type", "KeyError"),
                text("exception.message", "'CH'"),
                text(
                    "exception.stacktrace",
                    "Traceback (most recent call last):\n  File \"/srv/shop/main.py\", line 34, in vat_of\n    return RATES[country]\nKeyError: 'CH'\n",
                ),
            ],
            ..Event::default()
        }];
    }
    vec![server, span(1, 1, "load order"), span(2, 3, "SELECT orders"), span(3, 3, "GET rates")]
}

fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|n| n.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn size_mb(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len() as f64).sum::<f64>() / 1e6
}
