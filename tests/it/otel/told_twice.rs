//! A failure that a Sentry SDK reports and that spans or logs of the same service tell of too: one event, whichever comes first.

use serde_json::{Value, json};

use super::made::{JSON, failed, logs, thrown, traces};
use crate::program::{Server, Store, http};

/// A store that takes both into the project `kiln`.
struct Both {
    store: Store,
    server: Server,
    envelopes: String,
}

impl Both {
    fn new() -> Self {
        let store = Store::new();
        let server = store.serve();
        let dsn = server.dsn(&store, "kiln");
        let (key, place) = dsn.trim_start_matches("http://").split_once('@').unwrap();
        let (host, project) = place.split_once('/').unwrap();
        let envelopes = format!("http://{host}/api/{project}/envelope/?sentry_key={key}");
        Self { store, server, envelopes }
    }

    /// The failing request of a trace: `fire` within `POST /fire`; both spans tell of the exception.
    fn spans(&self, trace: u128, ty: &str) {
        let mut spans = [failed(trace, 1, 0, 2, "POST /fire"), failed(trace, 2, 1, 1, "fire")];
        spans.iter_mut().for_each(|span| span["events"] = json!([thrown(ty, "'CH'", "fire")]));
        self.post("/v1/traces", &traces("kiln", &spans));
    }

    fn post(&self, path: &str, body: &str) {
        let answer = http("POST", &format!("{}{path}", self.server.url), &[JSON], body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// What the SDK of the same service reports, from within a span.
    fn event(&self, id: u128, trace: u128, span: u64, ty: &str) {
        let frame = json!({ "function": "fire", "module": "pay.till", "filename": "pay/till.py",
            "abs_path": "/srv/pay/till.py", "lineno": 14, "in_app": true });
        let event = json!({ "event_id": format!("{id:032x}"), "timestamp": 1_794_819_901.402, "platform": "python",
            "release": "kiln@2.0.0", "level": "error",
            "contexts": { "trace": { "trace_id": format!("{trace:032x}"), "span_id": format!("{span:016x}") } },
            "exception": { "values": [{ "type": ty, "value": "'CH'", "stacktrace": { "frames": [frame] } }] } });
        let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
        assert_eq!(http("POST", &self.envelopes, &[], envelope.as_bytes()).status, 200);
    }

    /// Issue, title and id of each event.
    fn rows(&self) -> Vec<Value> {
        let asked = json!({ "period": "3650d", "fields": ["issue", "title", "id", "trace"], "limit": 100 });
        self.store.call("search_events", asked)["rows"].as_array().unwrap().clone()
    }
}

#[test]
fn one_failure_is_one_event_whichever_report_comes_first() {
    let both = Both::new();
    both.event(1, 1, 1, "KeyError");
    both.spans(1, "KeyError");
    both.spans(2, "KeyError");
    both.event(2, 2, 2, "KeyError");
    // Both are sent again.
    both.event(2, 2, 2, "KeyError");
    both.spans(2, "KeyError");
    both.spans(1, "KeyError");
    let rows = both.rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0]["issue"], rows[1]["issue"], "{rows:?}");
    for id in [1_u128, 2] {
        assert!(rows.iter().any(|row| row["id"] == format!("{id:032x}")), "the SDK's event stays: {rows:?}");
    }
    // What spans alone tell of is still of the same issue.
    both.spans(3, "KeyError");
    let rows = both.rows();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| row["issue"] == rows[0]["issue"]), "{rows:?}");
}

#[test]
fn an_issue_that_spans_made_keeps_its_history_when_an_sdk_reports_it() {
    let both = Both::new();
    both.spans(1, "KilnError");
    let first = both.rows()[0]["issue"].clone();
    both.spans(2, "KilnError");
    both.event(2, 2, 1, "KilnError");
    both.event(3, 3, 1, "KilnError");
    let rows = both.rows();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| row["issue"] == first), "{rows:?}");
}

#[test]
fn two_failures_of_one_trace_stay_two() {
    let both = Both::new();
    both.event(1, 1, 1, "ValueError");
    both.spans(1, "KeyError");
    // The same of another service's span.
    both.event(2, 2, 9, "KeyError");
    both.spans(2, "KeyError");
    let rows = both.rows();
    let titles = |trace: u128| {
        let of = rows.iter().filter(|row| row["trace"] == format!("{trace:032x}"));
        of.map(|row| row["title"].as_str().unwrap()).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!((titles(1), titles(2)), (2, 1), "{rows:?}");
}

#[test]
fn a_log_record_and_a_status_of_the_same_failure_make_no_event() {
    let both = Both::new();
    let mut span = failed(1, 1, 0, 2, "POST /fire");
    both.post("/v1/traces", &traces("kiln", std::slice::from_ref(&span)));
    assert_eq!(both.rows().len(), 1, "a request that failed, and nothing says why");
    both.event(1, 1, 1, "KeyError");
    both.post("/v1/logs", &logs("kiln", 1, 1, "firing failed", Some(("KeyError", "'CH'", "fire"))));
    let rows = both.rows();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["title"], "KeyError: 'CH'");
    // An SDK that reports nothing of a request hides nothing of it.
    span["traceId"] = format!("{:032x}", 2).into();
    both.post("/v1/traces", &traces("kiln", &[span]));
    assert_eq!(both.rows().len(), 2);
}
