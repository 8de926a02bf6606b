//! One history, asked twice: directly, and through Sentry's Web API as `serve` answers it over the same store.
//! What may differ is listed here, each with why; `docs/sentry.md` says the same to users.

use std::process::Command;

use serde_json::{Value, json};

use crate::program::{PROGRAM, Server, Store};

/// Fields that the API can't carry, by tool: a `*` stands for any key or place.
const DIFFERS: [(&str, &str); 21] = [
    ("*", "source"),
    ("*", "warnings"),
    ("*", "next_cursor"),
    ("*", "truncated"),
    ("*", "omitted"),
    // Sentry counts no rows.
    ("search_events", "total"),
    ("list_issues", "issues/*/url"),
    // Active users are told of the period, not of the releases since.
    ("list_issues", "issues/*/share"),
    // Hours of an issue are told by users of the hour, not of the day.
    ("list_issues", "issues/*/why"),
    // Whoever has sessions and whoever has events are counted apart.
    ("list_releases", "releases/*/users"),
    // Payloads lose what the API has no field for, and gain the tags that it derives.
    ("get_event", "event/tags"),
    ("get_event", "event/contexts"),
    ("get_event", "event/message"),
    ("get_event", "event/sdk"),
    ("affected_users", "attribution"),
    ("affected_users", "breakdown"),
    ("affected_users", "sessions"),
    ("affected_users", "users/returning"),
    ("affected_users", "users/per_release/*/active_users"),
    ("affected_users", "users/per_release/*/share"),
    ("affected_users", "trend"),
];

/// The demonstration store, served.
struct Twice {
    store: Store,
    server: Server,
}

impl Twice {
    fn new() -> Self {
        let store = Store::new();
        store.ok(&["demo"]);
        let mut command = Command::new(PROGRAM);
        command.args(["--store", &demo(&store), "serve", "--listen", "127.0.0.1:0"]);
        Self { server: Server::start(command), store }
    }

    fn directly(&self, tool: &str, arguments: &Value) -> Value {
        call(Command::new(PROGRAM).args(["--store", &demo(&self.store)]), tool, arguments)
    }

    fn through(&self, tool: &str, arguments: &Value) -> Value {
        let ask = || {
            let mut command = Command::new(PROGRAM);
            command.args(["--sentry-url", &self.server.url, "--sentry-org", "any"]);
            call(command.env("PRODSIGNAL_SENTRY_TOKEN", "any"), tool, arguments)
        };
        // On a busy machine a request may take longer than it is given; what is compared is what is said.
        let in_time = |answer: &Value| answer["error"]["kind"] != "timeout";
        (0..5).map(|_| ask()).find(in_time).expect("an answer in time")
    }
}

fn demo(store: &Store) -> String {
    format!("{}-demo", store.path().display())
}

fn call(command: &mut Command, tool: &str, arguments: &Value) -> Value {
    let done = command.args(["call", "--json", tool, &arguments.to_string()]).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{tool}: {}", String::from_utf8_lossy(&done.stderr)))
}

/// Where two answers differ, but for what may.
fn differences(tool: &str, path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    let allowed = |(of, field): &(&str, &str)| (*of == "*" || *of == tool) && matches(field, path);
    if DIFFERS.iter().any(allowed) {
        return;
    }
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                let null = Value::Null;
                differences(tool, &below, a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(tool, &format!("{path}/{at}"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{path}: {a} against {b}").chars().take(300).collect()),
    }
}

fn matches(field: &str, path: &str) -> bool {
    let (field, path): (Vec<_>, Vec<_>) = (field.split('/').collect(), path.split('/').collect());
    field.len() == path.len() && field.iter().zip(&path).all(|(f, p)| f == p || *f == "*")
}

#[test]
fn both_ways_give_the_same_answers() {
    let twice = Twice::new();
    let issues = twice.directly("list_issues", &json!({"period": "60d", "max_tokens": 20_000}));
    let as_of = issues["as_of"].clone();
    let first = issues["issues"][0]["short_id"].clone();
    let event = twice.directly("get_event", &json!({"issue": first, "as_of": as_of}))["event"]["id"].clone();
    let mut failed = Vec::new();
    for (tool, arguments) in [
        ("list_projects", json!({"as_of": as_of})),
        ("list_releases", json!({"as_of": as_of})),
        ("list_issues", json!({"as_of": as_of, "period": "60d", "max_tokens": 20_000})),
        ("list_issues", json!({"as_of": as_of, "since_release": "latest", "sort": "users", "max_tokens": 20_000})),
        (
            "list_issues",
            json!({"as_of": as_of, "period": "7d", "sort": "events", "level": "error", "max_tokens": 20_000}),
        ),
        ("get_event", json!({"event": event, "as_of": as_of, "max_tokens": 20_000})),
        ("get_event", json!({"issue": first, "which": "latest", "as_of": as_of, "max_tokens": 20_000})),
        ("affected_users", json!({"issue": first, "as_of": as_of, "max_tokens": 20_000})),
        ("search_events", json!({"as_of": as_of, "query": "level:error", "limit": 20, "max_tokens": 20_000})),
        (
            "search_events",
            json!({"as_of": as_of, "group_by": ["release"], "aggregate": ["count()", "count_unique(user)"]}),
        ),
    ] {
        let (one, other) = (twice.directly(tool, &arguments), twice.through(tool, &arguments));
        let mut found = Vec::new();
        differences(tool, "", &one, &other, &mut found);
        failed.extend(found.into_iter().take(8).map(|difference| format!("{tool} {arguments}\n  {difference}")));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
