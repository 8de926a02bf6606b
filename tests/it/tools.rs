//! Tests of tools: what they answer over the captured story, how much it costs, and how they fail.

use std::sync::OnceLock;

use prodsignal::tools::TOOLS;
use serde_json::{Value, json};

use crate::program::Store;

/// The captured story of the demonstration, with its own times; made once.
fn story() -> &'static Store {
    static STORE: OnceLock<Store> = OnceLock::new();
    STORE.get_or_init(|| {
        let store = Store::new();
        let captured = zstd::decode_all(include_bytes!("../../demo/shop.ndjson.zst").as_slice()).unwrap();
        let lines: Vec<Value> =
            String::from_utf8(captured).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for project in ["shop-api", "shop-worker"] {
            let own = lines.iter().filter(|line| line["project"] == project);
            let envelopes: Vec<String> = own.map(|line| line["envelope"].as_str().unwrap().to_owned()).collect();
            store.import(project, &envelopes);
        }
        store
    })
}

/// The time of the story, for tools that take one.
fn window() -> Value {
    json!({ "as_of": "2026-11-21T00:00:00Z", "period": { "start": "2026-11-06", "end": "2026-11-21" } })
}

fn ask(tool: &str, arguments: Value) -> Value {
    let mut asked = window();
    asked.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    story().call(tool, asked)
}

fn short_id(of: &str) -> String {
    let listed = ask("list_issues", json!({ "query": format!("\"{of}\""), "max_tokens": 20_000 }));
    listed["issues"][0]["short_id"].as_str().unwrap_or_else(|| panic!("{of}: {listed}")).to_owned()
}

/// One call of each tool and some of their forms.
fn calls() -> Vec<(&'static str, Value)> {
    let issue = short_id("reading 'amount'");
    vec![
        ("list_issues", json!({})),
        ("list_issues", json!({ "since_release": "v2.3" })),
        ("get_event", json!({ "issue": issue })),
        ("get_event", json!({ "issue": issue, "include": ["contexts", "threads", "logs", "raw", "attachments"] })),
        ("get_event", json!({ "issue": short_id("recursion") })),
        ("affected_users", json!({ "issue": issue })),
        ("diagnose_issue", json!({ "issue": issue })),
        ("diagnose_issue", json!({ "issue": short_id("recursion"), "release": "2.3.0" })),
        ("affected_users", json!({ "since_release": "latest", "by": ["currency", "browser"] })),
        ("list_releases", json!({})),
        ("list_projects", json!({})),
        ("verify_fix_since_release", json!({ "issue": issue, "release": "2.3.1" })),
        ("verify_fix_since_release", json!({ "issue": issue, "release": "9.9.9", "environment": "production" })),
        ("search_events", json!({})),
        ("search_events", json!({ "group_by": ["release", "day"], "aggregate": ["count()", "count_unique(user)"] })),
    ]
}

#[test]
fn answers_keep_to_their_budget_in_exact_tokens() {
    let exact = tiktoken_rs::o200k_base().unwrap();
    for (tool, arguments) in calls() {
        for budget in [200, 500, 2_000, 8_000] {
            let mut asked = window();
            asked.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
            asked["max_tokens"] = budget.into();
            let data = story().call(tool, asked.clone());
            let text = story().ok(&["call", tool, &asked.to_string()]);
            for (what, shown) in [("text", text.trim_end().to_owned()), ("data", data.to_string())] {
                let tokens = exact.encode_ordinary(&shown).len();
                assert!(tokens <= budget, "{tool} {arguments}: {what} has {tokens} tokens of {budget}: {shown}");
            }
            if data["truncated"] == true {
                assert!(data["omitted"][0]["call"].is_string(), "{tool}: what is left out is not said: {data}");
            }
        }
    }
}

