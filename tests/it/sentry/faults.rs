//! What a server can do wrong: each answered by a clear error, or by what was known, marked so, within the call's time.

use std::{sync::Arc, time::Duration};

use prodsignal::{
    backend::sentry::{Options, SentryStore, Ttl},
    checkout::Checkouts,
    tools::{Ctx, Defaults, Rendered},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{
    double::{self, double, now, options},
    reading::call,
};

/// Short times, so that a test is over soon; the ratio is that of the real ones.
fn ctx(url: &str) -> Ctx {
    over(Options { request_timeout: Duration::from_secs(2), ..options(url, "t") })
}

fn over(options: Options) -> Ctx {
    // Nothing stays fresh, so that each call asks and what is known is stale.
    let none = Duration::ZERO;
    let lives = Ttl { stale: Ttl::default().stale, ..Ttl::each(none) };
    let store = SentryStore::new(Options { lives, call_timeout: Duration::from_secs(6), ..options }).unwrap();
    Ctx { store: Arc::new(store), now, defaults: Defaults::default(), writes: None, code: Checkouts::none() }
}

/// An event of an issue, within the time that a call may take at the very most.
async fn event(ctx: &Ctx) -> Rendered {
    let asked = call(ctx, "get_event", json!({"issue": "101"}));
    tokio::time::timeout(Duration::from_secs(10), asked).await.expect("an answer in time")
}

fn kind(answer: &Rendered) -> String {
    answer.data["error"]["kind"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let page = "<!doctype html><title>Log in</title>";
    let html = |status| ResponseTemplate::new(status).set_body_raw(page, "text/html");
    let said = |status| ResponseTemplate::new(status).set_body_json(json!({"detail": "Not \u{202e} so"}));
    for (template, wanted) in [
        (said(401), "unauthorized"),
        (said(403), "forbidden"),
        (said(404), "not_found"),
        (said(400), "invalid_input"),
        (said(500), "upstream"),
        (html(502), "upstream"),
        (html(200), "upstream"),
        (ResponseTemplate::new(200).set_body_raw("{}", "text/plain"), "upstream"),
        (ResponseTemplate::new(200).set_body_raw("{\"id\": \"10", "application/json"), "upstream"),
        (ResponseTemplate::new(200).set_body_json(json!([])), "upstream"),
        (ResponseTemplate::new(302).insert_header("location", "http://127.0.0.2:9/"), "upstream"),
        (said(429).insert_header("retry-after", "30"), "rate_limited"),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(template).mount(&server).await;
        let answer = event(&ctx(&server.uri())).await;
        assert_eq!(kind(&answer), wanted, "{}", answer.text);
        assert!(!answer.text.contains('\u{202e}') && !answer.text.contains("<!doctype"), "{}", answer.text);
        assert!(answer.data["error"]["retry_after_s"] == json!(30) || wanted != "rate_limited", "{}", answer.data);
    }
}

#[tokio::test]
async fn what_fails_once_is_asked_again() {
    for first in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(503),
        ResponseTemplate::new(200).set_body_raw("{\"id\": \"10", "application/json"),
        ResponseTemplate::new(429).insert_header("retry-after", "0"),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(first).up_to_n_times(1).with_priority(1).mount(&server).await;
        Mock::given(any()).respond_with(double::Double).with_priority(2).mount(&server).await;
        let answer = event(&ctx(&server.uri())).await;
        assert!(!answer.is_error, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let server = MockServer::start().await;
    let failing = |request: &Request| match request.method.as_str() {
        "PUT" => ResponseTemplate::new(500),
        _ => double::answer(request)
            .map_or(ResponseTemplate::new(404), |json| ResponseTemplate::new(200).set_body_json(json)),
    };
    Mock::given(any()).respond_with(failing).mount(&server).await;
    let store = Arc::new(double::store(&server.uri(), "t"));
    let ctx =
        Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: Some(store), code: Checkouts::none() };
    let answer = call(&ctx, "update_issue", json!({"issue": "101", "status": "ignored"})).await;
    assert_eq!(kind(&answer), "upstream");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().filter(|r| r.method.as_str() == "PUT").count(), 1);
}

#[tokio::test]
async fn what_was_known_is_served_with_its_age_when_the_server_fails() {
    let server = double().await;
    let ctx = ctx(&server.uri());
    assert_eq!(event(&ctx).await.data["source"]["freshness"], "live");
    server.reset().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let answer = event(&ctx).await;
    assert_eq!(answer.data["source"]["freshness"], "stale", "{}", answer.text);
    // A token that no longer counts sees nothing any more.
    server.reset().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    assert_eq!(kind(&event(&ctx).await), "unauthorized");
}

/// What a server says while it is not well is over as soon as it is well again.
#[tokio::test]
async fn a_failure_is_not_kept() {
    let asked = [
        ("list_issues", json!({"since_release": "shop@2.3.0"})),
        ("list_releases", json!({})),
        ("get_event", json!({"issue": "101"})),
        ("affected_users", json!({"issue": "101"})),
        ("search_events", json!({})),
        ("verify_fix_since_release", json!({"issue": "101", "release": "shop@2.3.0"})),
    ];
    let said = |status| ResponseTemplate::new(status).set_body_json(json!({"detail": "not now"}));
    for (template, wanted) in [
        (said(403), "forbidden"),
        (ResponseTemplate::new(200), "upstream"),
        (ResponseTemplate::new(200).set_body_json(json!(null)), "upstream"),
        (ResponseTemplate::new(200).set_body_json(json!({"detail": "busy"})), "upstream"),
        (said(500), "upstream"),
    ] {
        for (tool, arguments) in &asked {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(template.clone()).mount(&server).await;
            // With the real times.
            let ctx = super::reading::ctx(double::store(&server.uri(), "t"));
            let answer = call(&ctx, tool, arguments.clone()).await;
            assert_eq!(kind(&answer), wanted, "{tool}: {}", answer.text);
            server.reset().await;
            Mock::given(any()).respond_with(double::Double).mount(&server).await;
            let answer = call(&ctx, tool, arguments.clone()).await;
            assert!(!answer.is_error, "{tool} after {wanted}: {}", answer.text);
        }
    }
}

/// Where one kind of request alone fails, an answer is either right or an error: never one with a hole that stays.
#[tokio::test]
async fn a_part_that_failed_is_asked_for_again() {
    for part in ["/releases/", "/sessions/", "/issues/", "/events/"] {
        let server = MockServer::start().await;
        let empty = move |request: &Request| match double::answer(request) {
            Some(_) if request.url.path().ends_with(part) => ResponseTemplate::new(200),
            Some(json) => ResponseTemplate::new(200).set_body_json(json),
            None => ResponseTemplate::new(404),
        };
        Mock::given(any()).respond_with(empty).mount(&server).await;
        let ctx = super::reading::ctx(double::store(&server.uri(), "t"));
        let asked = json!({"since_release": "shop@2.3.0"});
        assert_eq!(kind(&call(&ctx, "list_issues", asked.clone()).await), "upstream", "{part}");
        server.reset().await;
        Mock::given(any()).respond_with(double::Double).mount(&server).await;
        let answer = call(&ctx, "list_issues", asked).await;
        assert_eq!(answer.data["issues"][0]["short_id"], "SHOP-1", "{part}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let other = double().await;
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(307).insert_header("location", format!("{}/api/0/", other.uri()).as_str());
    Mock::given(any()).respond_with(away).mount(&server).await;
    assert_eq!(kind(&event(&ctx(&server.uri())).await), "upstream");
    assert_eq!(other.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_list_that_never_ends_is_left() {
    let server = MockServer::start().await;
    let endless = |request: &Request| {
        let n: usize = request.url.query_pairs().find(|(k, _)| k == "cursor").map_or(0, |(_, v)| v.len());
        let link = format!("<https://x/>; rel=\"next\"; results=\"true\"; cursor=\"{}\"", "1".repeat(n + 1));
        let Some(json) = double::answer(request) else { return ResponseTemplate::new(404) };
        ResponseTemplate::new(200).set_body_json(json).insert_header("link", link.as_str())
    };
    Mock::given(any()).respond_with(endless).mount(&server).await;
    let ctx = over(options(&server.uri(), "t"));
    let asked = call(&ctx, "list_releases", json!({}));
    tokio::time::timeout(Duration::from_secs(10), asked).await.expect("an answer in time");
    let all = server.received_requests().await.unwrap();
    assert!(all.len() < 60, "{}", all.len());
}

#[tokio::test]
async fn an_event_of_a_megabyte_is_read_and_fits() {
    let server = MockServer::start().await;
    let blown_up = |request: &Request| {
        let Some(mut json) = double::answer(request) else { return ResponseTemplate::new(404) };
        if json.get("entries").is_some() {
            json["context"] = json!({ "dump": "x ".repeat(500_000) });
        }
        ResponseTemplate::new(200).set_body_json(json)
    };
    Mock::given(any()).respond_with(blown_up).mount(&server).await;
    let answer = event(&over(options(&server.uri(), "t"))).await;
    assert!(!answer.is_error && answer.text.len() < 12_000, "{}", answer.text.len());
}

#[tokio::test]
async fn the_pace_that_the_server_asks_for_is_kept() {
    let server = MockServer::start().await;
    let spent = |request: &Request| {
        let Some(json) = double::answer(request) else { return ResponseTemplate::new(404) };
        let reset = now().as_second() + 3_000;
        ResponseTemplate::new(200)
            .set_body_json(json)
            .insert_header("x-sentry-rate-limit-remaining", "0")
            .insert_header("x-sentry-rate-limit-reset", reset.to_string().as_str())
    };
    Mock::given(any()).respond_with(spent).mount(&server).await;
    let ctx = over(options(&server.uri(), "t"));
    let first = call(&ctx, "search_events", json!({})).await;
    assert!(!first.is_error, "{}", first.text);
    let sent = server.received_requests().await.unwrap().len();
    let other = call(&ctx, "search_events", json!({"query": "level:error"})).await;
    assert_eq!(kind(&other), "rate_limited", "{}", other.text);
    assert!(other.data["error"]["retry_after_s"].as_u64().unwrap() > 1_000);
    assert_eq!(server.received_requests().await.unwrap().len(), sent);
}

/// What a server on a raw socket does with a connection whose request it has read.
#[derive(Clone, Copy, Debug)]
enum Raw {
    Hang,
    Trickle,
    Reset,
    Cut,
}

async fn raw(how: Raw) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(treat(stream, how));
        }
    });
    url
}

async fn treat(mut stream: TcpStream, how: Raw) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n";
    match how {
        Raw::Hang => std::future::pending().await,
        Raw::Reset => {
            stream.set_zero_linger().unwrap();
        }
        Raw::Cut => {
            let _ = stream.write_all(format!("{head}{{\"id\":").as_bytes()).await;
        }
        Raw::Trickle => {
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[tokio::test]
async fn sockets_that_hang_trickle_break_or_refuse_end_in_time() {
    for (how, wanted) in
        [(Raw::Hang, "timeout"), (Raw::Trickle, "timeout"), (Raw::Reset, "upstream"), (Raw::Cut, "upstream")]
    {
        let answer = event(&ctx(&raw(how).await)).await;
        assert_eq!(kind(&answer), wanted, "{how:?}: {}", answer.text);
    }
    let answer = event(&ctx("http://127.0.0.1:1")).await;
    assert_eq!(kind(&answer), "upstream", "{}", answer.text);
}

#[test]
fn the_real_times_are_within_what_is_promised() {
    let options = options("http://127.0.0.1:1", "t");
    assert!(options.request_timeout <= Duration::from_secs(5));
    assert!(options.call_timeout <= Duration::from_secs(10));
}
