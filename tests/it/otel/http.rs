//! OTLP over HTTP: addresses, encodings, keys, and what is said when something is not taken.

use std::io::Write;

use serde_json::{Value, json};

use crate::program::{Store, http};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A failing request of a service, with a log line before it.
fn traces(service: &str, trace: u128) -> String {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let stack = "Traceback (most recent call last):\n  File \"/srv/pay/till.py\", line 14, in charge\n    \
        RATES[country]\nKeyError: 'CH'\n";
    let exception = json!({ "name": "exception", "timeUnixNano": "1794819901402000000", "attributes": [
        attribute("exception.type", "KeyError"), attribute("exception.message", "'CH'"),
        attribute("exception.stacktrace", stack)] });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [attribute("service.name", service), attribute("service.version", "2.0.0"),
            attribute("telemetry.sdk.language", "python")] },
        "scopeSpans": [{ "spans": [{ "traceId": format!("{trace:032x}"), "spanId": "00f067aa0ba902b7", "name": "POST",
            "kind": 2, "startTimeUnixNano": "1794819901399000000", "endTimeUnixNano": "1794819901403000000",
            "attributes": [attribute("http.request.method", "POST"), attribute("http.route", "/pay"),
                attribute("user.id", "72")],
            "events": [exception], "status": { "code": 2 }, "unknownField": 1 }] }],
    }] })
    .to_string()
}

fn rows(store: &Store) -> Vec<Value> {
    let fields = ["issue", "title", "transaction", "release", "trace", "user"];
    let found = store.call("search_events", json!({ "period": "3650d", "fields": fields }));
    found["rows"].as_array().cloned().unwrap_or_default()
}

#[test]
fn every_address_and_encoding_is_taken_and_a_retry_counts_once() {
    let store = Store::new();
    let server = store.serve();
    let body = traces("till-api", 7);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let bodies: [(&str, Vec<u8>); 3] = [
        ("identity", body.clone().into_bytes()),
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::encode_all(body.as_bytes(), 1).unwrap()),
    ];
    for (encoding, body) in &bodies {
        for slash in ["", "/"] {
            let url = format!("{}/v1/traces{slash}", server.url);
            let answer = http("POST", &url, &[JSON, ("Content-Encoding", encoding)], body);
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{encoding} {url}");
        }
    }
    let rows = rows(&store);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["title"], "KeyError: 'CH'");
    assert_eq!(rows[0]["transaction"], "POST /pay");
    assert_eq!(rows[0]["release"], "till-api@2.0.0");
    assert!(rows[0]["user"].as_str().unwrap().starts_with("user-"), "{rows:?}");
    for signal in ["logs", "metrics"] {
        assert_eq!(http("POST", &format!("{}/v1/{signal}", server.url), &[JSON], b"{}").status, 200);
    }
}

#[test]
fn sentrys_address_takes_the_projects_key_alone() {
    let store = Store::new();
    let server = store.serve();
    let dsn = server.dsn(&store, "till");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let project = place.rsplit('/').next().unwrap();
    let url = format!("{}/api/{project}/integration/otlp/v1/traces/", server.url);
    let auth = format!("sentry sentry_key={key}");
    let body = traces("some-service", 8);
    assert_eq!(http("POST", &url, &[JSON, ("x-sentry-auth", &auth)], body.as_bytes()).status, 200);
    assert_eq!(rows(&store)[0]["issue"], "TILL-1");
    let wrong = http("POST", &url, &[JSON, ("x-sentry-auth", "sentry sentry_key=00")], body.as_bytes());
    assert_eq!(wrong.status, 403, "{}", wrong.body);
    assert_eq!(http("POST", &url, &[JSON], body.as_bytes()).status, 401);
}

#[test]
fn what_is_not_taken_is_said_as_a_status() {
    let store = Store::new();
    let server = store.serve();
    let url = format!("{}/v1/traces", server.url);
    let broken = http("POST", &url, &[JSON], b"{\"resourceSpans\": 3}");
    assert_eq!((broken.status, broken.json()["code"].as_i64()), (400, Some(3)), "{}", broken.body);
    let binary = http("POST", &url, &[("Content-Type", "application/x-protobuf")], b"\xff\xff\xff");
    assert_eq!(binary.status, 400);
    assert_eq!(http("POST", &url, &[("Content-Type", "text/plain")], b"x").status, 415);
    assert_eq!(http("POST", &format!("{}/v1/profiles", server.url), &[JSON], b"{}").status, 404);
    let nameless = traces("till-api", 9).replace("00f067aa0ba902b7", "0000000000000000");
    let partial = http("POST", &url, &[JSON], nameless.as_bytes());
    assert_eq!((partial.status, partial.json()["partialSuccess"]["rejectedSpans"].as_str()), (200, Some("1")));
    assert!(rows(&store).is_empty());
}

#[test]
fn browsers_may_send_with_any_header_and_foreign_pages_need_a_key() {
    let store = Store::new();
    let server = store.serve();
    let url = format!("{}/v1/logs", server.url);
    let asked = [
        ("Origin", "http://127.0.0.1:5173"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type,x-vendor-key"),
    ];
    let answer = http("OPTIONS", &url, &asked, b"");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization,content-type,x-vendor-key"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let foreign = [JSON, ("Origin", "https://evil.example")];
    assert_eq!(http("POST", &url, &foreign, b"{}").status, 401);
}
