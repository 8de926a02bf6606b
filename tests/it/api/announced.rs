//! Releases that were announced and not seen: listed as such, and never taken for the latest.
use serde_json::{Value, json};

use super::Api;
use crate::program::{Store, program};

#[test]
fn a_release_without_signal_is_listed_as_announced_and_is_not_the_latest() {
    let store = Store::new();
    store.import("till", &[include_str!("../../data/till.envelope").to_owned()]);
    let server = store.serve();
    let api = Api { server: &server };
    for version in ["till@1.2.0", "till@2.0.0"] {
        let body = json!({ "version": version, "projects": ["till"], "dateStarted": "2026-11-24T10:00:00Z" });
        assert_eq!(api.send("POST", "organizations/o/releases/", &body).status, 201);
    }
    let deploy = json!({ "environment": "production", "dateFinished": "2026-11-24T11:00:00Z" });
    assert_eq!(api.send("POST", "organizations/o/releases/till@2.0.0/deploys/", &deploy).status, 201);

    let asked = json!({ "as_of": "2026-11-25T00:00:00Z" });
    let mut command = program();
    command.args(["--sentry-url", &server.url, "--sentry-org", "any", "call", "--json", "list_releases"]);
    let through = command.arg(asked.to_string()).env("PRODSIGNAL_SENTRY_TOKEN", "any").output().unwrap();
    let through: Value = serde_json::from_slice(&through.stdout).unwrap();
    for listed in [store.call("list_releases", asked), through] {
        let releases = listed["releases"].as_array().unwrap();
        let named: Vec<&Value> = releases.iter().map(|release| &release["version"]).collect();
        assert_eq!(named, ["till@2.0.0", "till@1.2.0"], "{listed}");
        assert_eq!(releases[0]["announced_at"], "2026-11-24T10:00:00Z", "{listed}");
        assert_eq!(releases[0]["deployed_at"], "2026-11-24T11:00:00Z");
        assert!(releases[0]["first_seen"].is_null() && releases[1]["announced_at"].is_null(), "{listed}");
        assert!(releases[1]["first_seen"].is_string());
    }
    let text = store.ok(&["call", "list_releases", r#"{"period":"3650d"}"#]);
    assert!(text.contains("till@2.0.0 announced 2026-11-24T10:00:00Z") && text.contains("no signal yet"), "{text}");
    let latest = store.call("list_issues", json!({ "since_release": "latest", "period": "3650d" }));
    assert_eq!(latest["since"]["release"], "till@1.2.0", "{latest}");
    // Where one environment is asked for, nobody knows whether it will come there.
    let there = store.call("list_releases", json!({ "environment": "production", "period": "3650d" }));
    assert!(!there.to_string().contains("2.0.0"), "{there}");
}

#[test]
fn projects_are_listed_with_what_each_has() {
    let store = Store::new();
    store.ok(&["project", "empty"]);
    store.import("till", &[include_str!("../../data/till.envelope").to_owned()]);
    let server = store.serve();
    let projects = Api { server: &server }.ok("organizations/o/projects/");
    let (empty, till) = (&projects[0], &projects[1]);
    assert_eq!((&empty["slug"], &till["slug"]), (&json!("empty"), &json!("till")));
    assert!(empty["firstEvent"].is_null() && empty["latestRelease"].is_null() && empty["environments"] == json!([]));
    assert_eq!(till["latestRelease"]["version"], "till@1.2.0", "{till}");
    assert_eq!((&till["hasReplays"], &till["hasSessions"]), (&json!(false), &json!(false)));
    assert!(till["firstEvent"].is_string() && till["environments"] == json!(["production"]), "{till}");
    assert_eq!(Api { server: &server }.ok("projects/o/till/")["environments"], till["environments"]);
}
