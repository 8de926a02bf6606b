//! What the tools make of a Sentry server.

use std::sync::Arc;

use prodsignal::{
    backend::sentry::SentryStore,
    checkout::Checkouts,
    tools::{Ctx, Defaults, Rendered, find},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::double::{self, EVENT, double, now, store};

/// Tools over a server, reading and writing.
pub fn ctx(store: SentryStore) -> Ctx {
    let store = Arc::new(store);
    Ctx { store: store.clone(), now, defaults: Defaults::default(), writes: Some(store), code: Checkouts::none() }
}

pub async fn call(ctx: &Ctx, tool: &str, arguments: Value) -> Rendered {
    (find(tool).unwrap().call)(ctx.clone(), arguments).await
}

async fn count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn issues_are_judged_by_their_history() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let answer = call(&ctx, "list_issues", json!({"since_release": "shop@2.3.0"})).await;
    let issues = answer.data["issues"].as_array().unwrap();
    assert_eq!((&issues[0]["short_id"], &issues[0]["change"]), (&json!("SHOP-1"), &json!("new")), "{}", answer.data);
    assert_eq!(issues[0]["first_release"], "shop@2.3.0");
    assert_eq!(issues[0]["users"], 3);
    assert_eq!(issues[0]["top_frame"]["file"], "src/cart.js");
    let url = issues[0]["url"].as_str().unwrap();
    assert_eq!(url, format!("{}/organizations/acme/issues/101/", server.uri()));
    assert_eq!(answer.data["source"]["store"], "sentry");
}

#[tokio::test]
async fn an_event_is_read_scrubbed_and_whole() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let answer = call(
        &ctx,
        "get_event",
        json!({"issue": "SHOP-1", "include": ["exception", "contexts", "user", "request", "tags", "raw"]}),
    )
    .await;
    let event = &answer.data["event"];
    let frame = &event["exceptions"][0]["frames"][0];
    assert_eq!((&frame["function"], &frame["line"]), (&json!("addItem"), &json!(42)), "{}", answer.data);
    assert!(frame["context"]["line"].as_str().unwrap().contains("cart.items.push"));
    assert_eq!((&event["release"], &event["environment"]), (&json!("shop@2.3.0"), &json!("production")));
    assert_eq!(answer.data["previous_event"], "f".repeat(32));
    let whole = format!("{}{}", answer.text, answer.data);
    for secret in ["hunter2", "sk_live", "ada@example.com", "198.51.100.7"] {
        assert!(!whole.contains(secret), "{secret}");
    }
    assert!(whole.contains("user-"), "{whole}");
}

#[tokio::test]
async fn few_requests_the_first_time_and_none_again() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let first = call(&ctx, "get_event", json!({"issue": "SHOP-1"})).await;
    assert_eq!(first.data["source"]["freshness"], "live", "{}", first.text);
    assert_eq!(count(&server).await, 2);
    let second = call(&ctx, "get_event", json!({"issue": "SHOP-1"})).await;
    assert_eq!(second.data["source"]["freshness"], "cached");
    assert_eq!(count(&server).await, 2);
    assert_eq!(first.data["event"], second.data["event"]);
    let by_id = call(&ctx, "get_event", json!({"event": EVENT})).await;
    assert_eq!(by_id.data["event"], first.data["event"]);
    assert_eq!(count(&server).await, 2, "it was read already");
    let at_once = (0..10).map(|_| call(&ctx, "get_event", json!({"issue": "101", "which": "oldest"})));
    futures::future::join_all(at_once).await;
    assert_eq!(count(&server).await, 3, "the issue was read already");
}

