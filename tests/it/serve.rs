//! Tests of serve: what senders and callers get over HTTP, and that 200 means stored.

use std::{
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::program::{Answer, Server, Store, http};

const ENVELOPE: &str = include_str!("../data/till.envelope");

/// A server, its store, and where one project sends to, with the key in the query.
fn serving() -> (Store, Server, String) {
    let store = Store::new();
    let server = store.serve();
    let dsn = server.dsn(&store, "till");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let (host, project) = place.split_once('/').unwrap();
    let url = format!("http://{host}/api/{project}/envelope/?sentry_version=7&sentry_key={key}");
    (store, server, url)
}

fn events(store: &Store) -> u64 {
    let rows = store.call("search_events", json!({ "period": "3650d", "aggregate": ["count()"] }));
    assert!(rows["rows"].is_array(), "{rows}");
    rows["rows"][0]["count()"].as_u64().unwrap_or(0)
}

fn event(id: u128, value: &str) -> String {
    let event =
        json!({ "event_id": format!("{id:032x}"), "exception": { "values": [{ "type": "Error", "value": value }] } });
    format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
}

fn packed(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match encoding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            writer.write_all(body).unwrap();
            writer.finish().unwrap();
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::fast());
            writer.write_all(body).unwrap();
            writer.finish().unwrap();
        }
        "br" => brotli::CompressorWriter::new(&mut out, 4096, 3, 20).write_all(body).unwrap(),
        _ => out = zstd::encode_all(body, 1).unwrap(),
    }
    out
}

#[test]
fn bodies_come_in_every_encoding() {
    let (store, _server, url) = serving();
    for (n, encoding) in ["gzip", "deflate", "br", "zstd"].into_iter().enumerate() {
        let body = packed(encoding, event(n as u128 + 1, "cannot pay").as_bytes());
        let answer = http("POST", &url, &[("Content-Encoding", encoding)], &body);
        assert_eq!(answer.status, 200, "{encoding}: {}", answer.body);
        assert_eq!(answer.json()["id"], format!("{:032x}", n + 1));
    }
    assert_eq!(events(&store), 4);
    let broken = http("POST", &url, &[("Content-Encoding", "gzip")], b"no gzip at all");
    assert_eq!(broken.status, 400, "{}", broken.body);
    assert_eq!(http("POST", &url, &[("Content-Encoding", "lzw")], b"x").status, 400);
}

#[test]
fn the_key_comes_by_header_query_or_envelope() {
    let (store, server, url) = serving();
    let (bare, query) = url.split_once('?').unwrap();
    let key = query.rsplit('=').next().unwrap();
    let header = format!("Sentry sentry_version=7, sentry_key={key}, sentry_client=test/1");
    assert_eq!(http("POST", bare, &[("X-Sentry-Auth", &header)], event(1, "a").as_bytes()).status, 200);
    assert_eq!(http("POST", bare, &[("Authorization", &header)], event(2, "a").as_bytes()).status, 200);
    let dsn = server.dsn(&store, "till");
    let inside = event(3, "a").replacen("{}", &json!({ "dsn": dsn }).to_string(), 1);
    assert_eq!(http("POST", bare, &[], inside.as_bytes()).status, 200);
    assert_eq!(http("POST", bare, &[], event(4, "a").as_bytes()).status, 401);
    let wrong = format!("{bare}?sentry_key={}", "0".repeat(32));
    let refused = http("POST", &wrong, &[], event(5, "a").as_bytes());
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.header("x-sentry-error").is_some());
    let elsewhere = format!("{}/api/999/envelope/?{query}", server.url);
    assert_eq!(http("POST", &elsewhere, &[], event(6, "a").as_bytes()).status, 403);
    assert_eq!(events(&store), 3);
}

