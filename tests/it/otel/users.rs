//! A job has no users; those of a request that names none are not known.

use serde_json::{Value, json};

use super::made::{JSON, failed, thrown, traces};
use crate::program::{Server, Store, http};

fn sent(server: &Server, spans: &[Value]) {
    let body = traces("kiln", spans);
    assert_eq!(http("POST", &format!("{}/v1/traces", server.url), &[JSON], body.as_bytes()).status, 200);
}

fn thrown_in(mut span: Value, ty: &str, function: &str) -> Value {
    span["events"] = json!([thrown(ty, "no kiln", function)]);
    span
}

/// The users that the list and `affected_users` tell of an issue.
fn users(store: &Store, title: &str) -> (Option<Value>, Option<Value>) {
    let listed = store.call("list_issues", json!({ "period": "3650d" }));
    let issue = listed["issues"].as_array().unwrap().iter().find(|issue| issue["title"] == title);
    let issue = issue.unwrap_or_else(|| panic!("{title}: {listed}"));
    let who = store.call("affected_users", json!({ "issue": issue["short_id"], "period": "3650d" }));
    (issue.get("users").cloned(), who["users"].get("total").cloned())
}

#[test]
fn a_job_has_no_users_and_those_of_a_request_that_names_none_are_not_known() {
    let store = Store::new();
    let server = store.serve();
    // What went wrong within comes before what it was part of.
    sent(&server, &[thrown_in(failed(1, 2, 1, 1, "fire"), "JobError", "fire")]);
    assert_eq!(users(&store, "JobError: no kiln"), (None, None), "what it was part of is not told yet");
    sent(&server, &[failed(1, 1, 0, 1, "nightly firing")]);
    assert_eq!(users(&store, "JobError: no kiln"), (Some(json!(0)), Some(json!(0))));
    sent(&server, &[thrown_in(failed(2, 3, 0, 2, "GET /kilns"), "RequestError", "list")]);
    assert_eq!(users(&store, "RequestError: no kiln"), (None, None));
    // Work that somebody's request led to.
    let follows = json!([{ "traceId": format!("{:032x}", 9), "spanId": format!("{:016x}", 9) }]);
    let mut message = thrown_in(failed(3, 4, 0, 5, "glaze process"), "MessageError", "glaze");
    message["links"] = follows;
    sent(&server, &[message]);
    assert_eq!(users(&store, "MessageError: no kiln"), (None, None));
    // One event that somebody may have been hit by is enough.
    sent(&server, &[thrown_in(failed(4, 5, 0, 2, "POST /fire"), "JobError", "fire")]);
    assert_eq!(users(&store, "JobError: no kiln"), (None, None));
}
