//! Sentry's plugins for bundlers upload their maps here, and what the build throws is read with them.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::program::{Store, node_tool};

/// Builds with a bundler, and asks for what the build threw.
fn check(bundler: &str, packages: &'static str) {
    let store = Store::new();
    store.ok(&["project", "plug"]);
    let server = store.serve();
    let folder = node_tool(if bundler == "vite" { "vite" } else { "esbuild" }, packages);
    let script = folder.join("build_plugin.mjs");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/build_plugin.mjs"), &script).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut node = Command::new("node");
    node.arg(script).args([bundler, &server.url, "plug"]).arg(work.path()).env("NO_PROXY", "127.0.0.1");
    // It remembers servers between runs, looks for newer versions of itself, and tells its makers about the run.
    node.env("SENTRY_CONFIG_DIR", work.path().join("config"));
    node.env("SENTRY_CLI_NO_UPDATE_CHECK", "1").env("SENTRY_CLI_NO_TELEMETRY", "1");
    let done = node.current_dir(work.path()).output().unwrap();
    let (printed, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{complained}");
    // The plugin prints too.
    let line = printed.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{printed} {complained}"));
    let said: Value = serde_json::from_str(line).unwrap();
    assert_eq!(said["failed"], json!([]), "{complained}");
    let event = &said["event"];
    assert_eq!(event["debug_meta"]["images"].as_array().unwrap().len(), 1, "{event}");
    let id = &event["event_id"];
    store.import("plug", &[format!("{}\n{{\"type\":\"event\"}}\n{event}\n", json!({ "event_id": id }))]);

    let shown = store.call("get_event", json!({ "event": id, "max_tokens": 20_000 }));
    let frames = shown["event"]["exceptions"][0]["frames"].as_array().unwrap_or_else(|| panic!("{shown}"));
    let (nearest, caller) = (&frames[0], &frames[1]);
    assert!(nearest["file"].as_str().unwrap().ends_with("src/total.ts"), "{shown}");
    assert_eq!((&nearest["line"], &nearest["function"]), (&json!(5), &json!("totalOf")), "{shown}");
    assert!(nearest["context"]["line"].as_str().unwrap().contains("cart.items!.reduce"), "{shown}");
    assert!(caller["file"].as_str().unwrap().ends_with("src/main.ts") && caller["line"] == 4, "{shown}");
    let releases = super::Api { server: &server }.ok("organizations/acme/releases/");
    assert_eq!(releases[0]["version"], "plug@3.0.0", "{releases}");
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_plugin_for_esbuild_uploads_maps_that_are_used() {
    check("esbuild", "@sentry/esbuild-plugin@5.4.0 esbuild@0.28.2");
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn the_plugin_for_vite_uploads_maps_that_are_used() {
    check("vite", "@sentry/vite-plugin@11.9.0 vite@8.3.8");
}