#[test]
fn answers_and_failures_fit_the_published_schema() {
    let failures = [
        ("get_event", json!({ "issue": "SHOP-API-ZZZZ" })),
        ("list_issues", json!({ "since_release": "9.9.9" })),
        ("list_issues", json!({ "colour": "red" })),
    ];
    for (tool, arguments) in calls().into_iter().chain(failures) {
        let schema = (TOOLS.iter().find(|t| t.name == tool).unwrap().output)();
        let validator = jsonschema::draft202012::new(&Value::Object(schema)).unwrap();
        let answer = ask(tool, arguments.clone());
        let faults: Vec<String> =
            validator.iter_errors(&answer).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{tool} {arguments}: {faults:?}");
    }
}

#[test]
fn what_broke_since_a_release_is_told_whatever_the_release_is_called() {
    for name in ["shop@2.3.0", "2.3.0", "v2.3", "previous"] {
        let listed =
            ask("list_issues", json!({ "since_release": name, "change": ["regressed"], "max_tokens": 20_000 }));
        assert_eq!(listed["since"]["release"], "shop@2.3.0", "{name}");
        assert_eq!(listed["since"]["releases"], json!(["shop@2.3.0", "shop@2.3.1"]), "{name}");
        let titles: Vec<_> =
            listed["issues"].as_array().unwrap().iter().map(|i| i["title"].as_str().unwrap()).collect();
        assert_eq!(titles.len(), 1, "{titles:?}");
        assert!(titles[0].contains("shipping zone not found"), "{titles:?}");
    }
    assert_eq!(ask("list_issues", json!({ "since_release": "latest" }))["since"]["release"], "shop@2.3.1");
}