#[tokio::test]
async fn a_name_that_is_not_there_says_so_and_one_of_another_host_is_refused() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    for (issue, kind) in [
        ("SHOP-99", "not_found"),
        ("..", "not_found"),
        ("1/../2", "not_found"),
        ("https://other.example/organizations/acme/issues/101/", "invalid_input"),
    ] {
        let answer = call(&ctx, "get_event", json!({"issue": issue})).await;
        assert_eq!(answer.data["error"]["kind"], kind, "{issue}: {}", answer.text);
    }
    let own = format!("{}/organizations/acme/issues/101/?project=1", server.uri());
    let answer = call(&ctx, "get_event", json!({"issue": own})).await;
    assert!(!answer.is_error, "{}", answer.text);
    let answer = call(&ctx, "list_issues", json!({"project": "shoop"})).await;
    assert_eq!(answer.data["error"]["did_you_mean"], json!(["shop"]), "{}", answer.data);
}

#[tokio::test]
async fn an_older_server_is_asked_for_the_newest_event_where_it_recommends_none() {
    let server = MockServer::start().await;
    let old = |request: &Request| {
        if request.url.path().ends_with("/recommended/") {
            return ResponseTemplate::new(400).set_body_json(json!({"detail": "Invalid event id"}));
        }
        match double::answer(request) {
            Some(json) => ResponseTemplate::new(200).set_body_json(json),
            None => ResponseTemplate::new(404).set_body_json(json!({})),
        }
    };
    Mock::given(any()).respond_with(old).mount(&server).await;
    let ctx = ctx(store(&server.uri(), "t"));
    let answer = call(&ctx, "get_event", json!({"issue": "101"})).await;
    assert_eq!(answer.data["event"]["id"], EVENT, "{}", answer.text);
}

#[tokio::test]
async fn who_is_affected_adds_up() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let answer = call(&ctx, "affected_users", json!({"issue": "SHOP-1", "by": ["browser"]})).await;
    assert_eq!(answer.data["users"]["in_period"], 3, "{}", answer.data);
    assert_eq!(answer.data["users"]["per_release"][0]["release"], "shop@2.3.0");
    assert_eq!(answer.data["breakdown"]["browser"][0]["value"], "Firefox 142");
    assert!(!answer.data.to_string().contains("id:42"));
}

#[tokio::test]
async fn doctor_tells_rights_clock_and_tools() {
    let server = double().await;
    let rights = store(&server.uri(), "sntryu_x").rights().await;
    assert_eq!((rights.token, rights.ahead_s), ("user token", Some(2)));
    assert_eq!(rights.projects.unwrap(), ["shop"]);
    assert!(rights.tools.iter().all(|tool| tool.fault.is_none()), "{:?}", rights.tools);
}

#[tokio::test]
async fn a_change_is_sent_once_and_forgets_what_was_known() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    call(&ctx, "get_event", json!({"issue": "SHOP-1"})).await;
    let before = count(&server).await;
    let answer = call(
        &ctx,
        "update_issue",
        json!({"issue": "SHOP-1", "status": "resolved_in_next_release", "comment": "see ada@example.com"}),
    )
    .await;
    assert_eq!(
        (&answer.data["before"], &answer.data["status"]),
        (&json!("unresolved"), &json!("resolved")),
        "{}",
        answer.text
    );
    let sent = server.received_requests().await.unwrap().split_off(before);
    let bodies: Vec<String> =
        sent.iter().map(|r| format!("{} {}", r.method, String::from_utf8_lossy(&r.body))).collect();
    assert_eq!(bodies[1], r#"PUT {"status":"resolvedInNextRelease"}"#);
    assert!(bodies[2].starts_with("POST {\"text\":\"see email-"), "{bodies:?}");
    let before = count(&server).await;
    call(&ctx, "get_event", json!({"issue": "SHOP-1"})).await;
    assert_eq!(count(&server).await, before + 2);
    let nothing = call(&ctx, "update_issue", json!({"issue": "SHOP-1"})).await;
    assert_eq!(nothing.data["error"]["kind"], "invalid_input");
}

