//! Every request is one that the official description allows, and every answer of the double is one that it describes.
//! The description's licence keeps it out of this project: `PRODSIGNAL_SENTRY_OPENAPI` names the file.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use prodsignal::{
    backend::sentry::{OPERATIONS, Operation},
    checkout::Checkouts,
    tools::{Ctx, Defaults, TOOLS},
};
use serde_json::{Value, json};
use wiremock::Request;

use super::double::{self, EVENT, double, now, store};

const VARIABLE: &str = "PRODSIGNAL_SENTRY_OPENAPI";

/// What the description leaves out, each with why it is used all the same.
const ALLOWED: [(&str, &str); 3] = [
    ("POST organizations/{org}/issues/{issue}/notes/", "comments are public behaviour of the service, not described"),
    ("GET ../settings/", "Sentry has no such path: that is how GlitchTip is told apart"),
    ("GET organizations/{org}/issues/{issue}/events/{event}/", "described for three words; ids are taken as well"),
];

/// Parameters that are public behaviour of the service, and not described.
const PARAMETERS: [(&str, &str); 1] = [("projects/{org}/{project}/replays/{replay}/recording-segments/", "download")];

/// Calls that together use each operation that tools use.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("list_projects", json!({})),
        ("list_releases", json!({})),
        ("list_issues", json!({"project": "shop", "environment": "production"})),
        ("list_issues", json!({"since_release": "shop@2.3.0", "sort": "last_seen"})),
        (
            "list_issues",
            json!({"query": "is:unresolved browser:\"Firefox 142\" firstSeen:-7d", "status": "unresolved"}),
        ),
        ("get_event", json!({"issue": "SHOP-1"})),
        ("get_event", json!({"issue": "101", "which": "oldest"})),
        ("get_event", json!({"issue": "101", "release": "shop@2.3.0"})),
        ("get_event", json!({"event": EVENT, "include": ["exception", "logs", "attachments"]})),
        ("affected_users", json!({"issue": "SHOP-1"})),
        ("affected_users", json!({"issue": "SHOP-1", "by": ["browser"], "period": "7d"})),
        ("affected_users", json!({"since_release": "shop@2.3.0"})),
        ("search_events", json!({"query": "level:error"})),
        ("search_events", json!({"group_by": ["browser"], "aggregate": ["count()", "count_unique(user)"]})),
        ("verify_fix_since_release", json!({"issue": "SHOP-1", "release": "shop@2.3.0"})),
        ("diagnose_issue", json!({"issue": "SHOP-1"})),
        ("get_replay_summary", json!({"replay": super::replays::REPLAY})),
        ("update_issue", json!({"issue": "SHOP-1", "status": "resolved", "in_release": "2.3.0", "comment": "done"})),
    ]
}

/// Asks the double with every tool; what it was asked.
async fn asked() -> Vec<Request> {
    let server = double().await;
    let store = Arc::new(store(&server.uri(), "sntryu_contract"));
    let ctx = Ctx {
        store: store.clone(),
        now,
        defaults: Defaults::default(),
        writes: Some(store.clone()),
        code: Checkouts::none(),
    };
    for (name, arguments) in calls() {
        let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else { continue };
        let answer = (tool.call)(ctx.clone(), arguments.clone()).await;
        assert!(!answer.is_error, "{name} {arguments}: {}", answer.text);
    }
    store.rights().await;
    server.received_requests().await.unwrap()
}

/// The operation that a request is one of.
fn operation_of(request: &Request) -> &'static Operation {
    let found = OPERATIONS.iter().filter(|operation| operation.method == request.method.as_str());
    let path = request.url.path();
    let below = path.strip_prefix("/api/0/").map_or_else(|| path.replacen("/api/", "../", 1), str::to_owned);
    found
        .clone()
        .find(|operation| fits(operation.path, &below))
        .unwrap_or_else(|| panic!("{} {below} is none of the operations", request.method))
}

/// Whether a path fills a template; the organisation's own name stands for itself.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()))
}

#[tokio::test]
async fn every_request_is_one_of_the_operations_and_carries_the_token() {
    let requests = asked().await;
    assert!(requests.len() > 30);
    for request in &requests {
        operation_of(request);
        assert_eq!(request.headers["authorization"], "Bearer sntryu_contract");
        assert!(request.url.path().ends_with('/'), "{}", request.url);
    }
}

