//! Events in Sentry's shape.

use serde_json::{Value, json};

use super::Api;
use crate::program::Store;

/// An event with one frame, the application's own or not.
fn event(nth: u32, in_app: bool) -> String {
    let frame = json!({ "function": "total", "filename": "cart.js", "in_app": in_app });
    let exception = json!({ "type": "Error", "value": "no total", "stacktrace": { "frames": [frame] } });
    let request = json!({
        "url": "https://shop.example/cart", "query_string": "coupon=five+off%21&next=%2Fpay&flag",
        "cookies": "theme=dark; lang=de",
    });
    let event = json!({
        "event_id": format!("{nth:032x}"), "timestamp": "2026-11-20T10:00:00Z", "platform": "javascript",
        "exception": { "values": [exception] }, "request": request,
    });
    format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n")
}

fn entry(event: &Value, ty: &str) -> Value {
    let entries = event["entries"].as_array().unwrap();
    entries.iter().find(|entry| entry["type"] == ty).unwrap_or_else(|| panic!("no {ty}: {event}"))["data"].clone()
}

#[test]
fn an_events_entries_are_what_sentry_makes_of_them() {
    let store = Store::new();
    store.import("shop", &[event(1, true), event(2, false)]);
    let server = store.serve();
    let api = Api { server: &server };
    for (nth, in_app) in [(1, true), (2, false)] {
        let event = api.ok(&format!("projects/any/shop/events/{nth:032x}/"));
        let exception = entry(&event, "exception");
        assert_eq!(exception["hasSystemFrames"], in_app, "{exception}");
        assert_eq!(exception["values"][0]["stacktrace"]["hasSystemFrames"], in_app, "{exception}");
        let request = entry(&event, "request");
        assert_eq!(request["query"], json!([["coupon", "five off!"], ["next", "/pay"], ["flag", ""]]));
        assert_eq!(request["cookies"].as_array().unwrap().len(), 2, "{request}");
    }
    let listed = api.ok("projects/any/shop/events/?full=true");
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|event| event["eventID"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{listed}");
}
