//! The gate: every route, tool and command with every lock, and what each token may do.

use std::{collections::BTreeSet, fs, path::Path};

use prodsignal::tools::TOOLS;
use regex::Regex;
use serde_json::{Value, json};

use crate::program::{Server, Store, http};

const ALPHA: &str = "0a000000000000000000000000000001";
const STAGED: &str = "0a000000000000000000000000000002";
const BETA: &str = "0b000000000000000000000000000001";
const REPLAY: &str = "0b0000000000000000000000000000ff";

fn event(id: &str, word: &str, environment: &str) -> String {
    let event = json!({
        "event_id": id, "timestamp": "2026-11-20T10:00:00Z", "release": format!("{word}@1.0.0"), "environment": environment,
        "tags": { "plan": word }, "exception": { "values": [{ "type": "Error", "value": format!("{word} failed"),
            "stacktrace": { "frames": [{ "function": word, "filename": format!("{word}.js"), "lineno": 1, "in_app": true }] } }] },
    });
    format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}\n")
}

/// Two projects; what is of the second, or of another environment of the first, has a word of its own.
fn stored() -> Store {
    let store = Store::new();
    store.import("alpha", &[event(ALPHA, "alphaword", "production"), event(STAGED, "hiddenstage", "hiddenstaging")]);
    let described = json!({ "type": "replay_event", "replay_id": REPLAY, "event_id": REPLAY, "segment_id": 0,
        "timestamp": 1795485052.0, "replay_start_timestamp": 1795485048.0, "urls": ["https://hiddenbeta.example/"],
        "error_ids": [BETA], "trace_ids": [], "platform": "javascript", "release": "hiddenbeta@1.0.0", "environment": "production" });
    let recorded = "{\"segment_id\":0}\n[{\"type\":4,\"timestamp\":1795485050400,\"data\":{\"href\":\"https://hiddenbeta.example/\"}}]";
    let replay = format!(
        "{}\n{{\"type\":\"replay_event\"}}\n{described}\n{{\"type\":\"replay_recording\",\"length\":{}}}\n{recorded}\n",
        json!({ "event_id": REPLAY }),
        recorded.len()
    );
    store.import("beta", &[event(BETA, "hiddenbeta", "production"), replay]);
    store
}

fn serve(store: &Store, words: &[&str]) -> Server {
    Server::start(store.command(&[&["serve", "--listen", "127.0.0.1:0"], words].concat()))
}