#[test]
fn the_old_store_endpoint_takes_a_bare_event() {
    let (store, _server, url) = serving();
    let url = url.replace("/envelope/", "/store/");
    let answer =
        http("POST", &url, &[], br#"{"event_id":"00112233445566778899aabbccddeeff","message":"old but alive"}"#);
    assert_eq!(
        (answer.status, answer.json()["id"].clone()),
        (200, json!("00112233445566778899aabbccddeeff")),
        "{}",
        answer.body
    );
    assert_eq!(http("POST", &url, &[], b"[1]").status, 400);
    assert_eq!(events(&store), 1);
}

#[test]
fn a_duplicate_counts_once_and_late_data_lands_at_its_own_time() {
    let (store, _server, url) = serving();
    // Without the time of sending nothing says that the sender's clock is off: the data is late.
    let late = ENVELOPE.replacen(r#", "sent_at": "2026-11-20T10:00:01Z""#, "", 1);
    assert!(!late.contains("sent_at"));
    for _ in 0..3 {
        assert_eq!(http("POST", &url, &[], late.as_bytes()).status, 200);
    }
    assert_eq!(events(&store), 1);
    let listed = store.call("list_issues", json!({ "period": "3650d" }));
    assert_eq!(listed["issues"][0]["first_seen"], "2026-11-20T10:00:00Z", "{listed}");
}

#[test]
fn a_broken_item_costs_itself_and_the_answer_says_so() {
    let (store, _server, url) = serving();
    let good = json!({ "event_id": format!("{:032x}", 9), "message": "fine" });
    let body = format!(
        "{{}}\n{{\"type\":\"event\"}}\nnot json\n{{\"type\":\"event\"}}\n{good}\n{{\"type\":\"unheard_of\"}}\n{{}}\n"
    );
    let answer = http("POST", &url, &[], body.as_bytes());
    // The rest is stored; the sender hears that one item is lost.
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.json()["errors"], json!([{ "item": 0, "type": "event", "reason": "not JSON" }]));
    assert_eq!(events(&store), 1);
}

#[test]
fn malformed_bodies_are_refused_or_taken_and_never_end_the_server() {
    let (store, server, url) = serving();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/malformed");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let encoding: &[(&str, &str)] =
            if path.display().to_string().contains("gzip") { &[("Content-Encoding", "gzip")] } else { &[] };
        let answer = http("POST", &url, encoding, &std::fs::read(&path).unwrap());
        assert!(matches!(answer.status, 200 | 400 | 413), "{}: {}", path.display(), answer.status);
        seen += 1;
    }
    assert!(seen >= 18);
    assert_eq!(http("GET", &format!("{}/healthz", server.url), &[], b"").body, "ok\n");
    assert!(events(&store) > 0);
}

#[test]
fn what_is_too_large_is_refused_as_such() {
    let store = Store::new();
    let server = Server::start(store.command(&["serve", "--listen", "127.0.0.1:0", "--max-compressed-bytes", "2000"]));
    let dsn = server.dsn(&store, "till");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let (host, project) = place.split_once('/').unwrap();
    let url = format!("http://{host}/api/{project}/envelope/?sentry_key={key}");
    assert_eq!(http("POST", &url, &[], event(1, &"x".repeat(5_000)).as_bytes()).status, 413);
    assert_eq!(http("POST", &url, &[], event(2, "small").as_bytes()).status, 200);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let (_store, _server, url) = serving();
    let bomb = packed("gzip", &vec![b' '; 150 << 20]);
    assert_eq!(http("POST", &url, &[("Content-Encoding", "gzip")], &bomb).status, 413);
}

#[test]
fn browsers_may_send_from_any_site() {
    let (_store, _server, url) = serving();
    let asked = [
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,x-sentry-auth,sentry-trace,baggage"),
    ];
    let allowed = http("OPTIONS", &url, &asked, b"");
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("x-sentry-auth"));
    let sent = http(
        "POST",
        &url,
        &[("Origin", "https://shop.example"), ("Content-Type", "text/plain;charset=UTF-8")],
        ENVELOPE.as_bytes(),
    );
    assert_eq!((sent.status, sent.header("access-control-allow-origin")), (200, Some("*")));
}

