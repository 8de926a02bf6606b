//! One history, asked twice: directly, and through Sentry's Web API as `serve` answers it over the same store.
//! What may differ is listed here, each with why; `docs/sentry.md` says the same to users.
//!
//! Its clock is pinned: Sentry tells the users of an hour, not who came for the first time that day, so that at some
//! hours an issue escalates by a hair one way and not the other. `hours.rs` asks at every hour what must not depend on it.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use prodsignal::tools::TOOLS;
use serde_json::{Value, json};

use crate::{
    api::Api,
    markers::SECTIONS,
    program::{Clock, Server, Store, program},
    script::recorded,
};

/// Fields that the API can't carry, by tool, or by tool and what it is asked with: a `*` stands for any key or place.
const DIFFERS: [(&str, &str); 29] = [
    // A pseudonym that another server sends is a text like any other, so that nobody passes for somebody else.
    ("get_event", "event/user/*"),
    ("get_event", "event/request/headers/X-User-Id"),
    ("*", "source"),
    ("*", "warnings"),
    ("*", "next_cursor"),
    ("*", "truncated"),
    ("*", "omitted"),
    // Sentry counts no rows.
    ("search_events", "total"),
    ("list_issues", "issues/*/url"),
    // Users of requests count as active in the store; the API is asked for those of errors and sessions.
    ("list_releases", "releases/*/users"),
    // Whom crashes hit is counted from events and sessions one by one; the API is asked for rates of sessions.
    ("list_releases", "releases/*/crashed_users"),
    ("list_releases", "releases/*/crash_free_users"),
    ("list_issues", "issues/*/share"),
    ("list_issues", "issues/*/why"),
    ("affected_users", "users/active"),
    ("affected_users", "users/share"),
    ("affected_users", "users/per_release/*/active_users"),
    ("affected_users", "users/per_release/*/share"),
    ("diagnose_issue", "who/per_release/*/active_users"),
    ("diagnose_issue", "who/per_release/*/share"),
    // Only an issue tells which tags there are.
    ("affected_users since_release", "breakdown"),
    // Logs are no table of the compatible API.
    ("get_event", "event/logs"),
    // Frames are not counted over the Web API: bystanders are told by the stack alone.
    ("diagnose_issue", "reasons"),
    ("diagnose_issue", "where/frames"),
    ("diagnose_issue", "where/stacks"),
    // Replays of other events than the one shown.
    ("diagnose_issue", "replays"),
    // Fewer tags are asked for than the store knows.
    ("diagnose_issue", "who/attribution_note"),
    // Asked one after the other.
    ("update_issue", "as_of"),
    ("update_issue", "url"),
];

/// A store, served.
struct Twice {
    _store: Store,
    path: PathBuf,
    server: Server,
    clock: Clock,
}

/// When the shop's history ends, and when recorded sessions are looked at.
const SHOP: &str = "2026-11-21T00:00:00Z";
const RECORDED: &str = "2026-11-30T16:57:00Z";

impl Twice {
    /// Two weeks of a shop's API and worker, the newest release with commits. Without the demonstration's browsers: what
    /// requests say of releases and users is not asked for over the API.
    fn shop() -> Self {
        let store = Store::new();
        let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/shop.ndjson.zst")).unwrap();
        let lines = String::from_utf8(zstd::decode_all(&*packed).unwrap()).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for project in ["shop-api", "shop-worker"] {
            let own = lines.iter().filter(|line| line["project"] == project);
            let own: Vec<String> = own.map(|line| line["envelope"].as_str().unwrap().to_owned()).collect();
            store.import(project, &own);
        }
        let path = store.path();
        // The compatible API tells nothing of what SDKs dropped.
        let database = rusqlite::Connection::open(path.join("signal.db")).unwrap();
        database.execute("DELETE FROM dropped", []).unwrap();
        drop(database);
        let twice = Self::of(store, path, SHOP);
        let release = twice.directly("list_releases", &json!({}))["releases"][0]["version"].clone();
        let commits = json!({ "commits": [
            { "id": "8c1d", "message": "Sum carts on the server", "timestamp": "2026-11-01T08:00:00Z", "repository": "shop",
              "author_name": "K. Ode", "patch_set": [{ "path": "src/cart.js", "type": "M" }, { "path": "src/sum.js", "type": "A" }] },
            { "id": "7b0c", "message": "Say less", "patch_set": [{ "path": "README.md", "type": "M" }] },
        ] });
        let path = format!("organizations/any/releases/{}/", release.as_str().unwrap());
        assert_eq!(Api { server: &twice.server }.send("PUT", &path, &commits).status, 200);
        twice
    }

