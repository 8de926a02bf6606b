//! The tool over a store: choice of the replay, size of answers, pages, failures.

use std::{process::Stdio, sync::OnceLock};

use prodsignal::tools::TOOLS;
use serde_json::{Value, json};

use super::sessions::names;
use crate::{program::Store, script::recorded};

/// A store with all recorded sessions.
fn store() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = Store::of_captures();
        for name in names() {
            import(&store, &recorded::lines(&name));
        }
        store
    })
}

fn import(store: &Store, lines: &str) {
    use std::io::Write;
    let mut command = store.command(&["import", "--project", "apps", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn id(session: &str) -> String {
    recorded::replay(session).id.to_string()
}

fn ask(arguments: Value) -> Value {
    store().call("get_replay_summary", arguments)
}

#[test]
fn a_summary_is_ten_lines_and_six_hundred_tokens() {
    let exact = tiktoken_rs::o200k_base().unwrap();
    for name in names() {
        let asked = json!({ "replay": id(&name) });
        let data = ask(asked.clone());
        let text = store().ok(&["call", "get_replay_summary", &asked.to_string()]);
        for shown in [text.trim_end(), &data.to_string()] {
            let tokens = exact.encode_ordinary(shown).len();
            assert!(tokens <= 600, "{name}: {tokens} tokens: {shown}");
        }
        let steps = data["steps"].as_array().unwrap();
        assert!((1..=10).contains(&steps.len()), "{name}: {data}");
        if let Some(error) = data["replay"]["errors"].as_array().unwrap().last() {
            // What came after the recording's last segment is no step of it, but for the error itself.
            assert_eq!(steps.last().unwrap()["kind"], "error", "{name}: {data}");
            assert_eq!(steps.last().unwrap()["at_ms"], error["at_ms"], "{name}");
        }
        assert!(steps.len() >= 5 || data["earlier_steps"].is_null(), "{name}: {data}");
    }
}

#[test]
fn answers_fit_the_schema_and_every_budget() {
    let exact = tiktoken_rs::o200k_base().unwrap();
    let tool = TOOLS.iter().find(|tool| tool.name == "get_replay_summary").unwrap();
    let validator = jsonschema::draft202012::new(&Value::Object((tool.output)())).unwrap();
    let long = id("notes-long");
    for format in ["summary", "steps", "timeline", "playwright"] {
        for budget in [200, 700, 2_000, 30_000] {
            let asked = json!({ "replay": long, "format": format, "max_tokens": budget });
            let data = ask(asked.clone());
            let text = store().ok(&["call", "get_replay_summary", &asked.to_string()]);
            let tokens = |shown: &str| exact.encode_ordinary(shown).len();
            assert!(tokens(&data.to_string()) <= budget, "{format} {budget}: {data}");
            assert!(tokens(text.trim_end()) <= budget, "{format} {budget}: {text}");
            assert!(validator.is_valid(&data), "{format} {budget}: {data}");
        }
    }
}

#[test]
fn pages_put_together_are_the_whole_in_order() {
    for format in ["steps", "timeline"] {
        let asked = json!({ "replay": id("shop-coupon"), "format": format, "max_tokens": 60_000 });
        let whole = ask(asked.clone());
        let (mut steps, mut marks, mut cursor, mut pages) = (Vec::new(), Vec::new(), Value::Null, 0);
        loop {
            let mut asked = json!({ "replay": id("shop-coupon"), "format": format, "max_tokens": 700 });
            if !cursor.is_null() {
                asked["cursor"] = cursor;
            }
            let page = ask(asked);
            steps.extend(page["steps"].as_array().unwrap().clone());
            marks.extend(page["timeline"].as_array().into_iter().flatten().cloned());
            pages += 1;
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
            assert!(pages < 60, "no end");
        }
        let plain = |steps: &[Value]| -> Vec<Value> {
            // An address is told again at the top of each page.
            steps
                .iter()
                .cloned()
                .map(|mut s| {
                    s.as_object_mut().unwrap().remove("url");
                    s
                })
                .collect()
        };
        assert!(pages > 1, "{format}");
        assert_eq!(plain(&steps), plain(whole["steps"].as_array().unwrap()), "{format}");
        assert_eq!(marks.len(), whole["timeline"].as_array().map_or(0, Vec::len), "{format}");
        let limited = ask(json!({ "replay": id("shop-coupon"), "format": format, "limit": 5, "max_tokens": 60_000 }));
        let n = limited["steps"].as_array().unwrap().len() + limited["timeline"].as_array().map_or(0, Vec::len);
        assert_eq!(n, 5);
        assert!(limited["next_cursor"].is_string());
    }
}

#[test]
fn an_issue_is_shown_by_the_replay_that_shows_it_best() {
    // The same fault twice: once masked and once open. The open one is told.
    let listed = store().call("list_issues", json!({ "query": "reading", "limit": 100, "max_tokens": 60_000 }));
    for issue in listed["issues"].as_array().unwrap() {
        let told = ask(json!({ "issue": issue["short_id"] }));
        assert!(told["replay"]["id"].is_string(), "{}: {told}", issue["title"]);
        assert_eq!(told["steps"].as_array().unwrap().last().unwrap()["kind"], "error", "{told}");
    }
    let event = listed["issues"][0]["short_id"].clone();
    let event = store().call("get_event", json!({ "issue": event }))["event"]["id"].clone();
    let told = ask(json!({ "event": event }));
    assert!(told["replay"]["errors"].as_array().unwrap().iter().any(|error| error["event"] == event), "{told}");
}

#[test]
fn what_several_users_did_alike_is_told() {
    let store = Store::of_captures();
    let lines = recorded::lines("notes-undo");
    let own = id("notes-undo");
    // Two more users whose recordings differ in their ids alone.
    import(&store, &lines);
    for (n, digit) in ["a", "b"].into_iter().enumerate() {
        let other: String = lines
            .lines()
            .map(|line| renamed(line, &own, &format!("{digit}{}", &own[1..]), n))
            .collect::<Vec<_>>()
            .join("\n");
        import(&store, &other);
    }
    let issue = store.call("list_issues", json!({}))["issues"][0]["short_id"].clone();
    let told = store.call("get_replay_summary", json!({ "issue": issue }));
    assert_eq!(told["among"]["replays"], 3, "{told}");
    assert_eq!(told["among"]["same_path"], 2, "{told}");
    assert!(told["among"]["common_path"].as_array().unwrap().len() >= 10, "{told}");
}

/// An envelope of another user's replay and event.
fn renamed(line: &str, own: &str, other: &str, n: usize) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let line: Value = serde_json::from_str(line).unwrap();
    let bytes = STANDARD.decode(line["envelope_base64"].as_str().unwrap()).unwrap();
    let mut out = Vec::new();
    let pairs = [
        (own.to_owned(), other.to_owned()),
        ("u-17".to_owned(), format!("u-{n}7")),
        ("ba5468a4".to_owned(), format!("ca5468a{n}")),
    ];
    let mut at = 0;
    'bytes: while at < bytes.len() {
        for (from, to) in &pairs {
            if bytes[at..].starts_with(from.as_bytes()) {
                out.extend(to.as_bytes());
                at += from.len();
                continue 'bytes;
            }
        }
        out.push(bytes[at]);
        at += 1;
    }
    json!({ "envelope_base64": STANDARD.encode(out) }).to_string()
}

#[test]
fn failures_say_what_would_be_right() {
    let failed = |arguments: Value| -> Value {
        let out = store().run(&["call", "get_replay_summary", &arguments.to_string(), "--json"]);
        assert_eq!(out.status.code(), Some(1));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    assert_eq!(failed(json!({ "replay": "00000000000000000000000000000001" }))["error"]["kind"], "not_found");
    assert_eq!(failed(json!({ "replay": "nonsense" }))["error"]["kind"], "invalid_input");
    assert_eq!(failed(json!({}))["error"]["kind"], "invalid_input");
    assert_eq!(failed(json!({ "issue": "APPS-ZZZZ" }))["error"]["kind"], "not_found");
    assert_eq!(failed(json!({ "replay": id("notes-undo"), "format": "film" }))["error"]["kind"], "invalid_input");
}

#[test]
fn only_what_is_around_errors_is_told_when_asked() {
    let told = ask(json!({ "replay": id("notes-undo"), "format": "steps", "around_error_s": 2, "max_tokens": 20_000 }));
    let error = told["replay"]["errors"][0]["at_ms"].as_i64().unwrap();
    let steps = told["steps"].as_array().unwrap();
    assert!(
        steps.len() >= 2 && steps.iter().all(|step| (step["at_ms"].as_i64().unwrap() - error).abs() <= 2_000),
        "{told}"
    );
}
