//! A server that answers as Sentry does, from files, and keeps what it was asked.
//! It uses `wiremock`.
//! It never reads a clock: its day is 2026-11-20.

use prodsignal::{
    backend::sentry::{Options, SentryStore, Token},
    model::Timestamp,
};
use serde_json::{Map, Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// The id of its one event.
pub const EVENT: &str = "0123456789abcdef0123456789abcdef";

/// Its "now": a minute after the newest event's hour.
pub fn now() -> Timestamp {
    "2026-11-20T12:00:00.5Z".parse().unwrap()
}

/// A store in front of a server.
pub fn store(url: &str, token: &str) -> SentryStore {
    SentryStore::new(options(url, token)).unwrap()
}

pub fn options(url: &str, token: &str) -> Options {
    let token = Token::new(token).unwrap();
    Options { url: Some(url.to_owned()), org: Some("acme".to_owned()), ..Options::new(token, now) }
}

/// A running double.
pub async fn double() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Double).mount(&server).await;
    server
}

/// A file of the made-up organisation.
pub fn file(name: &str) -> Value {
    let path = format!("{}/tests/data/sentry/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What is answered to a method and a path.
pub struct Double;

impl Respond for Double {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match answer(request) {
            Some(json) => ResponseTemplate::new(200)
                .set_body_json(json)
                .insert_header("date", "Fri, 20 Nov 2026 12:00:02 GMT")
                .insert_header(
                    "link",
                    "<http://other.example/?cursor=0:0:1>; rel=\"previous\"; results=\"false\"; cursor=\"0:0:1\", \
                     <http://other.example/?cursor=0:100:0>; rel=\"next\"; results=\"false\"; cursor=\"0:100:0\"",
                ),
            None => {
                ResponseTemplate::new(404).set_body_json(json!({"detail": "The requested resource does not exist"}))
            }
        }
    }
}

/// The body for a request; `None`: there is no such thing.
pub fn answer(request: &Request) -> Option<Value> {
    let path = request.url.path();
    let rest = path.strip_prefix("/api/0/")?;
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    Some(match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["organizations", "acme"]) => file("organization"),
        (
            "GET",
            ["organizations", "acme", name @ ("projects" | "environments" | "releases" | "sessions" | "issues")],
        ) => file(name),
        ("GET", ["projects", "acme", "shop", "environments"]) => file("project_environments"),
        ("GET", ["projects", "acme", "shop", "events", EVENT, "attachments"]) => file("attachments"),
        ("GET", ["organizations", "acme", "events-timeseries"]) => file("timeseries"),
        ("GET", ["organizations", "acme", "events"]) => events(request),
        ("GET", ["organizations", "acme", "replays"]) => json!({ "data": [] }),
        ("GET", ["organizations", "acme", "eventids", EVENT]) => file("eventid"),
        ("GET", ["organizations", "acme", "issues", "101" | "SHOP-1"]) => file("issue"),
        ("GET", ["organizations", "acme", "issues", "101" | "SHOP-1", "events"]) => file("issue_events"),
        ("GET", ["organizations", "acme", "issues", "101" | "SHOP-1", "events", _]) => file("event"),
        ("PUT", ["organizations", "acme", "issues", "101"]) => file("updated"),
        ("POST", ["organizations", "acme", "issues", "101", "notes"]) => json!({ "id": "1" }),
        _ => return None,
    })
}

/// Rows for whatever fields are asked for: two issues, each in one release.
fn events(request: &Request) -> Value {
    let fields: Vec<String> =
        request.url.query_pairs().filter(|(key, _)| key == "field").map(|(_, value)| value.into_owned()).collect();
    let query: String =
        request.url.query_pairs().filter(|(key, _)| key == "query").map(|(_, value)| value.into_owned()).collect();
    let logs = request.url.query_pairs().any(|(key, value)| key == "dataset" && value == "logs");
    let rows = [
        ("101", "shop@2.3.0", 5, 3, "2026-11-17T08:00:00Z", "Firefox 142"),
        ("102", "shop@2.2.0", 2, 1, "2026-11-02T08:00:00Z", "Chrome 141"),
    ];
    let row = |(issue, release, events, users, first, browser): (&str, &str, u64, u64, &str, &str)| {
        let value = |field: &str| match field {
            "issue.id" => json!(issue.parse::<u64>().unwrap()),
            "issue" => json!(format!("SHOP-{}", &issue[2..])),
            "id" => json!(EVENT),
            "release" => json!(release),
            "project" => json!("shop"),
            "user" => json!("id:42"),
            "count()" => json!(events),
            "count_unique(user)" => json!(users),
            "timestamp" | "max(timestamp)" => json!("2026-11-20T11:00:00Z"),
            "min(timestamp)" => json!(first),
            "timestamp.to_day" => json!("2026-11-20T00:00:00+00:00"),
            "timestamp.to_hour" => json!("2026-11-20T11:00:00+00:00"),
            "title" => json!("TypeError: cart is undefined"),
            "browser" => json!(browser),
            "message" if logs => json!("adding an item"),
            "error.unhandled" => json!(1),
            _ => Value::Null,
        };
        let entries: Map<String, Value> = fields.iter().map(|field| (field.clone(), value(field))).collect();
        Value::Object(entries)
    };
    let single = fields.iter().all(|field| !field.contains('('));
    let wanted = |issue: &str| !query.contains("issue.id:") || query.contains(issue) != query.contains("!issue.id:");
    let found = rows.into_iter().filter(|(issue, ..)| wanted(issue));
    let found: Vec<Value> = found
        .flat_map(|one| {
            let (mut row, users) = (row(one), one.3);
            let each = move |nth| {
                if let Some(user) = row.get_mut("user") {
                    *user = json!(format!("id:{}", 42 + nth % users));
                }
                row.clone()
            };
            (0..if single { one.2 } else { 1 }).map(each)
        })
        .collect();
    json!({ "data": found, "meta": { "fields": {}, "units": {}, "dataset": "errors" } })
}