#[test]
fn pages_follow_each_other_without_gap_or_repeat() {
    let whole = ask("list_issues", json!({ "sort": "first_seen", "limit": 100, "max_tokens": 60_000 }));
    let ids = |page: &Value| -> Vec<String> {
        page["issues"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut paged = Vec::new();
    let mut arguments = json!({ "sort": "first_seen", "limit": 7, "max_tokens": 1_000 });
    loop {
        let page = ask("list_issues", arguments.clone());
        paged.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => arguments["cursor"] = cursor.into(),
            None => break,
        }
        assert!(paged.len() <= 200, "the pages never end");
    }
    assert_eq!(paged, ids(&whole));
}

#[test]
fn failures_say_what_would_be_right() {
    let cases = [
        ("get_event", json!({ "issue": "SHOP-API-1Z" }), "not_found", Some("SHOP-API-1")),
        ("get_event", json!({ "event": "00000000000000000000000000000000" }), "not_found", None),
        ("get_event", json!({ "event": "zebra" }), "invalid_input", None),
        ("get_event", json!({}), "invalid_input", None),
        ("list_issues", json!({ "since_release": "shop@2.3.9" }), "not_found", Some("shop@2.3.1")),
        ("list_issues", json!({ "project": "shop-apis" }), "not_found", Some("shop-api")),
        ("list_issues", json!({ "environment": "prod" }), "not_found", Some("production")),
        ("list_issues", json!({ "cursor": "25.1.abc" }), "invalid_input", None),
        ("list_issues", json!({ "limit": 101 }), "invalid_input", None),
        ("list_issues", json!({ "limit": "many" }), "invalid_input", None),
        ("list_issues", json!({ "period": "soon" }), "invalid_input", None),
        ("list_issues", json!({ "period": { "start": "2026-11-20", "end": "2026-11-01" } }), "invalid_input", None),
        ("list_issues", json!({ "as_of": "some day" }), "invalid_input", None),
        ("list_issues", json!({ "query": "(a OR b)" }), "invalid_input", None),
        ("list_issues", json!({ "colour": "red" }), "invalid_input", None),
        ("list_issues", json!({ "until_release": "2.3.1" }), "invalid_input", None),
        ("affected_users", json!({ "issue": "NOPE-1" }), "not_found", None),
        ("verify_fix_since_release", json!({ "issue": "NOPE-1", "release": "2.3.0" }), "not_found", None),
        ("verify_fix_since_release", json!({ "release": "2.3.0" }), "invalid_input", None),
        ("verify_fix_since_release", json!({ "issue": "SHOP-API-1", "release": " " }), "invalid_input", None),
        (
            "verify_fix_since_release",
            json!({ "issue": "SHOP-API-1", "release": "2.3.0", "min_reduction": 1.5 }),
            "invalid_input",
            None,
        ),
        (
            "verify_fix_since_release",
            json!({ "issue": "SHOP-API-1", "release": "2.3.0", "confidence": 95 }),
            "invalid_input",
            None,
        ),
        ("search_events", json!({ "aggregate": ["median(x)"] }), "invalid_input", None),
        ("search_events", json!({ "fields": ["title"], "group_by": ["release"] }), "invalid_input", None),
    ];
    for (tool, arguments, kind, near) in cases {
        let answer = ask(tool, arguments.clone());
        assert_eq!(answer["error"]["kind"], kind, "{tool} {arguments}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
        if let Some(near) = near {
            let said = answer["error"]["did_you_mean"].to_string();
            assert!(said.contains(near), "{tool} {arguments}: {said}");
        }
    }
}

#[test]
fn a_mistyped_argument_is_answered_with_the_right_ones() {
    let answer = ask("list_issues", json!({ "since": "2.3.0" }));
    assert!(answer["error"]["message"].as_str().unwrap().contains("since_release"), "{answer}");
}

#[test]
fn a_locked_scope_is_not_left() {
    let locked = |arguments: Value| {
        let words =
            ["--project", "shop-api", "--scope-locked", "call", "list_issues", &arguments.to_string(), "--json"];
        serde_json::from_slice::<Value>(&story().run(&words).stdout).unwrap()
    };
    assert_eq!(locked(json!({ "project": "shop-worker" }))["error"]["kind"], "not_found");
    let all = locked(json!({ "as_of": "2026-11-21T00:00:00Z", "max_tokens": 60_000, "limit": 100 }));
    for issue in all["issues"].as_array().unwrap() {
        assert!(issue["short_id"].as_str().unwrap().starts_with("SHOP-API-"), "{issue}");
    }
    assert!(all["issues"].as_array().unwrap().len() > 5);
}

#[test]
fn an_event_tells_what_mends_the_bug_first() {
    let event = ask("get_event", json!({ "issue": short_id("label text is not a string") }));
    let chain = event["event"]["exceptions"].as_array().unwrap();
    assert_eq!(chain.len(), 2, "{event}");
    assert_eq!(chain[1]["type"], "AttributeError");
    let top = &chain[0]["frames"][0];
    assert_eq!((&top["function"], &top["in_app"]), (&json!("print_label"), &json!(true)));
    assert!(top["context"]["line"].as_str().unwrap().contains("raise LabelError"));
    assert!(top["vars"]["address"]["zip"].is_string() || top["vars"]["address"]["zip"].is_number(), "{top}");
    assert!(event["more"].as_str().unwrap().starts_with("get_event {"), "{event}");
}

#[test]
fn a_database_that_names_its_remedy_is_quoted() {
    let event = ask("get_event", json!({ "issue": short_id("operator does not exist"), "include": ["exception"] }));
    assert!(event["remedies"].to_string().contains("You might need to add explicit type casts."), "{event}");
    let event = ask("get_event", json!({ "issue": short_id("no such index") }));
    assert_eq!(event["remedies"][0]["kind"], "missing_index");
    assert_eq!(event["remedies"][0]["evidence"], "no such index: idx_stock_warehouse");
}

#[test]
fn counts_are_the_same_in_every_tool() {
    let listed = ask("list_issues", json!({ "query": "\"reading 'amount'\"", "max_tokens": 20_000 }));
    let issue = &listed["issues"][0];
    assert_eq!((&issue["events"], &issue["users"]), (&json!(15), &json!(7)), "{issue}");
    let who = ask("affected_users", json!({ "issue": issue["id"], "max_tokens": 20_000 }));
    assert_eq!((&who["events"], &who["users"]["total"]), (&issue["events"], &issue["users"]));
    let trend: u64 = who["trend"].as_array().unwrap().iter().map(|b| b["events"].as_u64().unwrap()).sum();
    assert_eq!(trend, 15);
    let query = format!("issue:{}", issue["short_id"].as_str().unwrap());
    let asked = json!({ "query": query, "aggregate": ["count()", "count_unique(user)"] });
    let rows = ask("search_events", asked);
    assert_eq!(rows["rows"][0], json!({ "count()": 15, "count_unique(user)": 7 }), "{rows}");
}

/// The titles that a search finds.
fn found(query: &str) -> Value {
    ask("list_issues", json!({ "query": query, "max_tokens": 60_000, "limit": 100 }))
}

#[test]
fn an_issue_is_found_by_what_its_events_mention() {
    let event = ask("get_event", json!({ "issue": short_id("reading 'amount'"), "max_tokens": 60_000 }));
    let frame =
        event["event"]["exceptions"][0]["frames"].as_array().unwrap().iter().find(|f| f["in_app"] == true).unwrap();
    let crumb =
        event["event"]["breadcrumbs"].as_array().unwrap().iter().rev().find_map(|b| b["message"].as_str()).unwrap();
    let function = frame["function"].as_str().unwrap();
    let file = frame["file"].as_str().unwrap().rsplit('/').next().unwrap();
    for query in [
        format!("stack.function:{function}"),
        format!("stack.filename:{file}"),
        format!("\"{}\"", crumb.replace('\\', "\\\\").replace('"', "\\\"")),
        function.to_owned(),
    ] {
        let titles: Vec<_> = found(&query)["issues"].as_array().unwrap().iter().map(|i| i["title"].clone()).collect();
        assert!(titles.iter().any(|t| t.as_str().unwrap().contains("reading 'amount'")), "{query}: {titles:?}");
        let rows = ask("search_events", json!({ "query": query, "group_by": ["issue"] }));
        assert!(!rows["rows"].as_array().unwrap().is_empty(), "{query}: {rows}");
    }
}

#[test]
fn a_field_that_nothing_has_is_refused_and_an_empty_answer_says_where_it_looked() {
    for (tool, arguments) in [
        ("list_issues", json!({ "query": "curency:EUR" })),
        ("list_issues", json!({ "query": "has:curency" })),
        ("search_events", json!({ "query": "!curency:EUR" })),
        ("search_events", json!({ "fields": ["title", "curency"] })),
        ("search_events", json!({ "group_by": ["curency"] })),
        ("search_events", json!({ "aggregate": ["count_unique(curency)"] })),
    ] {
        let answer = ask(tool, arguments.clone());
        assert_eq!(answer["error"]["kind"], "invalid_input", "{tool} {arguments}: {answer}");
        assert!(answer["error"]["did_you_mean"].to_string().contains("currency"), "{tool} {arguments}: {answer}");
    }
    let early = json!({ "period": "2026-11-06T00:00:00Z/2026-11-06T00:00:01Z", "as_of": "2026-11-21T00:00:00Z" });
    let answer = story().call("list_issues", early);
    assert_eq!((answer["issues"].as_array().unwrap().len(), &answer["total"]), (0, &json!(0)));
    assert!(answer["searched"].as_str().unwrap().contains("2026-11-06T00:00:01Z"), "{answer}");
}

#[test]
fn releases_go_by_their_aliases_in_a_search_too() {
    let (alias, name) = (found("release:latest"), found("release:shop@2.3.1"));
    assert!(alias["issues"].as_array().is_some_and(|issues| !issues.is_empty()), "{alias}");
    assert_eq!(alias["issues"], name["issues"]);
}

#[test]
fn what_broke_is_ranked_by_impact_whichever_way_it_broke() {
    let listed = ask("list_issues", json!({ "since_release": "2.3.0", "max_tokens": 60_000, "limit": 100 }));
    let issues = listed["issues"].as_array().unwrap();
    let kinds: Vec<_> = issues.iter().map(|issue| issue["change"].as_str().unwrap()).collect();
    assert!(kinds.iter().all(|kind| ["new", "regressed", "escalating"].contains(kind)), "{kinds:?}");
    let regressed = issues.iter().position(|issue| issue["change"] == "regressed").unwrap();
    assert!(regressed + 1 < issues.len(), "a regression of many users stands above new issues of few: {kinds:?}");
}