fn asked(requests: &[Request], path: &str) -> Vec<String> {
    let of = requests.iter().filter(|request| request.url.path().ends_with(path));
    of.flat_map(|request| request.url.query_pairs().into_owned().filter(|(key, _)| key == "query"))
        .map(|(_, value)| value)
        .collect()
}

/// What Sentry's own grammar has goes out as it was typed; times have six digits at most.
#[tokio::test]
async fn searches_are_passed_on_as_they_stand() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let typed = "is:for_review assigned:me issue.category:performance issue.priority:[high, medium] lastSeen:-24h \
                 message:\"*QoS: 3*\" user.email:ada@example.com user.id:42 (level:error OR level:fatal)";
    let listed = call(&ctx, "list_issues", json!({ "query": typed })).await;
    assert!(!listed.is_error, "{}", listed.text);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(asked(&requests, "/issues/"), [typed]);
    let before = json!({ "query": "lastSeen:-24h", "as_of": "2026-11-19T08:00:00.123456789Z" });
    call(&ctx, "list_issues", before).await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(asked(&requests, "/issues/")[1], "lastSeen:>=2026-11-18T08:00:00.123456");
    let events = "message:*x* user.email:ada@example.com";
    call(&ctx, "search_events", json!({ "query": events })).await;
    let requests = server.received_requests().await.unwrap();
    assert!(asked(&requests, "/events/").contains(&events.to_owned()));
    let refused = call(&ctx, "search_events", json!({ "query": "assigned:me" })).await;
    assert_eq!(refused.data["error"]["kind"], "unsupported", "{}", refused.text);
}

/// An address means the very thing that it names, or is refused; another's is never answered from here.
#[tokio::test]
async fn addresses_mean_what_they_name() {
    let server = double().await;
    let ctx = ctx(store(&server.uri(), "t"));
    let at = |path: &str| format!("{}/organizations/acme/{path}", server.uri());
    for arguments in [
        json!({ "issue": at("issues/101/") }),
        json!({ "issue": at("issues/SHOP-1/tags/") }),
        json!({ "issue": "shop-1" }),
        json!({ "issue": at(&format!("issues/101/events/{EVENT}/")) }),
        json!({ "event": at(&format!("issues/101/events/{EVENT}/")) }),
        json!({ "event": at("issues/101/events/latest/") }),
        json!({ "event": EVENT, "issue": "SHOP-1" }),
    ] {
        let found = call(&ctx, "get_event", arguments.clone()).await;
        assert_eq!(found.data["event"]["id"], EVENT, "{arguments}: {}", found.text);
    }
    call(&ctx, "get_event", json!({ "issue": at("issues/101/events/oldest/") })).await;
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().any(|request| request.url.path().ends_with("/issues/101/events/oldest/")));
    let replay = super::replays::REPLAY;
    let found =
        call(&ctx, "get_replay_summary", json!({ "replay": at(&format!("explore/replays/{replay}/?t=9")) })).await;
    assert_eq!(found.data["replay"]["id"], replay, "{}", found.text);
    let other = server.uri().replace("127.0.0.1", "localhost");
    for (tool, arguments) in [
        ("get_event", json!({ "issue": format!("{}/organizations/other/issues/101/", server.uri()) })),
        ("get_event", json!({ "event": format!("{}/organizations/other/issues/101/events/{EVENT}/", server.uri()) })),
        ("get_event", json!({ "event": format!("{other}/organizations/acme/issues/101/events/{EVENT}/") })),
        ("get_event", json!({ "event": at("issues/101/") })),
        ("get_event", json!({ "issue": at(&format!("replays/{replay}/")) })),
        ("get_event", json!({ "issue": at("performance/trace/0123456789abcdef0123456789abcdef/") })),
        ("get_event", json!({ "issue": at("dashboards/7/") })),
        ("get_event", json!({ "event": EVENT, "issue": "SHOP-2" })),
        ("get_event", json!({ "event": at(&format!("issues/SHOP-2/events/{EVENT}/")) })),
        ("get_replay_summary", json!({ "replay": format!("{other}/organizations/acme/replays/{replay}/") })),
        ("affected_users", json!({ "issue": "https://acme.sentry.io/issues/101/" })),
        ("verify_fix_since_release", json!({ "issue": "101", "release": at("issues/101/") })),
    ] {
        let refused = call(&ctx, tool, arguments.clone()).await;
        let kind = refused.data["error"]["kind"].as_str().unwrap_or("none");
        assert!(["invalid_input", "not_found"].contains(&kind), "{arguments}: {}", refused.text);
    }
    let of_release = json!({ "issue": "101", "release": at("releases/shop%402.3.0/") });
    let verified = call(&ctx, "verify_fix_since_release", of_release).await;
    assert!(!verified.is_error, "{}", verified.text);
}