#[test]
fn callers_are_checked_by_host_and_origin() {
    let (_store, server, _url) = serving();
    let metrics = format!("{}/metrics", server.url);
    assert_eq!(http("GET", &metrics, &[], b"").status, 200);
    assert_eq!(http("GET", &metrics, &[("Host", "evil.example")], b"").status, 403);
    assert_eq!(http("GET", &metrics, &[("Origin", "https://evil.example")], b"").status, 403);
    assert_eq!(http("GET", &metrics, &[("Origin", "http://localhost:3000")], b"").status, 200);
    let stream = format!("{}/stream", server.url);
    assert_eq!(http("POST", &stream, &[("Origin", "https://evil.example")], ENVELOPE.as_bytes()).status, 403);
    assert_eq!(http("POST", &stream, &[], ENVELOPE.as_bytes()).status, 200);
    for path in ["mcp", "sse"] {
        let answer = http("GET", &format!("{}/{path}", server.url), &[("Origin", "https://evil.example")], b"");
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(http("POST", &format!("{}/messages?sessionId=none", server.url), &[], b"{}").status, 404);
}

#[test]
fn with_a_token_configured_callers_need_it_and_senders_do_not() {
    let store = Store::new();
    let mut command = store.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("PRODSIGNAL_TOKEN", "one-long-token");
    let server = Server::start(command);
    let metrics = format!("{}/metrics", server.url);
    let refused = http("GET", &metrics, &[], b"");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(http("GET", &metrics, &[("Authorization", "Bearer another")], b"").status, 401);
    assert_eq!(http("GET", &metrics, &[("Authorization", "Bearer one-long-token")], b"").status, 200);
    assert_eq!(http("GET", &format!("{}/healthz", server.url), &[], b"").status, 200);
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let store = Store::new();
    let done = store.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("PRODSIGNAL_TOKEN"));
}

#[test]
fn metrics_count_what_came_and_what_became_of_it() {
    let (_store, server, url) = serving();
    http("POST", &url, &[], ENVELOPE.as_bytes());
    http("POST", &url, &[], ENVELOPE.as_bytes());
    http("POST", &url, &[], b"broken");
    let text = http("GET", &format!("{}/metrics", server.url), &[], b"").body;
    for line in [
        "prodsignal_requests_total 3",
        "prodsignal_items_total{type=\"event\",outcome=\"taken\"} 2",
        "prodsignal_duplicates_total 1",
        "prodsignal_refused_total{reason=\"unreadable\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

/// Sends until the server is gone; gives the ids that were acknowledged.
fn send_until_gone(url: &str, senders: u128, gone: &AtomicBool, end: &dyn Fn()) -> Vec<String> {
    let acknowledged = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for sender in 0..senders {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                for n in 0..5_000 {
                    if gone.load(Ordering::Relaxed) {
                        return;
                    }
                    let id = (sender << 64) | (n + 1);
                    let sent = std::panic::catch_unwind(|| http("POST", url, &[], event(id, "kill").as_bytes()));
                    match sent {
                        Ok(Answer { status: 200, .. }) => acknowledged.lock().unwrap().push(format!("{id:032x}")),
                        _ => return,
                    }
                }
            });
        }
        end();
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn a_server_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    let (store, mut server, url) = serving();
    let gone = AtomicBool::new(false);
    let child = Mutex::new(&mut server.child);
    let acknowledged = send_until_gone(&url, 4, &gone, &|| {
        // By what is stored, not by the clock: in the middle of what is being sent.
        while events(&store) < 150 {}
        let mut child = child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        gone.store(true, Ordering::Relaxed);
    });
    assert!(acknowledged.len() >= 100, "{} only", acknowledged.len());
    assert!(events(&store) >= acknowledged.len() as u64);
    for id in acknowledged.iter().step_by(acknowledged.len() / 40 + 1).chain(acknowledged.last()) {
        let found = store.call("get_event", json!({ "event": id }));
        assert_eq!(found["event"]["id"], Value::from(id.as_str()), "{id} was acknowledged and is gone: {found}");
    }
}

#[test]
fn two_processes_use_one_store_and_a_reader_sees_new_data_at_once() {
    let (store, _server, url) = serving();
    assert_eq!(http("POST", &url, &[], event(1, "first").as_bytes()).status, 200);
    assert_eq!(events(&store), 1);
    store.import("till", &[event(2, "second")]);
    assert_eq!(http("POST", &url, &[], event(3, "third").as_bytes()).status, 200);
    assert_eq!(events(&store), 3);
}

