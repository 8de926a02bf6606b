//! Tests of ingest: equal bytes give equal digests, nothing is lost uncounted, and each time and user is taken once.

use prodsignal::{
    guard::{Pseudonyms, Scrubber},
    ingest::{Ingest, Ingested},
    model::{Timestamp, UserKey},
    protocol::{ClockPolicy, Limits},
    store::{ItemKind, ItemRecord, ProjectKey, Record},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const RECEIVED: &str = "2026-11-20T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn taken_as(body: &[u8], policy: ClockPolicy) -> Ingested {
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
    ingest.envelope(&ProjectKey { id: 1, slug: "shop".into() }, body, time(RECEIVED), policy).unwrap()
}

fn taken(header: Value, items: &[(Value, Value)]) -> Ingested {
    let mut body = format!("{header}\n");
    for (header, payload) in items {
        body += &format!("{header}\n{payload}\n");
    }
    taken_as(body.as_bytes(), ClockPolicy::Live)
}

fn user_of(record: &Record) -> Option<UserKey> {
    match record {
        Record::Event(event) => event.user,
        Record::Session(session) => session.user,
        Record::Sessions(sessions) => sessions.user,
        Record::Item(item) => item.user,
        Record::Part(_) | Record::Dropped(_) => None,
    }
}

fn items(taken: &Ingested) -> Vec<&ItemRecord> {
    fn item(record: &Record) -> Option<&ItemRecord> {
        match record {
            Record::Item(item) => Some(item),
            _ => None,
        }
    }
    taken.digest.records.iter().filter_map(item).collect()
}

#[test]
fn a_clock_that_is_off_is_corrected_once() {
    // The sender's clock is two hours ahead: what it calls 13:59 happened at 11:59.
    let event = json!({ "timestamp": "2026-11-20T13:59:00Z", "message": "a",
        "breadcrumbs": [{ "timestamp": "2026-11-20T13:58:30Z", "message": "b" }] });
    let taken = taken(json!({ "sent_at": "2026-11-20T14:00:00Z" }), &[(json!({ "type": "event" }), event)]);
    let Record::Event(record) = &taken.digest.records[0] else { panic!("{taken:?}") };
    assert_eq!(record.event.timestamp, time("2026-11-20T11:59:00Z"));
    assert_eq!(record.event.breadcrumbs[0].timestamp, Some(time("2026-11-20T11:58:30Z")));
}

#[test]
fn a_small_shift_is_the_way_of_the_message_and_files_stand_as_they_are() {
    let event = r#"{"timestamp":"2026-11-20T11:59:00Z","message":"a"}"#;
    let on_the_way = format!("{{\"sent_at\":\"2026-11-20T11:59:58Z\"}}\n{{\"type\":\"event\"}}\n{event}\n");
    let old = format!("{{\"sent_at\":\"2024-01-01T00:00:00Z\"}}\n{{\"type\":\"event\"}}\n{event}\n");
    for (body, policy) in [(on_the_way, ClockPolicy::Live), (old, ClockPolicy::AsSent)] {
        let taken = taken_as(body.as_bytes(), policy);
        let Record::Event(record) = &taken.digest.records[0] else { panic!("{taken:?}") };
        assert_eq!(record.event.timestamp, time("2026-11-20T11:59:00Z"), "{policy:?}");
    }
}

#[test]
fn one_user_is_one_in_whatever_kind_of_item() {
    let user = json!({ "id": "4711", "email": "ada@shop.example" });
    let taken = taken(
        json!({}),
        &[
            (json!({ "type": "event" }), json!({ "message": "a", "user": user })),
            (
                json!({ "type": "transaction" }),
                json!({ "transaction": "GET /", "user": user, "event_id": "a".repeat(32) }),
            ),
            (json!({ "type": "replay_event" }), json!({ "replay_id": "b".repeat(32), "segment_id": 0, "user": user })),
            (
                json!({ "type": "session" }),
                json!({ "sid": "c".repeat(32), "did": "4711", "started": RECEIVED, "status": "ok", "attrs": { "release": "a@1" } }),
            ),
            (json!({ "type": "event" }), json!({ "message": "b", "user": { "id": "someone else" } })),
        ],
    );
    let users: Vec<Option<UserKey>> = taken.digest.records.iter().map(user_of).collect();
    assert!(users[0].is_some() && users[..4].iter().all(|user| *user == users[0]), "{users:?}");
    assert_ne!(users[4], users[0]);
    let all = format!("{:?}", taken.digest);
    assert!(!all.contains("ada@shop.example"));
}

#[test]
fn files_of_one_content_and_two_names_are_two() {
    let file = |name: &str| (json!({ "type": "attachment", "length": 3, "filename": name }), json!(123));
    let event = (json!({ "type": "event" }), json!({ "message": "a", "event_id": "d".repeat(32) }));
    let taken = taken(json!({}), &[file("a.log"), event, file("b.log"), file("a.log")]);
    let dedupe: std::collections::BTreeSet<_> = items(&taken).iter().map(|item| item.dedupe).collect();
    assert_eq!((items(&taken).len(), dedupe.len()), (3, 2));
    assert!(items(&taken).iter().all(|item| item.parent.is_some_and(|id| id.to_string() == "d".repeat(32))));
}

