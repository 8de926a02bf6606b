//! One history in both stores: tools give the same answers.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Value, json};

use super::databases::places;
use crate::program::{Clock, Store, program};

/// Fields that differ, by tool, with why; a `*` stands for any key or place.
const DIFFERS: [(&str, &str); 2] = [
    // Which store answered.
    ("*", "source"),
    // What is sealed in it is the store's own.
    ("*", "next_cursor"),
];

/// When the history ends.
const END: &str = "2026-11-21T00:00:00Z";

struct Both {
    store: Store,
    clickhouse: String,
    postgres: String,
    clock: Clock,
}

impl Both {
    fn new() -> Self {
        let options = places();
        let clock = Clock::beginning_at(END);
        Self { store: Store::new(), clickhouse: options.clickhouse, postgres: options.postgres, clock }
    }

    fn embedded(&self) -> Command {
        let mut command = self.clock.set(program());
        command.arg("--store").arg(self.store.path());
        command
    }

    fn cluster(&self) -> Command {
        let mut command = self.clock.set(program());
        command.args(["--clickhouse-url", &self.clickhouse, "--postgres-url", &self.postgres]);
        command
    }

    fn import(&self, project: &str, envelopes: &[String]) {
        for mut command in [self.embedded(), self.cluster()] {
            command.args(["--project", project, "import", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            for envelope in envelopes {
                writeln!(stdin, "{}", Value::from(envelope.as_str())).unwrap();
            }
            drop(stdin);
            assert!(child.wait().unwrap().success());
        }
    }

    /// Asks both; gives what differs.
    fn compare(&self, tool: &str, arguments: &Value) -> Vec<String> {
        let (one, other) = (call(self.embedded(), tool, arguments), call(self.cluster(), tool, arguments));
        let mut found = Vec::new();
        differences(tool, "", &one, &other, &mut found);
        found.into_iter().take(12).map(|difference| format!("{tool} {arguments}\n  {difference}")).collect()
    }
}

fn call(mut command: Command, tool: &str, arguments: &Value) -> Value {
    let done = command.args(["call", "--json", tool, &arguments.to_string()]).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{tool}: {}", String::from_utf8_lossy(&done.stderr)))
}

/// A text without its pseudonyms: each store makes them with a key of its own.
fn told(value: &Value) -> Value {
    static PSEUDONYM: LazyLock<Regex> = LazyLock::new(|| Regex::new("\\b([a-z]+)-[0-9a-f]{12}\\b").unwrap());
    match value {
        Value::String(text) => PSEUDONYM.replace_all(text, "$1-").into_owned().into(),
        other => other.clone(),
    }
}

fn differences(tool: &str, path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    let of = |field: &str| {
        let (field, path): (Vec<_>, Vec<_>) = (field.split('/').collect(), path.split('/').collect());
        field.len() == path.len() && field.iter().zip(&path).all(|(f, p)| f == p || *f == "*")
    };
    if DIFFERS.iter().any(|(tools, field)| (*tools == "*" || *tools == tool) && of(field)) {
        return;
    }
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<&String>>() {
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
        (a, b) if told(a) == told(b) => {}
        (a, b) => found.push(format!("{path}: {a} against {b}").chars().take(400).collect()),
    }
}

/// Two weeks of a shop's API and worker.
fn shop() -> Both {
    let both = Both::new();
    let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/shop.ndjson.zst")).unwrap();
    let lines = String::from_utf8(zstd::decode_all(&*packed).unwrap()).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for project in ["shop-api", "shop-worker", "shop-web"] {
        let own = lines.iter().filter(|line| line["project"] == project);
        let own: Vec<String> = own.map(|line| line["envelope"].as_str().unwrap().to_owned()).collect();
        if !own.is_empty() {
            both.import(project, &own);
        }
    }
    both
}

#[test]
#[cfg_attr(
    not(all(has_postgres, has_python)),
    ignore = "needs PostgreSQL and Python: apt-get install postgresql python3 python3-pip"
)]
fn both_stores_give_the_same_answers() {
    let both = shop();
    let whole = |mut arguments: Value| {
        arguments["as_of"] = END.into();
        arguments["max_tokens"] = 20_000.into();
        arguments
    };
    let issues = call(both.embedded(), "list_issues", &whole(json!({"period": "60d"})));
    let found = issues["issues"].as_array().unwrap();
    assert!(found.len() > 3, "{issues}");
    let mut asked = vec![
        ("list_projects", whole(json!({}))),
        ("list_releases", whole(json!({}))),
        ("list_issues", whole(json!({"period": "60d"}))),
        ("list_issues", whole(json!({"since_release": "latest", "sort": "users"}))),
        ("list_issues", whole(json!({"since_release": "previous", "until_release": "latest", "change": ["new"]}))),
        ("list_issues", whole(json!({"period": "30d", "sort": "events", "level": "error"}))),
        ("affected_users", whole(json!({"since_release": "latest"}))),
        ("search_events", whole(json!({"query": "level:error", "limit": 20}))),
        ("search_events", whole(json!({"group_by": ["release"], "aggregate": ["count()", "count_unique(user)"]}))),
    ];
    for issue in found.iter().take(3) {
        let name = &issue["short_id"];
        asked.push(("get_event", whole(json!({"issue": name}))));
        asked.push(("get_event", whole(json!({"issue": name, "which": "oldest"}))));
        asked.push(("affected_users", whole(json!({"issue": name}))));
        asked.push(("affected_users", whole(json!({"issue": name, "period": "14d"}))));
        asked.push(("verify_fix_since_release", whole(json!({"issue": name, "release": "latest"}))));
        asked.push(("verify_fix_since_release", whole(json!({"issue": name, "release": "previous"}))));
        asked.push(("diagnose_issue", whole(json!({"issue": name}))));
    }
    let failed: Vec<String> = asked.iter().flat_map(|(tool, arguments)| both.compare(tool, arguments)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