#[test]
fn the_documentation_lists_the_operations() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sentry.md")).unwrap();
    let (_, rest) = page.split_once("<!-- operations -->\n").expect("a mark where the table begins");
    let (table, _) = rest.split_once("<!-- /operations -->").expect("a mark where the table ends");
    let mut wanted = String::from("| operation | right | what for | serves for |\n|---|---|---|---|\n");
    for Operation { method, path, right, what, life, .. } in OPERATIONS {
        let kept = if *method == "GET" { life.words() } else { "" };
        wanted += &format!("| `{method} {path}` | {right} | {what} | {kept} |\n");
    }
    assert_eq!(table, wanted, "put this between the marks in docs/sentry.md:\n{wanted}");
}

#[tokio::test]
#[cfg_attr(not(has_openapi), ignore = "needs PRODSIGNAL_SENTRY_OPENAPI: the path of the official description")]
async fn the_official_description_allows_every_request_and_describes_every_answer() {
    let description = description();
    let mut used = BTreeSet::new();
    for request in asked().await {
        let operation = operation_of(&request);
        let name = format!("{} {}", operation.method, operation.path);
        used.insert(name.clone());
        let allowed = ALLOWED.iter().any(|(allowed, _)| *allowed == name);
        let Some(described) = described(&description, operation) else {
            assert!(allowed, "{name} is not described");
            continue;
        };
        check_query(&request, described, &name);
        // Numbers of segments alone: the description has the answer with `download`.
        let numbers = name.ends_with("recording-segments/") && !request.url.query().unwrap_or("").contains("download");
        if (!allowed || request.method == "GET") && !numbers {
            check_answer(&request, described, &name);
        }
    }
    assert!(used.len() >= 12, "{used:?}");
}

fn description() -> Value {
    let path = std::env::var(VARIABLE).expect("the variable names the description");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn described<'a>(description: &'a Value, operation: &Operation) -> Option<&'a Value> {
    let plain = |path: &str| {
        let parts = path.trim_start_matches("/api/0/").split('/').map(|p| if p.starts_with('{') { "{}" } else { p });
        parts.collect::<Vec<_>>().join("/")
    };
    let wanted = plain(operation.path);
    let paths = description["paths"].as_object().unwrap();
    let (_, methods) = paths.iter().find(|(path, _)| plain(path) == wanted)?;
    methods.get(operation.method.to_ascii_lowercase())
}

/// Names, required ones, words and kinds of parameters.
fn check_query(request: &Request, described: &Value, name: &str) {
    let parameters: Vec<&Value> =
        described["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query").collect();
    for (key, value) in request.url.query_pairs() {
        if PARAMETERS.iter().any(|(of, known)| name.ends_with(of) && *known == key) {
            continue;
        }
        let parameter = parameters.iter().find(|p| p["name"] == key.as_ref());
        let Some(parameter) = parameter else { panic!("{name} takes no {key}") };
        let schema = &parameter["schema"];
        let words = schema["enum"].as_array().or_else(|| schema["items"]["enum"].as_array());
        if let Some(words) = words {
            assert!(words.iter().any(|w| w == value.as_ref()), "{name}: {key} takes no {value}");
        }
        if schema["type"] == "integer" {
            assert!(value.parse::<i64>().is_ok(), "{name}: {key} is a number, not {value}");
        }
    }
    for parameter in parameters.iter().filter(|p| p["required"] == true) {
        let key = parameter["name"].as_str().unwrap();
        assert!(request.url.query_pairs().any(|(k, _)| k == key), "{name} needs {key}");
    }
}

fn check_answer(request: &Request, described: &Value, name: &str) {
    let Some(answer) = double::answer(request) else { panic!("the double does not answer {}", request.url) };
    let schema = described["responses"]["200"]["content"]["application/json"]["schema"].clone();
    if schema.is_null() {
        return;
    }
    let schema = of_openapi(schema);
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&answer).map(|e| format!("{} {}", e.instance_path(), e.schema_path())).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}");
}

/// `nullable` is of OpenAPI 3.0: JSON Schema says it otherwise.
fn of_openapi(schema: Value) -> Value {
    match schema {
        Value::Object(mut map) => {
            let nullable = map.remove("nullable") == Some(Value::Bool(true));
            map.remove("format");
            let inner = Value::Object(map.into_iter().map(|(key, value)| (key, of_openapi(value))).collect());
            if nullable { json!({ "anyOf": [{ "type": "null" }, inner] }) } else { inner }
        }
        Value::Array(list) => list.into_iter().map(of_openapi).collect(),
        other => other,
    }
}
