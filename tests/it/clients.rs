//! The official clients, of the older and the newest revision, over each transport: all list and call every tool.

use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Store, node, node_tool, program_words, python, python_packages};

/// A store with one failure in it.
fn stored() -> Store {
    let store = Store::new();
    store.import("till", &[include_str!("../data/till.envelope").to_owned()]);
    store
}

/// One call of each tool, and one that fails in a way that the caller can mend.
fn calls() -> Value {
    json!([
        ["list_projects", {}],
        ["list_releases", {}],
        ["list_issues", { "period": "3650d" }],
        ["get_event", { "event": "7d9a4c1e2b3f45678899aabbccddeeff" }],
        ["affected_users", { "issue": "TILL-1", "period": "3650d" }],
        ["search_events", { "period": "3650d", "group_by": ["release"] }],
        ["get_event", { "issue": "TILL-99" }]
    ])
}

/// Checks what a client printed.
fn check(mut client: Command, kind: &str, target: &str) {
    let done = client.args([kind, target, &calls().to_string()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{kind}: {stderr}");
    let said: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{kind}: {e}: {stderr}"));
    let listed: Vec<&str> = said["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    for call in calls().as_array().unwrap() {
        assert!(listed.contains(&call[0].as_str().unwrap()), "{kind}: {listed:?}");
    }
    let results = said["results"].as_array().unwrap();
    let (failure, answers) = results.split_last().unwrap();
    for (answer, call) in answers.iter().zip(calls().as_array().unwrap()) {
        assert_ne!(answer["isError"], true, "{kind} {call}: {answer}");
        assert!(!answer["content"][0]["text"].as_str().unwrap().is_empty(), "{kind} {call}");
        assert!(answer["structuredContent"]["as_of"].is_string(), "{kind} {call}: {answer}");
    }
    assert!(answers[3]["content"][0]["text"].as_str().unwrap().contains("chargeCard"), "{kind}");
    assert_eq!(failure["isError"], true, "{kind}");
    assert_eq!(failure["structuredContent"]["error"]["kind"], "not_found", "{kind}");
}

/// Each transport in turn.
fn check_all(client: impl Fn() -> Command) {
    check_over(&["stdio", "http", "sse"], client);
}

fn check_over(transports: &[&str], client: impl Fn() -> Command) {
    let store = stored();
    let mut command = program_words().to_vec();
    command.extend(["--store".to_owned(), store.path().display().to_string(), "stdio".to_owned()]);
    let command = json!(command).to_string();
    let server = store.serve();
    for transport in transports {
        let target = match *transport {
            "stdio" => command.clone(),
            "http" => format!("{}/mcp", server.url),
            other => format!("{}/{other}", server.url),
        };
        check(client(), transport, &target);
    }
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_older_typescript_client_lists_and_calls_every_tool() {
    check_all(|| node("mcp_legacy.mjs"));
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_newest_typescript_client_lists_and_calls_every_tool() {
    check_all(|| node("mcp_modern.mjs"));
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_older_python_client_lists_and_calls_every_tool() {
    let packages = python_packages("mcp-legacy", "mcp==1.30.0");
    check_all(|| python("mcp_legacy.py", &packages));
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_newest_python_client_lists_and_calls_every_tool() {
    let packages = python_packages("mcp-modern", "mcp==2.3.0");
    check_all(|| python("mcp_modern.py", &packages));
}

/// As it was before Streamable HTTP: over standard input and output, and server-sent events.
#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_python_client_of_2024_lists_and_calls_every_tool() {
    let packages = python_packages("mcp-2024", "mcp==1.1.2");
    check_over(&["stdio", "sse"], || python("mcp_2024.py", &packages));
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn fastmcp_lists_and_calls_every_tool() {
    let packages = python_packages("fastmcp", "fastmcp==4.2.3");
    check_all(|| python("fastmcp_client.py", &packages));
}

/// The scenarios of the official suite that need nothing but a server: the others call tools, prompts and resources of a
/// server made for the suite.
const SCENARIOS: [&str; 8] = [
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "completion-complete",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
];

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_official_conformance_suite_passes() {
    let packages = node_tool("conformance", "@modelcontextprotocol/conformance@0.1.16");
    let suite = packages.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    // A command that is not run here wants what Node has from version 22 on.
    let text = std::fs::read_to_string(&suite).unwrap().replace("globSync as o,", "");
    std::fs::write(&suite, text).unwrap();
    let server = stored().serve();
    for scenario in SCENARIOS {
        let mut command = Command::new("node");
        command.arg(&suite).args(["server", "--url", &format!("{}/mcp", server.url), "--scenario", scenario]);
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        let passed = said.lines().find_map(|line| line.trim().strip_prefix("Passed: "));
        let passed = passed.unwrap_or_else(|| panic!("{scenario}: {said}{}", String::from_utf8_lossy(&done.stderr)));
        assert!(!passed.starts_with('0') && passed.contains("0 failed, 0 warnings"), "{scenario}: {said}");
    }
}

/// Google's own converter of a server's tools to Gemini's.
#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn googles_library_takes_every_tool() {
    let packages = python_packages("google-genai", "google-genai==3.6.1 mcp==1.30.0");
    let store = Store::new();
    let [env, clock, program] = program_words();
    let command = json!([env, clock, program, "--store", store.path(), "--allow-writes", "stdio"]).to_string();
    let done = python("gemini_tools.py", &packages).arg(command).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let declared: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(declared.len(), prodsignal::tools::TOOLS.len());
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_inspector_has_no_complaint_when_it_is_strict() {
    let packages = node_tool("inspector", "@modelcontextprotocol/inspector@2.12.0");
    let inspector = packages.join("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    let store = Store::new();
    let mut command = Command::new("node");
    command.arg(inspector).args(["--cli", "--method", "tools/list", "--strict", "--"]).args(program_words());
    let done = command.args(["--store", store.path().to_str().unwrap(), "--allow-writes", "stdio"]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}{err}");
    assert!(out.contains("list_issues") && !err.to_lowercase().contains("warn"), "{out}{err}");
}
