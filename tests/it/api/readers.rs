//! Reading through the API: pages, time, tables, release health, replays; and Sentry's own MCP server as a client.

use serde_json::{Value, json};

use super::{Api, shop};
use crate::program::{Store, node, node_tool};

/// The cursor of the next page, if there is one.
fn next(link: &str) -> Option<String> {
    let next = link.split(", <").find(|part| part.contains("rel=\"next\""))?;
    let cursor = next.split("cursor=\"").nth(1)?.split('"').next()?;
    next.contains("results=\"true\"").then(|| cursor.to_owned())
}

#[test]
fn pages_follow_each_other_and_hold_each_issue_once() {
    let store = Store::new();
    let server = shop(&store);
    let api = Api { server: &server };
    let all = api.ok("organizations/any/issues/?query=&limit=100");
    let ids = |list: &Value| list.as_array().unwrap().iter().map(|i| i["id"].clone()).collect::<Vec<_>>();
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = api.get(&format!("organizations/any/issues/?query=&limit=7&cursor={cursor}"));
        paged.extend(ids(&answer.json()));
        match next(answer.header("link").unwrap()) {
            Some(after) => cursor = after,
            None => break,
        }
    }
    assert!(paged.len() > 14);
    assert_eq!(paged, ids(&all));
}

#[test]
fn tables_count_as_the_tools_do_and_sort_as_asked() {
    let store = Store::new();
    let server = shop(&store);
    let api = Api { server: &server };
    let path = "organizations/any/events/?field=issue.id&field=issue&field=count()&field=count_unique(user)&query=&sort=count()";
    let rows = api.ok(path)["data"].as_array().unwrap().clone();
    let counts: Vec<u64> = rows.iter().map(|row| row["count()"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted() && counts.len() > 10, "{counts:?}");
    let issues = api.ok("organizations/any/issues/?query=");
    for row in &rows {
        let of = |issue: &&Value| issue["id"].as_str() == Some(row["issue.id"].to_string().as_str());
        let issue = issues.as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{row}"));
        assert_eq!(issue["shortId"], row["issue"]);
        assert_eq!(issue["count"], row["count()"].to_string(), "{row}");
        assert_eq!(issue["userCount"], row["count_unique(user)"], "{row}");
    }
    let series = api.ok("organizations/any/events-timeseries/?yAxis=count()&interval=86400000&statsPeriod=30d");
    let sum: u64 =
        series["timeSeries"][0]["values"].as_array().unwrap().iter().map(|v| v["value"].as_u64().unwrap()).sum();
    assert_eq!(sum, counts.iter().sum::<u64>());
}

#[test]
fn release_health_adds_up_by_status_and_by_day() {
    let store = Store::new();
    let server = shop(&store);
    let api = Api { server: &server };
    let sum = |groups: &Value| {
        groups.as_array().unwrap().iter().map(|g| g["totals"]["sum(session)"].as_u64().unwrap()).sum::<u64>()
    };
    let ask = |rest: &str| {
        api.ok(&format!(
            "organizations/any/sessions/?field=sum(session)&field=count_unique(user)&statsPeriod=20d&interval=1d{rest}"
        ))
    };
    let whole = sum(&ask("&includeSeries=0")["groups"]);
    assert!(whole > 100);
    assert_eq!(sum(&ask("&groupBy=session.status&includeSeries=0")["groups"]), whole);
    let by_release = ask("&groupBy=release");
    assert_eq!(sum(&by_release["groups"]), whole);
    let days = |group: &Value| {
        group["series"]["sum(session)"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    for group in by_release["groups"].as_array().unwrap() {
        assert_eq!(group["totals"]["sum(session)"], days(group), "{group}");
        assert_eq!(
            group["series"]["sum(session)"].as_array().unwrap().len(),
            by_release["intervals"].as_array().unwrap().len()
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let store = Store::new();
    store.import("till", &[include_str!("../../data/till.envelope").to_owned()]);
    let server = store.serve();
    let api = Api { server: &server };
    for (path, status) in [
        ("organizations/o/issues/?query=a%20OR%20b", 400),
        ("organizations/o/issues/?query=&cursor=x", 400),
        ("organizations/o/issues/?query=&limit=0", 400),
        ("organizations/o/issues/?query=&sort=zz", 400),
        ("organizations/o/issues/?statsPeriod=14", 200),
        ("organizations/o/issues/?statsPeriod=a", 400),
        ("organizations/o/issues/?start=2026-01-02&end=2026-01-01", 400),
        ("organizations/o/issues/?project=99", 404),
        ("organizations/o/issues/?project=till&project=till", 400),
        ("organizations/o/issues/TILL-99/", 404),
        ("organizations/o/issues/TILL-1/events/zz/", 400),
        ("organizations/o/issues/TILL-1/tags/nothing/", 404),
        ("organizations/o/eventids/zz/", 400),
        ("organizations/o/events/?field=count()&sort=-zz", 400),
        ("organizations/o/events/?field=id&dataset=spans", 400),
        ("organizations/o/events-timeseries/?interval=60000&statsPeriod=90d", 400),
        ("organizations/o/sessions/?groupBy=release", 400),
        ("organizations/o/sessions/?field=sum(session)&groupBy=zz", 400),
        ("organizations/o/releases/none/", 404),
        ("organizations/o/releases/none/deploys/", 404),
        ("organizations/o/replays/zz/", 404),
        ("projects/o/none/events/", 404),
        ("nothing/", 404),
        ("settings/", 404),
    ] {
        let answer = api.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if status != 200 {
            assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{path}: {}", answer.body);
        }
    }
}

#[test]
fn who_has_no_token_is_refused_where_one_is_set() {
    let store = Store::new();
    let mut command = store.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("PRODSIGNAL_TOKEN", "right");
    let server = crate::program::Server::start(command);
    let api = Api { server: &server };
    assert_eq!(api.get("organizations/o/issues/").status, 401);
    assert_eq!(api.get("").status, 401);
    let url = format!("{}/api/0/organizations/o/issues/", server.url);
    let with = |headers: &[(&str, &str)]| crate::program::http("GET", &url, headers, b"").status;
    assert_eq!(with(&[("Authorization", "Bearer right")]), 200);
    assert_eq!(with(&[("Authorization", "Bearer right"), ("Host", "evil.example")]), 403);
    assert_eq!(with(&[("Authorization", "Bearer right"), ("Origin", "https://evil.example")]), 403);
}

#[test]
fn replays_are_listed_described_and_read() {
    let store = Store::new();
    let id = "aabbccddeeff00112233445566778899";
    let described = json!({ "type": "replay_event", "replay_id": id, "segment_id": 0, "timestamp": 1795485053.9,
        "replay_start_timestamp": 1795485050.4, "urls": ["https://till.example/pay"], "error_ids": ["7d9a4c1e2b3f45678899aabbccddeeff"],
        "trace_ids": [], "platform": "javascript", "release": "till@1.2.0" });
    let recorded = "{\"segment_id\":0}\n[{\"type\":4,\"timestamp\":1795485050400,\"data\":{\"href\":\"https://till.example/pay\"}}]";
    let header = json!({ "event_id": id });
    let envelope = format!(
        "{header}\n{{\"type\":\"replay_event\"}}\n{described}\n{{\"type\":\"replay_recording\",\"length\":{}}}\n{recorded}\n",
        recorded.len()
    );
    store.import("till", &[envelope]);
    let server = store.serve();
    let api = Api { server: &server };
    let listed = api.ok("organizations/o/replays/");
    assert_eq!(listed["data"][0]["id"], id);
    let replay = &api.ok(&format!("organizations/o/replays/{id}/"))["data"];
    assert_eq!((&replay["count_segments"], &replay["urls"][0]), (&json!(1), &json!("https://till.example/pay")));
    assert_eq!((&replay["duration"], &replay["releases"][0]), (&json!(4), &json!("till@1.2.0")));
    let segments = api.ok(&format!("projects/o/till/replays/{id}/recording-segments/?download=true"));
    assert_eq!(segments[0][0]["data"]["href"], "https://till.example/pay", "{segments}");
    assert_eq!(api.ok(&format!("projects/o/till/replays/{id}/recording-segments/0/")), segments[0]);
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_official_mcp_server_reads_issues_details_and_events() {
    let store = Store::new();
    store.import("till", &[include_str!("../../data/till.envelope").to_owned()]);
    let server = store.serve();
    let folder = node_tool("sentry-mcp", "@sentry/mcp-server@0.36.0");
    let program = folder.join("node_modules/@sentry/mcp-server/dist/index.js");
    let host = server.url.trim_start_matches("http://");
    let command = json!(["node", program, "--access-token=local", format!("--host={host}"), "--insecure-http"]);
    let event = "7d9a4c1e2b3f45678899aabbccddeeff";
    let calls = json!([
        ["whoami", {}],
        ["find_projects", { "organizationSlug": "o" }],
        ["find_releases", { "organizationSlug": "o" }],
        ["search_issues", { "organizationSlug": "o", "query": "is:unresolved" }],
        ["get_sentry_resource", { "resourceType": "issue", "organizationSlug": "o", "resourceId": "TILL-1" }],
        ["get_sentry_resource", { "url": format!("{}/organizations/o/issues/1/events/{event}/", server.url) }],
        ["search_events", { "organizationSlug": "o", "dataset": "errors", "query": "", "statsPeriod": "90d" }],
        ["get_issue_tag_values", { "organizationSlug": "o", "issueId": "TILL-1", "tagKey": "release" }]
    ]);
    let done = node("mcp_legacy.mjs").args(["stdio", &command.to_string(), &calls.to_string()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
    let said: Value = serde_json::from_slice(&done.stdout).unwrap();
    let texts: Vec<String> = said["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            assert_ne!(r["isError"], true, "{r}");
            r["content"].to_string()
        })
        .collect();
    for (at, part) in [(1, "till"), (2, "1.2.0"), (4, "chargeCard"), (5, event), (7, "till@1.2.0")] {
        assert!(texts[at].contains(part), "{part} is not in {}", texts[at]);
    }
}
