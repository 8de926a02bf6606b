//! What is refused over OTLP, and how: as `google.rpc.Status` in the request's encoding, to be sent again only where that helps.

use std::io::{Read, Write};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use serde_json::{Value, json};

use super::made::{JSON, failed, logs, traces};
use crate::program::{Server, Store, http};

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The addresses of a project's key: with the key as a header, and the number of the project.
fn of_project(server: &Server, store: &Store) -> (String, String) {
    let dsn = server.dsn(store, "kiln");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let project = place.rsplit('/').next().unwrap();
    (format!("sentry sentry_key={key}"), format!("{}/api/{project}/integration/otlp/v1", server.url))
}

#[test]
fn refusals_are_told_in_the_encoding_of_the_request() {
    let store = Store::new();
    let server = store.serve();
    let (_, of_project) = of_project(&server, &store);
    let wrong = ("x-sentry-auth", "sentry sentry_key=00");
    let own = |signal: &str| format!("{}/v1/{signal}", server.url);
    let cases = [
        (own("traces"), None, 400, 3),
        (own("profiles"), None, 404, 5),
        (format!("{of_project}/traces"), None, 401, 16),
        (format!("{of_project}/logs/"), Some(wrong), 403, 7),
    ];
    for (url, key, status, code) in cases {
        for form in [JSON, PROTOBUF] {
            let headers: Vec<(&str, &str)> = std::iter::once(form).chain(key).collect();
            let answer = http("POST", &url, &headers, b"\xff\xff\xff");
            assert_eq!((answer.status, answer.header("content-type")), (status, Some(form.1)), "{url} {}", answer.body);
            assert_eq!(answer.header("retry-after"), None, "{url}");
            let said = match form {
                JSON => {
                    (answer.json()["code"].as_i64().unwrap() as i32, answer.json()["message"].as_str().unwrap().len())
                }
                _ => {
                    let told = Status::decode(answer.body.as_bytes()).unwrap_or_else(|e| panic!("{url}: {e}"));
                    (told.code, told.message.len())
                }
            };
            assert!(said.0 == code && said.1 > 0, "{url}: {said:?}");
        }
    }
}

#[test]
fn what_is_too_large_is_refused_while_it_comes() {
    let store = Store::new();
    let server = store.serve();
    let url = format!("{}/v1/logs", server.url);
    let packed = |encoding: &str, bytes: u64| -> Vec<u8> {
        let zeros = std::io::repeat(b' ').take(bytes);
        if encoding == "zstd" {
            return zstd::encode_all(zeros, 1).unwrap();
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(&mut std::io::BufReader::new(zeros), &mut gzip).unwrap();
        gzip.finish().unwrap()
    };
    let plain = vec![b' '; (20 << 20) + 1];
    assert_eq!(http("POST", &url, &[JSON], &plain).status, 413);
    for encoding in ["gzip", "zstd"] {
        let bomb = packed(encoding, 64 << 20);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let answer = http("POST", &url, &[JSON, ("Content-Encoding", encoding)], &bomb);
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (413, Some(3)), "{encoding}: {}", answer.body);
        let broken = http("POST", &url, &[JSON, ("Content-Encoding", encoding)], b"no such thing");
        assert_eq!(broken.status, 400, "{encoding}: {}", broken.body);
    }
    let unknown = http("POST", &url, &[JSON, ("Content-Encoding", "lzma")], b"x");
    assert_eq!(unknown.status, 400, "{}", unknown.body);
    assert_eq!(http("POST", &url, &[JSON], b"{}").status, 200, "the next sender is served");
}

