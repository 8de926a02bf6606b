//! Real SDKs send to a running server; the tools show what they sent.

use serde_json::{Value, json};

use crate::program::{Store, node, python, python_packages};

/// The issues of a project, by title.
fn issue<'a>(listed: &'a Value, title: &str) -> &'a Value {
    let issues = listed["issues"].as_array().unwrap_or_else(|| panic!("{listed}"));
    let found = issues.iter().find(|i| i["title"].as_str().unwrap().contains(title));
    found.unwrap_or_else(|| panic!("no {title} in {listed}"))
}

fn listed(store: &Store, project: &str) -> Value {
    // An SDK that doesn't say when it sent dates its events by the machine's clock, which isn't the tests'.
    store.call("list_issues", json!({ "project": project, "period": "3650d", "max_tokens": 20_000 }))
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn what_the_node_sdk_sends_is_shown() {
    let store = Store::new();
    let server = store.serve();
    let sent = node("send_node.cjs").arg(server.dsn(&store, "till")).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));

    let listed = listed(&store, "till");
    let crash = issue(&listed, "Cannot read properties of undefined");
    assert_eq!((&crash["events"], &crash["users"]), (&json!(1), &json!(1)));
    assert_eq!(crash["top_frame"]["function"], "chargeCard");
    assert_eq!(crash["first_release"], "till@1.2.0");
    assert_eq!(issue(&listed, "drawer is nearly empty")["level"], "warning");

    let event = store.call("get_event", json!({ "issue": crash["short_id"], "max_tokens": 20_000 }));
    let frame = &event["event"]["exceptions"][0]["frames"][0];
    assert_eq!(frame["context"]["line"].as_str().unwrap().trim(), "return order.card.number.length");
    assert!(event["event"]["breadcrumbs"].to_string().contains("card form opened"), "{event}");
    assert_eq!(event["event"]["tags"]["shop"], "berlin");
    assert!(!event.to_string().contains("node-user-1"), "the user's id must not be shown");
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs Node: apt-get install nodejs npm")]
fn a_node_sdk_with_spotlight_needs_no_dsn() {
    let store = Store::new();
    let server = store.serve();
    let sent = node("send_node.cjs").args(["", &format!("{}/stream", server.url)]).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let projects = store.call("list_projects", json!({}));
    let project = projects["projects"][0]["slug"].as_str().unwrap_or_else(|| panic!("{projects}")).to_owned();
    issue(&listed(&store, &project), "Cannot read properties of undefined");
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn what_the_python_sdk_sends_is_shown() {
    let store = Store::new();
    let server = store.serve();
    let packages = python_packages("sentry", "sentry-sdk==2.75.0");
    let sent = python("send_python.py", &packages).arg(server.dsn(&store, "till")).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));

    let listed = listed(&store, "till");
    let crash = issue(&listed, "grams");
    assert_eq!(crash["top_frame"]["function"], "weigh");
    let event = store.call("get_event", json!({ "issue": crash["id"], "max_tokens": 20_000 }));
    assert!(event["event"]["exceptions"][0]["frames"][0]["vars"]["parcel"].is_object(), "{event}");
}

#[test]
fn what_the_rust_sdk_sends_is_shown() {
    let store = Store::new();
    let server = store.serve();
    let mut options = sentry::ClientOptions::default();
    options.dsn = Some(server.dsn(&store, "till").parse().unwrap());
    options.release = Some("till@1.2.0".into());
    options.environment = Some("production".into());
    let client = sentry::init(options);
    sentry::configure_scope(|scope| {
        scope.set_user(Some(sentry::User { id: Some("rust-user-1".into()), ..Default::default() }));
    });
    sentry::start_session();
    sentry::capture_error(&std::io::Error::other("the printer is out of paper"));
    sentry::end_session();
    drop(client);

    let listed = listed(&store, "till");
    assert_eq!(issue(&listed, "out of paper")["users"], 1);
    let releases = store.call("list_releases", json!({}));
    assert_eq!(releases["releases"][0]["sessions"], 1, "{releases}");
    assert_eq!(releases["releases"][0]["users"], 1, "{releases}");
}