    /// Recorded sessions with the errors that they ended in.
    fn recorded(sessions: &[&str]) -> Self {
        let store = Store::new();
        for session in sessions {
            let mut command = store.command(&["import", "--project", "apps", "-"]);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(recorded::lines(session).as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
        }
        let path = store.path();
        Self::of(store, path, RECORDED)
    }

    fn of(store: Store, path: PathBuf, begin: &'static str) -> Self {
        let clock = Clock::beginning_at(begin);
        let mut command = clock.set(program());
        command.arg("--store").arg(&path).args(["serve", "--listen", "127.0.0.1:0", "--allow-writes"]);
        Self { server: Server::start(command), path, _store: store, clock }
    }

    fn directly(&self, tool: &str, arguments: &Value) -> Value {
        call(self.clock.set(program()).arg("--store").arg(&self.path), tool, arguments)
    }

    fn through(&self, tool: &str, arguments: &Value) -> Value {
        let ask = || {
            let mut command = self.clock.set(program());
            command.args(["--sentry-url", &self.server.url, "--sentry-org", "any"]);
            call(command.env("PRODSIGNAL_SENTRY_TOKEN", "any"), tool, arguments)
        };
        // On a busy machine a request may take longer than it is given; what is compared is what is said.
        let in_time = |answer: &Value| answer["error"]["kind"] != "timeout";
        (0..5).map(|_| ask()).find(in_time).expect("an answer in time")
    }

    /// Asks both ways; gives what differs.
    fn compare(&self, tool: &'static str, arguments: &Value) -> Vec<String> {
        let (one, other) = (self.directly(tool, arguments), self.through(tool, arguments));
        let mut found = Vec::new();
        differences(&named(tool, arguments), "", &one, &other, &mut found);
        found.into_iter().take(8).map(|difference| format!("{tool} {arguments}\n  {difference}")).collect()
    }
}

fn call(command: &mut Command, tool: &str, arguments: &Value) -> Value {
    let done = command.args(["--allow-writes", "call", "--json", tool, &arguments.to_string()]).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{tool}: {}", String::from_utf8_lossy(&done.stderr)))
}

/// A tool, and whether it is asked since a release.
fn named(tool: &str, arguments: &Value) -> String {
    let since = arguments.get("since_release").map_or("", |_| " since_release");
    format!("{tool}{since}")
}

/// Where two answers differ, but for what may.
fn differences(tool: &str, path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    let is_of = |of: &str| of == "*" || of == tool || tool.split(' ').next() == Some(of);
    let allowed = |(of, field): &(&str, &str)| is_of(of) && matches(field, path);
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
        (a, b) if told(tool, path, a) == told(tool, path, b) => {}
        (a, b) => found.push(format!("{path}: {a} against {b}").chars().take(300).collect()),
    }
}

/// A text without the lines that the API can't carry.
fn told(tool: &str, path: &str, value: &Value) -> Value {
    let lines: &[&str] = match (tool, path) {
        // Gaps: which users came back, conditions of sessions, and events that neither side counts.
        ("verify_fix_since_release", "markdown") => &["- Sentry", "- not counted here: "],
        // A replay's language and time zone.
        ("get_replay_summary", "reproduction/script") => &["  locale: ", "  timezoneId: "],
        // Sessions are told by the hour.
        ("verify_fix_since_release", "deployed_at") => return value.as_str().and_then(|at| at.get(..13)).into(),
        _ => return value.clone(),
    };
    let kept = value.as_str().unwrap_or_default().lines().filter(|line| !lines.iter().any(|l| line.starts_with(l)));
    kept.collect::<Vec<_>>().join("\n").into()
}

fn matches(field: &str, path: &str) -> bool {
    let (field, path): (Vec<_>, Vec<_>) = (field.split('/').collect(), path.split('/').collect());
    field.len() == path.len() && field.iter().zip(&path).all(|(f, p)| f == p || *f == "*")
}