/// Every path of the compatible API, read from where they are made.
fn paths() -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/api/mod.rs")).unwrap();
    let mut found = BTreeSet::new();
    let named = Regex::new(r#"let (\w+) = "([^"]*)";"#).unwrap();
    let routes = Regex::new(r#"\.route\(\s*(?:&format!\("([^"]*)"\)|"([^"]*)"|(\w+))"#).unwrap();
    for part in text.split("\nfn ").skip(1) {
        let names: Vec<(String, String)> =
            named.captures_iter(part).map(|c| (c[1].to_owned(), c[2].to_owned())).collect();
        let of = |name: &str| names.iter().find(|(known, _)| known == name).map(|(_, path)| path.clone());
        for route in routes.captures_iter(part) {
            let path = match (route.get(1), route.get(2), route.get(3)) {
                (Some(made), _, _) => names
                    .iter()
                    .fold(made.as_str().to_owned(), |path, (name, value)| {
                        path.replacen(&format!("{{{name}}}"), value, 1)
                    })
                    .replace("{{", "{")
                    .replace("}}", "}"),
                (_, Some(path), _) => path.as_str().to_owned(),
                (_, _, Some(name)) => of(name.as_str()).unwrap_or_default(),
                _ => continue,
            };
            found.insert(path);
        }
    }
    found.into_iter().filter(|path| path.starts_with('/')).collect()
}

/// A path that names what is hidden.
fn filled(path: &str, issue: &str, event: &str, project: &str, word: &str) -> String {
    let fills = [
        ("{org}", "o"),
        ("{project}", project),
        ("{issue}", issue),
        ("{short}", issue),
        ("{event}", event),
        ("{replay}", REPLAY),
        ("{version}", &format!("{word}@1.0.0")),
        ("{key}", "plan"),
        ("{number}", "0"),
    ];
    let path = fills.iter().fold(path.to_owned(), |path, (hole, fill)| path.replace(hole, fill));
    let query = "?statsPeriod=3650d&query=&field=title&field=release&yAxis=count()&full=true";
    if path.starts_with("/api/0") { path + query } else { format!("/api/0{path}{query}") }
}

/// How many of the answers to all paths hold the word.
fn showing(
    server: &Server,
    headers: &[(&str, &str)],
    (issue, event, project, word): (&str, &str, &str, &str),
) -> Vec<String> {
    let all = paths();
    assert!(all.len() > 40, "the routes were not read: {all:?}");
    let urls = all.iter().map(|path| filled(path, issue, event, project, word));
    urls.filter(|url| {
        let answer = http("GET", &format!("{}{url}", server.url), headers, b"");
        // What was asked may be said again in a refusal.
        answer.status < 400 && answer.body.contains(word)
    })
    .collect()
}

const HIDDEN_PROJECT: (&str, &str, &str, &str) = ("BETA-1", BETA, "beta", "hiddenbeta");
const HIDDEN_STAGE: (&str, &str, &str, &str) = ("ALPHA-2", STAGED, "alpha", "hiddenstag");

#[test]
fn no_route_shows_what_is_beyond_a_lock() {
    let store = stored();
    let open = serve(&store, &[]);
    assert!(showing(&open, &[], HIDDEN_PROJECT).len() > 12, "what is hidden shows where there is no lock");
    assert!(showing(&open, &[], HIDDEN_STAGE).len() > 6, "what is hidden shows where there is no lock");
    let locked = serve(&store, &["--scope-locked", "--project", "alpha"]);
    assert_eq!(showing(&locked, &[], HIDDEN_PROJECT), Vec::<String>::new());
    let locked = serve(&store, &["--scope-locked", "--project", "alpha", "--environment", "production"]);
    assert_eq!(showing(&locked, &[], HIDDEN_STAGE), Vec::<String>::new());
}

/// Arguments by which each tool would show what is hidden.
fn tries(tool: &str, issue: &str, event: &str, word: &str) -> Vec<Value> {
    let release = format!("{word}@1.0.0");
    match tool {
        "list_issues" => vec![
            json!({ "period": "3650d" }),
            json!({ "since_release": release }),
            json!({ "project": "beta" }),
            json!({ "environment": "hiddenstaging" }),
            json!({ "query": format!("release:{word}*"), "period": "3650d" }),
        ],
        "get_event" => vec![json!({ "event": event, "include": ["tags"] }), json!({ "issue": issue })],
        "get_replay_summary" => vec![json!({ "replay": REPLAY }), json!({ "event": event })],
        "search_events" => vec![
            json!({ "period": "3650d", "fields": ["title", "release", "environment"] }),
            json!({ "period": "3650d", "group_by": ["environment", "release"], "aggregate": ["count()"] }),
        ],
        "list_releases" | "list_projects" => vec![json!({ "period": "3650d" }), json!({})],
        "verify_fix_since_release" => vec![
            json!({ "issue": issue, "release": "latest" }),
            json!({ "issue": "ALPHA-1", "release": "latest" }),
            json!({ "issue": "ALPHA-1", "release": "1.0.0" }),
        ],
        _ => vec![json!({ "issue": issue, "period": "3650d" }), json!({ "issue": issue })],
    }
}

#[test]
fn no_tool_and_no_command_shows_what_is_beyond_a_lock() {
    let store = stored();
    for (lock, (issue, event, _, word)) in [
        (&["--scope-locked", "--project", "alpha"][..], HIDDEN_PROJECT),
        (&["--scope-locked", "--project", "alpha", "--environment", "production"][..], HIDDEN_STAGE),
    ] {
        let mut shown = 0;
        for tool in TOOLS.iter().filter(|tool| !tool.writes) {
            for arguments in tries(tool.name, issue, event, word) {
                let words = ["call", tool.name, &arguments.to_string(), "--json"].map(str::to_owned);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let said = |words: &[&str]| String::from_utf8(store.run(words).stdout).unwrap();
                // A name that the call itself says may be said again; a found thing has more.
                let found = |text: &str| !text.contains("\"error\"") && text.contains(word);
                shown += usize::from(found(&said(&words)));
                let held = said(&[lock, &words[..]].concat());
                assert!(!found(&held), "{} {arguments} with {lock:?}: {held}", tool.name);
            }
        }
        assert!(shown > 3, "what is hidden shows where there is no lock: {shown}");
    }
    let locked = ["--scope-locked", "--project", "alpha"];
    for words in [&["replay", REPLAY][..], &["project", "beta"], &["verify", "BETA-1", "hiddenbeta@1.0.0"], &["doctor"]]
    {
        let done = store.run(&[&locked[..], words].concat());
        let said = String::from_utf8_lossy(&done.stdout).replace("hiddenbeta@1.0.0", "");
        assert!(
            !said.contains("hiddenbeta") && !said.contains("beta:") && !said.contains("@127.0.0.1"),
            "{words:?}: {said}"
        );
    }
}

#[test]
fn nothing_is_changed_without_leave_by_any_route() {
    let store = stored();
    let server = serve(&store, &[]);
    for path in paths() {
        let url = format!("{}{}", server.url, filled(&path, "ALPHA-1", ALPHA, "alpha", "alphaword"));
        for method in ["PUT", "POST", "DELETE", "PATCH"] {
            let told = ["/releases/", "/chunk-upload/", "/assemble/", "/files/"].iter().any(|part| path.contains(part));
            let answer = http(method, &url, &[], b"{\"status\":\"resolved\"}");
            assert!(told || answer.status == 403, "{method} {path}: {}", answer.status);
            let page =
                http(method, &url, &[("Origin", "http://localhost:3000"), ("Content-Type", "text/plain")], b"{}");
            assert_eq!(page.status, 403, "{method} {path} from a page");
        }
    }
    let issue = store.call("get_event", json!({ "issue": "ALPHA-1" }));
    assert!(issue.get("error").is_none(), "{issue}");
}

/// Opens a session of MCP with a token, and asks one thing.
fn mcp(server: &Server, token: &str, method: &str, params: Value) -> Value {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let url = format!("{}/mcp", server.url);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18",
        "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let opened = http("POST", &url, &headers, hello.to_string().as_bytes());
    assert_eq!(opened.status, 200, "{}", opened.body);
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let with = [&headers[..], &[("Mcp-Session-Id", session.as_str())]].concat();
    http("POST", &url, &with, br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let asked = json!({ "jsonrpc": "2.0", "id": 2, "method": method, "params": params });
    let answer = http("POST", &url, &with, asked.to_string().as_bytes());
    let line =
        answer.body.lines().map(|line| line.trim_start_matches("data: ")).rfind(|line| line.contains("\"id\":2"));
    serde_json::from_str(line.unwrap_or_else(|| panic!("no answer: {}", answer.body))).unwrap()
}

#[test]
fn a_token_lets_in_for_what_it_says_until_it_is_revoked() {
    let store = stored();
    let server = serve(&store, &["--allow-writes"]);
    let make = |words: &[&str]| store.ok(&[&["token", "make"], words].concat()).trim().to_owned();
    let reader = make(&["reader", "--only-project", "alpha"]);
    let writer = make(&["writer", "--scope", "read,write"]);
    let get = |token: &str, path: &str| {
        http("GET", &format!("{}{path}", server.url), &[("Authorization", &format!("Bearer {token}"))], b"").status
    };
    assert_eq!(get("nothing", "/api/0/organizations/o/projects/"), 401);
    assert_eq!(http("GET", &format!("{}/metrics", server.url), &[], b"").status, 401);
    assert_eq!(get(&reader, "/api/0/organizations/o/projects/"), 200);
    assert_eq!(get(&reader, "/api/0/projects/o/beta/"), 404);
    assert_eq!(get(&writer, "/api/0/projects/o/beta/"), 200);
    let bearer = format!("Bearer {reader}");
    let hidden = showing(&server, &[("Authorization", &bearer)], HIDDEN_PROJECT);
    assert_eq!(hidden, Vec::<String>::new());
    let put = |token: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        http("PUT", &format!("{}{path}", server.url), &[("Authorization", &bearer)], br#"{"status":"resolved"}"#).status
    };
    assert_eq!(put(&reader, "/api/0/organizations/o/issues/ALPHA-1/"), 403);
    assert_eq!(put(&writer, "/api/0/organizations/o/issues/ALPHA-1/"), 200);
    assert_eq!(put(&writer, "/api/0/organizations/o/releases/alphaword@1.0.0/"), 403);
    let tools = |token: &str| mcp(&server, token, "tools/list", json!({}))["result"]["tools"].to_string();
    assert!(tools(&writer).contains("update_issue") && !tools(&reader).contains("update_issue"));
    let asked = json!({ "name": "get_event", "arguments": { "event": BETA } });
    assert!(mcp(&server, &writer, "tools/call", asked.clone()).to_string().contains("hiddenbeta"));
    assert!(!mcp(&server, &reader, "tools/call", asked).to_string().contains("hiddenbeta"));
    assert!(!store.ok(&["token", "list"]).contains(&reader));
    store.ok(&["token", "revoke", "reader"]);
    assert_eq!(get(&reader, "/api/0/organizations/o/projects/"), 401);
}

#[test]
fn the_audit_log_says_who_asked_and_changed_what() {
    let store = stored();
    let log = store.path().with_file_name("audit.ndjson");
    let server = serve(&store, &["--allow-writes", "--audit-log", log.to_str().unwrap()]);
    let token = store.ok(&["token", "make", "robot\u{1b}[2J", "--scope", "read,write"]);
    let bearer = format!("Bearer {}", token.trim());
    let url = format!("{}/api/0/organizations/o/issues/ALPHA-1/?query=user:ada", server.url);
    assert_eq!(http("PUT", &url, &[("Authorization", &bearer)], br#"{"status":"resolved"}"#).status, 200);
    mcp(&server, token.trim(), "tools/call", json!({ "name": "list_issues", "arguments": {} }));
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changed = lines.iter().find(|line| line["method"] == "PUT").unwrap();
    assert_eq!((&changed["status"], &changed["path"]), (&json!(200), &json!("/api/0/organizations/o/issues/ALPHA-1/")));
    assert!(changed["who"].as_str().unwrap().starts_with("robot"));
    assert!(lines.iter().any(|line| line["tool"] == "list_issues" && line["failed"] == false), "{text}");
    assert!(!text.contains("ada") && !text.contains('\u{1b}') && !text.contains(token.trim()));
}

/// What somebody who reads resources, takes prompts and asks for completions is sent back, and whether it was refused.
fn asked_of_mcp(server: &Server, token: &str, (issue, event, project, word): (&str, &str, &str, &str)) -> Vec<String> {
    let release = format!("{word}@1.0.0");
    let uris = [
        "signal://breakage".to_owned(),
        format!("signal://issue/{issue}"),
        format!("signal://event/{event}"),
        format!("signal://replay/{REPLAY}"),
        format!("signal://release/{release}"),
    ];
    let mut asked: Vec<(&str, Value)> = uris.iter().map(|uri| ("resources/read", json!({ "uri": uri }))).collect();
    for name in ["what_broke", "triage_crashes", "fix_issue", "verify_fix"] {
        // The prompt says a release again that it was given; that tells nothing.
        asked.push(("prompts/get", json!({ "name": name, "arguments": { "issue": issue } })));
    }
    for (argument, start) in
        [("issue", &issue[..2]), ("release", &word[..3]), ("environment", &word[..3]), ("project", &project[..2])]
    {
        let of = match argument {
            "issue" => json!({ "type": "ref/resource", "uri": "signal://issue/{id}" }),
            "release" => json!({ "type": "ref/resource", "uri": "signal://release/{version}" }),
            _ => json!({ "type": "ref/prompt", "name": "what_broke" }),
        };
        asked.push(("completion/complete", json!({ "ref": of, "argument": { "name": argument, "value": start } })));
    }
    for list in ["resources/list", "resources/templates/list", "prompts/list", "tools/list"] {
        asked.push((list, json!({})));
    }
    let answers = asked.into_iter().map(|(method, params)| (params.to_string(), mcp(server, token, method, params)));
    answers.map(|(said, answer)| format!("{said}\t{}", answer.get("result").unwrap_or(&Value::Null))).collect()
}

#[test]
fn no_resource_prompt_or_completion_shows_what_is_beyond_a_lock() {
    let store = stored();
    let shown = |server: &Server, token: &str, hidden: (&str, &str, &str, &str)| -> Vec<String> {
        let answers = asked_of_mcp(server, token, hidden);
        answers
            .into_iter()
            .filter(|line| line.split_once('\t').is_some_and(|(_, said)| said.contains(hidden.3)))
            .collect()
    };
    let make = |words: &[&str]| store.ok(&[&["token", "make"], words].concat()).trim().to_owned();
    let (all, alpha) = (make(&["all"]), make(&["alpha", "--only-project", "alpha"]));
    let open = serve(&store, &[]);
    for hidden in [HIDDEN_PROJECT, HIDDEN_STAGE] {
        let seen = shown(&open, &all, hidden);
        assert!(seen.len() > 2, "what is hidden shows where there is no lock: {seen:?}");
    }
    assert_eq!(shown(&open, &alpha, HIDDEN_PROJECT), Vec::<String>::new());
    let locked = serve(&store, &["--scope-locked", "--project", "alpha"]);
    assert_eq!(shown(&locked, &all, HIDDEN_PROJECT), Vec::<String>::new());
    let locked = serve(&store, &["--scope-locked", "--project", "alpha", "--environment", "production"]);
    assert_eq!(shown(&locked, &all, HIDDEN_STAGE), Vec::<String>::new());
}

#[test]
fn a_lock_on_what_is_not_there_tells_no_names() {
    let store = stored();
    for lock in
        [&["--environment", "hiddenstagin"][..], &["--project", "bet"], &["--project", "alpha", "--environment", "x"]]
    {
        for tool in ["list_issues", "list_releases", "search_events", "list_projects"] {
            let words = [&["--scope-locked"][..], lock, &["call", tool, "{}", "--json"]].concat();
            let said = String::from_utf8(store.run(&words).stdout).unwrap();
            assert!(
                !said.contains("hiddenstaging") && !said.contains("beta") && !said.contains("production"),
                "{lock:?}: {said}"
            );
        }
    }
}

/// A question that the lock did not pass on would be answered by the trait's default, for every caller.
#[test]
fn the_lock_passes_every_question_on() {
    let source = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (traits, lock) = (source("src/store/mod.rs"), source("src/store/lock.rs"));
    let method = Regex::new(r"\n    (?:async )?fn (\w+)").unwrap();
    let methods = |text: &str, start: &str| -> BTreeSet<String> {
        let from = text.find(start).unwrap_or_else(|| panic!("{start}"));
        let body = &text[from..][..text[from..].find("\n}\n").unwrap()];
        method.captures_iter(body).map(|found| found[1].to_owned()).collect()
    };
    let asked = methods(&traits, "pub trait SignalStore");
    assert!(asked.len() > 15, "{asked:?}");
    assert_eq!(methods(&lock, "SignalStore for Locked<S>"), asked);
}