/// A server with an issue that is no error, of 25 events of 8 users, which lie in a table of their own or in none.
async fn with_slow_query(counted: bool) -> MockServer {
    let server = MockServer::start().await;
    let slow = move |request: &Request| {
        let dataset = request.url.query_pairs().find(|(key, _)| key == "dataset").map(|(_, value)| value.into_owned());
        let occurrences = dataset.as_deref() == Some("issuePlatform");
        let Some(mut json) = double::answer(request) else {
            return ResponseTemplate::new(404).set_body_json(json!({}));
        };
        let path = request.url.path().to_owned();
        if path.ends_with("/events/") && path.contains("acme/events/") {
            if occurrences && !counted {
                return ResponseTemplate::new(400).set_body_json(json!({ "detail": "dataset must be one of: errors" }));
            }
            if !occurrences {
                json["data"] = json!([]);
            }
        }
        let slow = |issue: &mut Value| {
            issue["issueCategory"] = json!("performance");
            issue["issueType"] = json!("performance_n_plus_one_db_queries");
            issue["count"] = json!("25");
            issue["userCount"] = json!(if counted { 8 } else { 0 });
            issue["lifetime"] = json!(null);
        };
        match &mut json {
            Value::Array(rows) if path.ends_with("acme/issues/") => rows.iter_mut().for_each(slow),
            issue if path.ends_with("/issues/SHOP-1/") || path.ends_with("/issues/101/") => slow(issue),
            _ => {}
        }
        ResponseTemplate::new(200).set_body_json(json)
    };
    Mock::given(any()).respond_with(slow).mount(&server).await;
    server
}

#[tokio::test]
async fn what_is_no_error_is_counted_where_it_lies_or_not_known() {
    let server = with_slow_query(true).await;
    let over = ctx(store(&server.uri(), "t"));
    let users = call(&over, "affected_users", json!({ "issue": "SHOP-1" })).await;
    assert_eq!(users.data["users"]["total"], 3, "{}", users.text);
    let told = call(&over, "diagnose_issue", json!({ "issue": "SHOP-1" })).await;
    assert!(told.is_error && told.text.contains("no error"), "{}", told.text);

    let server = with_slow_query(false).await;
    let over = ctx(store(&server.uri(), "t"));
    for (tool, arguments) in [
        ("affected_users", json!({ "issue": "SHOP-1" })),
        ("verify_fix_since_release", json!({ "issue": "SHOP-1", "release": "shop@2.3.0" })),
    ] {
        let unknown = call(&over, tool, arguments).await;
        assert_eq!(unknown.data["error"]["kind"], "unsupported", "{tool}: {}", unknown.text);
        assert!(unknown.text.contains("not known"), "{tool}: {}", unknown.text);
    }
    let list = call(&over, "list_issues", json!({ "sort": "last_seen" })).await;
    let first = &list.data["issues"][0];
    assert_eq!((&first["events"], &first["users"]), (&json!(25), &Value::Null), "{}", list.data);
    assert!(!list.text.contains("0 users"), "{}", list.text);
}
