//! GlitchTip is recognised by itself; what it lacks is said.

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{
    double::{file, store},
    reading::{cached, call},
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

#[tokio::test]
async fn glitchtip_answers_what_it_can() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(glitchtip).mount(&server).await;
    let ctx = cached(store(&server.uri(), "t"));
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
