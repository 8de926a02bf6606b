//! GlitchTip is recognised by itself; what it lacks is said.

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{
    double::{file, store},
    reading::{call, ctx},
};

/// A single-page app for whatever it doesn't know, with 200.
fn glitchtip(request: &Request) -> ResponseTemplate {
    let json = |json: Value| ResponseTemplate::new(200).set_body_json(json);
    match request.url.path() {
        "/api/settings/" => json(json!({"version": "5"})),
        "/api/0/organizations/acme/projects/" => json(file("projects")),
        "/api/0/organizations/acme/releases/" => json(json!([])),
        "/api/0/organizations/acme/issues/" => json(file("issues")),
        "/api/0/issues/101/" => json(file("issue")),
        "/api/0/issues/101/events/" => json(json!([file("event")])),
        "/api/0/issues/101/events/latest/" => json(file("event")),
        _ => ResponseTemplate::new(200).set_body_raw("<!doctype html><app-root></app-root>", "text/html"),
    }
}

/// A list of issues, as GlitchTip has it, is enough to tell.
#[tokio::test]
async fn a_list_without_marks_of_sentry_is_glitchtips() {
    let server = MockServer::start().await;
    let bare = |request: &Request| {
        let mut rows = file("issues");
        for row in rows.as_array_mut().unwrap() {
            let row = row.as_object_mut().unwrap();
            ["substatus", "lifetime", "filtered", "issueCategory"].iter().for_each(|key| drop(row.remove(*key)));
        }
        match request.url.path() {
            "/api/0/organizations/acme/issues/" => ResponseTemplate::new(200).set_body_json(rows),
            _ => glitchtip(request),
        }
    };
    Mock::given(any()).respond_with(bare).mount(&server).await;
    let list = call(&ctx(store(&server.uri(), "t")), "list_issues", json!({})).await;
    assert!(list.data["warnings"].to_string().contains("GlitchTip"), "{}", list.text);
    let asked = server.received_requests().await.unwrap();
    let paths: Vec<&str> = asked.iter().map(|request| request.url.path()).collect();
    assert_eq!(
        paths,
        ["/api/0/organizations/acme/issues/", "/api/settings/", "/api/0/organizations/acme/issues/"],
        "what it lacks is not asked for"
    );
}

#[tokio::test]
async fn glitchtip_answers_what_it_can() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(glitchtip).mount(&server).await;
    let ctx = ctx(store(&server.uri(), "t"));
    let event = call(&ctx, "get_event", json!({"issue": "101"})).await;
    assert_eq!(event.data["event"]["issue"], "101", "{}", event.text);
    let list = call(&ctx, "list_issues", json!({"query": "is:unresolved !browser:x"})).await;
    assert_eq!(list.data["issues"].as_array().map(Vec::len), Some(2), "{}", list.text);
    assert!(list.data["warnings"].to_string().contains("wider than asked"), "{}", list.data["warnings"]);
    let users = call(&ctx, "affected_users", json!({"issue": "101"})).await;
    assert_eq!(users.data["events"], 1, "{}", users.text);
    assert!(users.data["warnings"].to_string().contains("GlitchTip"));
    let search = call(&ctx, "search_events", json!({})).await;
    assert_eq!(search.data["error"]["kind"], "unsupported", "{}", search.text);
}