#[test]
fn text_in_a_file_loses_its_secrets_and_a_recording_stays_as_it_came() {
    let header = json!({ "type": "attachment", "filename": "app.log" });
    let secret = "password=Sup3rSecretWord";
    let body = format!("{{}}\n{header}\n{secret}\n");
    assert!(!String::from_utf8_lossy(&items(&taken_as(body.as_bytes(), ClockPolicy::Live))[0].body).contains("Sup3r"));
    let recording = format!(
        "{{\"event_id\":\"{}\"}}\n{{\"type\":\"replay_recording\",\"length\":{}}}\n{{\"segment_id\":3}}\n{secret}\n",
        "e".repeat(32),
        secret.len() + 17
    );
    let taken = taken_as(recording.as_bytes(), ClockPolicy::Live);
    let item = items(&taken)[0];
    assert_eq!((item.kind, item.segment), (ItemKind::ReplayRecording, Some(3)));
    assert!(item.body.ends_with(secret.as_bytes()));
}

#[test]
fn lines_of_a_container_count_each_and_broken_ones_are_faults() {
    let lines = json!({ "items": [{ "body": "a" }, { "body": "a" }, 7, { "body": "b" }] });
    let log = taken(json!({}), &[(json!({ "type": "log", "item_count": 4 }), lines.clone())]);
    let again = taken(json!({}), &[(json!({ "type": "log", "item_count": 4 }), lines)]);
    let digests = |taken: &Ingested| items(taken).iter().map(|item| item.dedupe).collect::<Vec<_>>();
    assert_eq!(items(&log).len(), 3);
    assert_eq!(digests(&log), digests(&again), "sent again it is the same");
    assert_eq!(digests(&log).iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "equal lines are two");
    assert_eq!((log.faults.len(), log.faults[0].quantity), (1, 1));
}

#[test]
fn every_item_ends_as_a_record_an_outcome_or_a_fault() {
    let odd = [
        ("statsd", "42"),
        ("statsd", "pages@none:1|c"),
        ("sessions", r#"{"aggregates":[{"started":"never","exited":1}],"attrs":{"release":"a@1"}}"#),
        ("log", r#"{"items":[]}"#),
        ("client_report", r#"{"discarded_events":[]}"#),
        ("metric_buckets", "[]"),
        ("replay_recording", "xx"),
        ("check_in", "[]"),
        ("feedback", "null"),
        ("hologram", "?"),
    ];
    for (ty, payload) in odd {
        let body = format!("{{}}\n{{\"type\":\"{ty}\"}}\n{payload}\n");
        let taken = taken_as(body.as_bytes(), ClockPolicy::Live);
        let ends = taken.digest.records.len() + taken.digest.outcomes.len();
        assert!(ends > 0, "{ty} {payload} vanished");
    }
}

#[test]
fn what_the_sdk_dropped_is_counted_by_the_protocols_words() {
    let report = json!({ "discarded_events": [
        { "reason": "sample_rate", "category": "transaction", "quantity": 12 },
        { "reason": "made up by a stranger", "category": "anything", "quantity": 3 },
    ] });
    let taken = taken(json!({}), &[(json!({ "type": "client_report" }), report)]);
    let told: Vec<_> = taken.digest.outcomes.iter().map(|o| (o.item, o.outcome, o.reason, o.quantity)).collect();
    assert_eq!(told, [("transaction", "dropped_by_sdk", "sample_rate", 12), ("other", "dropped_by_sdk", "other", 3)]);
}

#[test]
fn errors_that_were_dropped_are_of_the_release_that_came_with_them() {
    let report = json!({ "timestamp": "2026-11-20T10:00:00Z", "discarded_events": [
        { "reason": "ratelimit_backoff", "category": "error", "quantity": 12 },
        { "reason": "before_send", "category": "default", "quantity": 1 },
        { "reason": "event_processor", "category": "error", "quantity": 50 },
        { "reason": "sample_rate", "category": "transaction", "quantity": 7 },
    ] });
    let session = json!({ "sid": "0123456789abcdef0123456789abcdef", "init": true, "started": "2026-11-20T09:59:00Z",
        "timestamp": "2026-11-20T10:00:00Z", "status": "exited", "attrs": { "release": "shop@2.3.0", "environment": "staging" } });
    let dropped = |items: &[(Value, Value)]| {
        let records = taken(json!({}), items).digest.records;
        records.into_iter().find_map(|record| match record {
            Record::Dropped(dropped) => Some((dropped.errors, dropped.release, dropped.environment)),
            _ => None,
        })
    };
    let (report, session) = ((json!({ "type": "client_report" }), report), (json!({ "type": "session" }), session));
    assert_eq!(dropped(&[report.clone(), session]), Some((13, Some("shop@2.3.0".into()), Some("staging".into()))));
    assert_eq!(dropped(&[report]), Some((13, None, None)));
}

/// JSON of any shape, with the protocol's own keys more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "exception",
        "values",
        "stacktrace",
        "frames",
        "type",
        "value",
        "breadcrumbs",
        "user",
        "id",
        "tags",
        "contexts",
        "timestamp",
        "level",
        "message",
        "request",
        "url",
        "headers",
        "data",
        "extra",
        "sdk",
        "event_id",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..5)
                .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_as_any_item_is_taken_or_counted_and_always_alike(
        ty in prop::sample::select(vec![
            "event", "transaction", "session", "sessions", "replay_event", "user_report", "feedback", "log", "check_in",
            "client_report", "profile", "span", "statsd", "metric_buckets", "trace_metric",
        ]),
        payload in any_json(),
    ) {
        let body = format!("{{}}\n{{\"type\":\"{ty}\"}}\n{payload}\n");
        let once = taken_as(body.as_bytes(), ClockPolicy::Live);
        prop_assert!(once.digest.records.len() + once.digest.outcomes.len() > 0);
        let again = taken_as(body.as_bytes(), ClockPolicy::Live);
        prop_assert_eq!(&once.digest.records, &again.digest.records);
    }
}
