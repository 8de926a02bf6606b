//! Lines in blocks of columns: every question is answered as it was from the records themselves.

use prodsignal::{
    backend::embedded::{EmbeddedStore, ErasedScope, Options},
    model::Timestamp,
    store::{Scope, SignalKind, SignalQuery, SignalStore, Stat, parse_search},
};
use serde_json::{Value, json};

use super::{
    made::{JSON, failed, thrown, traces},
    shop::imported,
};
use crate::program::{Store, http};

fn opened(store: &Store) -> EmbeddedStore {
    EmbeddedStore::open(&store.path(), Options::default()).unwrap()
}

fn asked(store: &Store, mut arguments: Value, end: &str) -> Value {
    for (key, value) in
        [("period", json!("7d")), ("as_of", json!(end)), ("max_tokens", json!(20_000)), ("limit", json!(100))]
    {
        arguments[key] = value;
    }
    let found = store.call("search_events", arguments);
    // What was asked, and nothing of when.
    json!([found["rows"], found["error"], found["truncated"], found["warnings"], found["next_cursor"].is_null()])
}

/// Questions of every form: by columns that blocks keep, and by some that they don't.
fn questions() -> Vec<SignalQuery> {
    let end: Timestamp = "2026-11-30T23:59:00Z".parse().unwrap();
    let texts = |all: &[&str]| all.iter().map(|text| (*text).into()).collect::<Vec<_>>();
    let question = |kind: SignalKind, query: &str| SignalQuery {
        scope: Scope { end: Some(end), ..Scope::default() },
        kind,
        filter: parse_search(query, end).unwrap(),
        fields: texts(&["timestamp", "message", "name", "user", "release", "duration", "trace", "status"]),
        group_by: Vec::new(),
        aggregate: Vec::new(),
        limit: 50,
        skip: 3,
    };
    let stats = |all: &[&str]| all.iter().map(|stat| Stat::parse(stat).unwrap()).collect::<Vec<_>>();
    let mut all = Vec::new();
    let some = |queries: &'static [&'static str]| queries;
    for (kind, queries) in [
        (SignalKind::Span, some(&QUERIES)),
        (SignalKind::Log, some(&["", "level:error", "VAT", "user:user-72"])),
        (SignalKind::Transaction, some(&["", "duration:>40", "http.response.status_code:500"])),
        (SignalKind::Metric, some(&[""])),
    ] {
        for query in queries {
            let rows = question(kind, query);
            all.push(SignalQuery {
                group_by: texts(&["project", "release", "op"]),
                aggregate: stats(&[
                    "count()",
                    "count_unique(user)",
                    "p75(duration)",
                    "max(timestamp)",
                    "failure_rate()",
                ]),
                ..rows.clone()
            });
            all.push(rows);
        }
        for (by, stat) in [("hour", "count_unique(trace)"), ("http.response.status_code", "count()")] {
            all.push(SignalQuery { group_by: texts(&[by]), aggregate: stats(&[stat]), ..question(kind, "") });
        }
    }
    all.push(question(SignalKind::All, "user:user-72"));
    all.push(SignalQuery { aggregate: stats(&["count()"]), ..question(SignalKind::CheckIn, "") });
    all
}

const QUERIES: [&str; 16] = [
    "",
    "user:user-72",
    "release:till-api@2.0.0",
    "!release:till-api@2.0.0 environment:production",
    "project:till-web",
    "span.status:ok",
    "duration:>40",
    "has:lcp",
    "trace:dffb*",
    "span:*a",
    "VAT",
    "level:error",
    "op:db*",
    "http.response.status_code:500",
    "timestamp:>2026-11-30T15:00:00Z",
    "colour:red",
];

#[tokio::test(flavor = "multi_thread")]
async fn answers_over_blocks_are_those_over_records() {
    let store = imported();
    let opened = opened(&store);
    let mut before = Vec::new();
    for question in questions() {
        before.push(opened.signals(&question).await.map_err(|error| error.to_string()));
    }
    let found = before.iter().filter(|page| page.as_ref().is_ok_and(|page| !page.items.is_empty())).count();
    assert!(found > 30, "{found} of {}", before.len());
    opened.fold().await.unwrap();
    for (question, before) in questions().iter().zip(&before) {
        assert_eq!(opened.signals(question).await.map_err(|error| error.to_string()), *before, "{question:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_and_what_is_erased_counts_beside_blocks() {
    const END: &str = "2026-11-17T00:00:00Z";
    let store = Store::new();
    let server = store.serve();
    let send = |trace: u128, user: &str| {
        let mut spans = [failed(trace, 1, 0, 2, "POST /fire"), failed(trace, 2, 1, 1, "fire")];
        spans[0]["events"] = json!([thrown("KeyError", "'CH'", "fire")]);
        spans[0]["attributes"] = json!([super::made::attribute("user.id", user)]);
        let body = traces("kiln", &spans);
        assert_eq!(http("POST", &format!("{}/v1/traces", server.url), &[JSON], body.as_bytes()).status, 200);
    };
    let count = |query: &str| {
        let question = json!({ "kind": "span", "query": query, "aggregate": ["count()"] });
        asked(&store, question, END)[0][0]["count()"].as_u64().unwrap_or(0)
    };
    send(1, "ann");
    send(2, "bob");
    let opened = opened(&store);
    opened.fold().await.unwrap();
    send(3, "ann");
    assert_eq!((count(""), count("user:ann"), count("user:bob"), count("user:eve")), (6, 2, 1, 0));
    opened.fold().await.unwrap();
    assert_eq!((count(""), count("user:ann"), count("release:kiln@2.0.0")), (6, 2, 6));
    let scope = ErasedScope { project: Some("kiln".into()), environment: None, release: Some("kiln@2.0.0".into()) };
    opened.erase_scope(scope).await.unwrap();
    assert_eq!(count(""), 0);
}