#[test]
fn a_body_without_a_length_is_taken_and_bounded_too() {
    let store = Store::new();
    let server = store.serve();
    let host = server.url.trim_start_matches("http://");
    let sent = |chunks: &mut dyn Iterator<Item = Vec<u8>>| -> String {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        for chunk in chunks {
            // A server that refuses may close before it has read everything.
            let frame = [format!("{:x}\r\n", chunk.len()).as_bytes(), &chunk, b"\r\n"].concat();
            if stream.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = stream.write_all(b"0\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let body = traces("kiln", &[failed(1, 1, 0, 2, "POST /fire")]).into_bytes();
    let answer = sent(&mut body.chunks(100).map(<[u8]>::to_vec));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let endless = sent(&mut std::iter::repeat_with(|| vec![b' '; 1 << 20]).take(24));
    assert!(endless.starts_with("HTTP/1.1 413"), "{endless}");
}

#[test]
fn what_is_no_span_is_counted_in_the_answer_and_the_rest_is_kept() {
    let store = Store::new();
    let server = store.serve();
    let span = |trace: u8, id: u8| Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: "fire".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_794_819_901_399_000_000,
        end_time_unix_nano: 1_794_819_901_403_000_000,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span(1, 1), span(0, 2), span(1, 0)], ..ScopeSpans::default() }];
    let all = ResourceSpans { scope_spans, ..ResourceSpans::default() };
    let body = ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec();
    let answer = http("POST", &format!("{}/v1/traces/", server.url), &[PROTOBUF], &body);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(PROTOBUF.1)));
    let partial = ExportTraceServiceResponse::decode(answer.body.as_bytes()).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.contains("trace id"), "{}", partial.error_message);
    let kept = store.call("search_events", json!({ "kind": "span", "period": "3650d", "aggregate": ["count()"] }));
    assert_eq!(kept["rows"][0]["count()"], 1, "{kept}");
}

#[test]
fn too_much_at_once_is_to_be_sent_again_later() {
    let store = Store::new();
    let server = Server::start(store.command(&["--max-requests", "1", "serve", "--listen", "127.0.0.1:0"]));
    let (key, of_project) = of_project(&server, &store);
    let send = || http("POST", &format!("{of_project}/logs"), &[JSON, ("x-sentry-auth", &key)], b"{}");
    assert_eq!(send().status, 200);
    let again = send();
    assert_eq!((again.status, again.json()["code"].as_i64()), (429, Some(8)), "{}", again.body);
    assert!(again.header("retry-after").and_then(|wait| wait.parse::<u64>().ok()).is_some_and(|wait| wait > 0));
}

#[test]
fn a_projects_address_takes_all_signals_and_browsers_ask_first() {
    let store = Store::new();
    let server = store.serve();
    let (key, of_project) = of_project(&server, &store);
    let asked = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,x-sentry-auth"),
    ];
    let metric = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "kiln.heat", "unit": "Cel",
        "gauge": { "dataPoints": [{ "timeUnixNano": "1794819901402000000", "asDouble": 1240.5 }] } }] }] }] });
    let bodies = [
        ("traces", traces("any", &[failed(1, 1, 0, 2, "POST /fire")])),
        ("logs", logs("any", 1, 1, "too cold", None)),
        ("metrics", metric.to_string()),
    ];
    for (signal, body) in &bodies {
        for slash in ["", "/"] {
            let url = format!("{of_project}/{signal}{slash}");
            let before = http("OPTIONS", &url, &asked, b"");
            assert_eq!(before.status, 200, "{url}");
            assert_eq!(before.header("access-control-allow-headers"), Some("content-type,x-sentry-auth"), "{url}");
            let headers = [JSON, ("x-sentry-auth", key.as_str()), ("Origin", "https://shop.example")];
            let answer = http("POST", &url, &headers, body.as_bytes());
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{url}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{url}");
        }
    }
    for (kind, n) in [("span", 1), ("log", 1), ("metric", 1)] {
        let kept = store.call("search_events", json!({ "kind": kind, "period": "3650d", "group_by": ["project"] }));
        let row: &Value = &kept["rows"][0];
        assert_eq!((&row["project"], &row["count()"]), (&json!("kiln"), &json!(n)), "{kept}");
    }
}

#[test]
fn a_signal_that_there_is_not_is_named_by_doctor() {
    let store = Store::new();
    let server = store.serve();
    assert_eq!(http("POST", &format!("{}/v1/profiles", server.url), &[PROTOBUF], b"x").status, 404);
    let told = store.command(&["doctor"]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("otlp/profiles"), "{told}");
}