/// What a person writes into the form of browser SDKs: with an event and, getsentry/sentry-javascript#1499, without one.
#[test]
fn the_form_that_browsers_show_after_a_crash_is_there_and_what_it_sends_is_kept() {
    let (store, server, url) = serving();
    assert_eq!(http("POST", &url, &[], event(7, "boom").as_bytes()).status, 200);
    let dsn: String = url::form_urlencoded::byte_serialize(server.dsn(&store, "till").as_bytes()).collect();
    let form = |query: &str| format!("{}/api/embed/error-page/?dsn={dsn}{query}", server.url);
    let script = http("GET", &form(""), &[], b"");
    assert_eq!(script.status, 200);
    assert!(script.header("content-type").unwrap().starts_with("text/javascript"));
    assert_eq!(http("GET", &format!("{}/api/embed/error-page/", server.url), &[], b"").status, 400);
    let typed = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "https://shop.example")];
    let id = format!("{:032x}", 7);
    let sent = http(
        "POST",
        &form(&format!("&eventId={id}")),
        &typed,
        b"name=Bo&email=bo%40mail.example&comments=it+broke+while+I+paid",
    );
    assert_eq!((sent.status, sent.header("access-control-allow-origin")), (200, Some("*")), "{}", sent.json());
    assert_eq!(http("POST", &form(""), &typed, b"name=Bo&comments=no+event+here").status, 200);
    assert_eq!(http("POST", &form(""), &typed, b"name=Bo&comments=").status, 400);
    let other = format!("{}/api/embed/error-page/?dsn=http%3A%2F%2Fnobody%40h%2F1", server.url);
    assert_eq!(http("POST", &other, &typed, b"comments=x").status, 403);
    let kept = store.call("search_events", json!({ "kind": "feedback", "period": "3650d", "max_tokens": 9_000 }));
    let kept = kept["rows"].to_string();
    assert!(kept.contains("it broke while I paid") && kept.contains("no event here") && kept.contains(&id), "{kept}");
    assert!(!kept.contains("bo@mail.example"), "{kept}");
}

/// Events whose user an SDK leaves to the server.
#[test]
fn users_known_by_address_alone_are_a_setting_and_not_known_without_it() {
    let left = |id: u128| {
        let event = json!({ "event_id": format!("{id:032x}"), "user": { "ip_address": "{{auto}}" },
            "exception": { "values": [{ "type": "Error", "value": "left" }] } });
        format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
    };
    let (store, _server, url) = serving();
    assert_eq!(http("POST", &url, &[], left(1).as_bytes()).status, 200);
    let listed = store.call("list_issues", json!({ "period": "3650d" }));
    assert!(listed["issues"][0].get("users").is_none(), "{listed}");
    let who = store.call("affected_users", json!({ "issue": listed["issues"][0]["short_id"] }));
    assert_eq!((who["users"].get("total"), &who["events_without_user"]), (None, &json!(1)), "{who}");

    let store = Store::new();
    let mut command = store.command(&["serve", "--listen", "127.0.0.1:0", "--users-by-address"]);
    command.stderr(std::process::Stdio::piped());
    let server = Server::start(command);
    let dsn = server.dsn(&store, "till");
    let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
    let (host, project) = place.split_once('/').unwrap();
    let url = format!("http://{host}/api/{project}/envelope/?sentry_key={key}");
    for id in 1..3 {
        assert_eq!(http("POST", &url, &[], left(id).as_bytes()).status, 200);
    }
    let listed = store.call("list_issues", json!({ "period": "3650d" }));
    assert_eq!(listed["issues"][0]["users"], 1, "{listed}");
    let event = store.call("get_event", json!({ "event": format!("{:032x}", 1), "include": ["user"] }));
    assert!(!event.to_string().contains("127.0.0.1"), "{event}");
}

/// f/mcptools#48 posts below the address that it was given; a slash at its end is not another address.
#[test]
fn a_stream_is_opened_with_a_slash_at_its_end_too() {
    let (_store, server, _url) = serving();
    let posted = |path: &str| http("POST", &format!("{}{path}", server.url), &[], b"{}");
    assert_eq!(posted("/sse/messages?sessionId=none").status, 404);
    let none = posted("/messages?session_id=");
    assert_eq!(none.status, 400);
    assert!(none.body.contains("sessionId"), "{}", none.body);
}