/// What is asked of the demonstration store.
fn of_shop(twice: &Twice) -> Vec<(&'static str, Value)> {
    let issues = twice.directly("list_issues", &json!({"period": "60d", "max_tokens": 20_000}));
    let as_of = issues["as_of"].clone();
    let first = issues["issues"][0]["short_id"].clone();
    let event = twice.directly("get_event", &json!({"issue": first, "as_of": as_of}))["event"]["id"].clone();
    let whole = |mut arguments: Value| {
        arguments["as_of"] = as_of.clone();
        arguments["max_tokens"] = 20_000.into();
        arguments
    };
    // All but what was sent: the Web API shows an event in a shape of its own.
    let sections = json!(SECTIONS[..11]);
    let mut asked = vec![
        ("list_projects", whole(json!({}))),
        ("list_releases", whole(json!({}))),
        ("list_issues", whole(json!({"period": "60d"}))),
        ("list_issues", whole(json!({"since_release": "latest", "sort": "users"}))),
        ("list_issues", whole(json!({"since_release": "previous", "until_release": "latest", "change": ["new"]}))),
        // Not the last days alone: who had an event but no session in them would count in the shares of one way only.
        ("list_issues", whole(json!({"period": "30d", "sort": "events", "level": "error"}))),
        ("get_event", whole(json!({"event": event}))),
        ("get_event", whole(json!({"event": event, "include": sections}))),
        ("get_event", whole(json!({"issue": first, "which": "latest"}))),
        ("get_event", whole(json!({"issue": first, "which": "oldest", "release": "latest"}))),
        ("affected_users", whole(json!({"issue": first}))),
        ("affected_users", whole(json!({"issue": first, "by": ["browser", "os"], "period": "14d"}))),
        ("affected_users", whole(json!({"since_release": "latest"}))),
        ("search_events", whole(json!({"query": "level:error", "limit": 20}))),
        ("search_events", whole(json!({"group_by": ["release"], "aggregate": ["count()", "count_unique(user)"]}))),
    ];
    for issue in issues["issues"].as_array().unwrap().iter().take(4) {
        let name = &issue["short_id"];
        asked.push(("verify_fix_since_release", whole(json!({"issue": name, "release": "latest"}))));
        asked.push(("verify_fix_since_release", whole(json!({"issue": name, "release": "previous"}))));
        asked.push(("diagnose_issue", whole(json!({"issue": name}))));
    }
    asked
}

/// What is asked of recorded sessions.
fn of_recorded(twice: &Twice) -> Vec<(&'static str, Value)> {
    let whole = |mut arguments: Value| {
        arguments["as_of"] = "2026-11-25T00:00:00Z".into();
        arguments["max_tokens"] = 20_000.into();
        arguments
    };
    let issues = twice.directly("list_issues", &whole(json!({"period": "60d"})));
    let first = issues["issues"][0]["short_id"].clone();
    let event = twice.directly("get_event", &whole(json!({"issue": first})))["event"]["id"].clone();
    let mut asked = vec![
        ("list_issues", whole(json!({"period": "60d"}))),
        ("get_event", whole(json!({"event": event, "include": ["exception", "breadcrumbs", "trace", "user"]}))),
        ("get_replay_summary", whole(json!({"event": event}))),
        ("get_replay_summary", whole(json!({"issue": first}))),
        ("diagnose_issue", whole(json!({"issue": first}))),
        ("search_events", whole(json!({"query": "has:replayId", "fields": ["id", "issue", "replayId", "user"]}))),
    ];
    for session in SESSIONS {
        let replay = recorded::replay(session).id.to_string();
        for format in ["summary", "steps", "timeline", "playwright"] {
            asked.push(("get_replay_summary", whole(json!({"replay": replay, "format": format}))));
        }
    }
    asked
}

const SESSIONS: [&str; 4] = ["notes-undo", "shop-coupon", "notes-lost-middle", "signup-masked"];

#[test]
fn both_ways_give_the_same_answers() {
    let (shop, recorded) = (Twice::shop(), Twice::recorded(&SESSIONS));
    let (mut failed, mut compared) = (Vec::new(), BTreeSet::new());
    for (twice, asked) in [(&shop, of_shop(&shop)), (&recorded, of_recorded(&recorded))] {
        for (tool, arguments) in asked {
            failed.extend(twice.compare(tool, &arguments));
            compared.insert(tool);
        }
    }
    // Decided both ways, from the same state.
    let issue = shop.directly("list_issues", &json!({}))["issues"][0]["short_id"].clone();
    for decision in [
        json!({"issue": issue, "status": "resolved"}),
        json!({"issue": issue, "status": "unresolved"}),
        json!({"issue": issue, "status": "ignored", "comment": "known"}),
    ] {
        let one = shop.directly("update_issue", &decision);
        shop.directly("update_issue", &json!({"issue": issue, "status": "unresolved"}));
        let other = shop.through("update_issue", &decision);
        let mut found = Vec::new();
        differences("update_issue", "", &one, &other, &mut found);
        failed.extend(found.into_iter().map(|difference| format!("update_issue {decision}\n  {difference}")));
        compared.insert("update_issue");
        shop.directly("update_issue", &json!({"issue": issue, "status": "unresolved"}));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let all: BTreeSet<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    assert_eq!(compared, all, "every tool is asked both ways");
}
