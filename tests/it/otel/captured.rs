//! Requests of real SDKs (Flask, Express, a browser), in the order that they came, in another, and each twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::Engine;
use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    guard::{Pseudonyms, Scrubber},
    ingest::{Ingest, project_slug, service_of},
    model::{Timestamp, Use},
    otlp::{self, Encoding, Signal},
    protocol::Limits,
    store::{
        Field, FixQuery, IssueQuery, IssueRef, ProjectKey, ReleaseQuery, Scope, SearchQuery, SignalSink, SignalStore,
        Value,
    },
};
use serde_json::Value as Json;

const REQUESTS: &[u8] = include_bytes!("../../data/otel/press.ndjson.zst");
const BUGS: &str = include_str!("../../data/otel/press.json");

struct Sent {
    signal: Signal,
    encoding: Encoding,
    body: Vec<u8>,
}

fn requests() -> Vec<Sent> {
    let text = String::from_utf8(zstd::decode_all(REQUESTS).unwrap()).unwrap();
    text.lines()
        .map(|line| {
            let json: Json = serde_json::from_str(line).unwrap();
            Sent {
                signal: match json["signal"].as_str().unwrap() {
                    "traces" => Signal::Traces,
                    "logs" => Signal::Logs,
                    _ => Signal::Metrics,
                },
                encoding: Encoding::of_content_type(json["type"].as_str().unwrap()).unwrap(),
                body: base64::prelude::BASE64_STANDARD.decode(json["body"].as_str().unwrap()).unwrap(),
            }
        })
        .collect()
}

/// Requests that are written at once.
const AT_ONCE: usize = 48;

/// Project, trace and type of every event.
type Told = BTreeSet<(String, String, String)>;

struct Taken {
    _dir: tempfile::TempDir,
    store: Arc<EmbeddedStore>,
}

async fn taken(order: impl Iterator<Item = usize>) -> Taken {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(dir.path(), Options::default()).unwrap());
    let ingest = Arc::new(Ingest::new(Scrubber::new(Pseudonyms::new(store.pseudonym_key())), Limits::default()));
    store.join_with(ingest.clone(), 1_000_000);
    let requests = requests();
    let received: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
    let mut writes = Vec::new();
    for sent in order.map(|at| &requests[at % requests.len()]) {
        let request = otlp::read(sent.signal, sent.encoding, &sent.body).unwrap();
        assert!(request.faults.is_empty());
        let mut projects = BTreeMap::new();
        for group in &request.groups {
            let slug = project_slug(service_of(group));
            projects.insert(slug.clone(), ProjectKey::from(&store.ensure_project(&slug).await.unwrap()));
        }
        let project = |group: &otlp::Group| projects.get(&project_slug(service_of(group))).cloned();
        writes.extend(ingest.otlp(request, &project, received).into_iter().map(|digest| store.write(digest)));
        if writes.len() >= AT_ONCE {
            futures::future::try_join_all(writes.drain(..)).await.unwrap();
        }
    }
    futures::future::try_join_all(writes).await.unwrap();
    Taken { _dir: dir, store }
}

async fn told(store: &EmbeddedStore) -> Told {
    let fields = vec![Field::Project, Field::Trace, Field::Type];
    let page = store.search(&SearchQuery { fields, limit: 10_000, ..SearchQuery::default() }).await.unwrap();
    let text = |value: &Value| match value {
        Value::Text(text) => text.raw().to_owned(),
        _ => String::new(),
    };
    page.items.iter().map(|row| (text(&row.values[0]), text(&row.values[1]), text(&row.values[2]))).collect()
}

/// Project, type, events and users of every issue.
async fn issues(store: &EmbeddedStore) -> BTreeSet<(String, String, u64, u64)> {
    let query = IssueQuery { scope: Scope::default(), limit: 1_000, ..IssueQuery::default() };
    let page = store.issues(&query).await.unwrap();
    let row = |facts: &prodsignal::store::IssueFacts| {
        let ty = facts.issue.ty.as_ref().map_or("", |ty| ty.raw());
        (facts.issue.project.clone(), ty.to_owned(), facts.events, facts.users)
    };
    page.items.iter().map(row).collect()
}

#[tokio::test]
async fn one_failure_is_one_event_though_many_records_tell_of_it() {
    let count = requests().len();
    let taken = taken(0..count).await;
    let told = told(&taken.store).await;
    let bugs: BTreeMap<String, Json> = serde_json::from_str(BUGS).unwrap();
    let failures: u64 = bugs.values().map(|bug| bug["events"].as_u64().unwrap()).sum();
    let page = SearchQuery { fields: vec![Field::Trace], limit: 10_000, ..SearchQuery::default() };
    assert_eq!(taken.store.search(&page).await.unwrap().total, Some(failures));
    for (name, bug) in &bugs {
        for trace in bug["traces"].as_array().unwrap() {
            let trace = trace.as_str().unwrap();
            let service = bug["service"].as_str().unwrap();
            let events = told.iter().filter(|(project, of, _)| project == service && of == trace).count();
            assert_eq!(events, 1, "{name} in trace {trace}");
        }
    }
    let counts: BTreeSet<(u64, u64)> =
        issues(&taken.store).await.into_iter().map(|(_, _, events, users)| (events, users)).collect();
    for (name, bug) in bugs.iter().filter(|(_, bug)| bug["may_split"] != true) {
        let wanted = (bug["events"].as_u64().unwrap(), bug["users"].as_u64().unwrap());
        assert!(counts.contains(&wanted), "{name}: {wanted:?} of {counts:?}");
    }
}

#[tokio::test]
async fn neither_order_nor_retries_change_an_answer() {
    let count = requests().len();
    let one = taken(0..count).await;
    // Each second request first, from the end; then all of them again.
    let backwards = (0..count).rev().step_by(2).chain((0..count - 1).rev().step_by(2));
    let other = taken(backwards.chain(0..count)).await;
    assert!(told(&one.store).await == told(&other.store).await);
    assert_eq!(issues(&one.store).await, issues(&other.store).await);
    one.store.fold().await.unwrap();
    assert_eq!(issues(&one.store).await, issues(&other.store).await);
}

#[tokio::test]
async fn requests_are_exposure_where_there_are_no_sessions() {
    let count = requests().len();
    let taken = taken(0..count).await;
    let query = IssueQuery { scope: Scope::default(), limit: 1_000, ..IssueQuery::default() };
    let page = taken.store.issues(&query).await.unwrap();
    let of_api = page.items.iter().find(|facts| facts.issue.project == "press-api" && facts.users > 1).unwrap();
    // More were there than failed.
    assert!(of_api.active_users > of_api.users, "{} of {}", of_api.users, of_api.active_users);
    let releases = taken.store.releases(&ReleaseQuery { counts: true, ..ReleaseQuery::default() }).await.unwrap();
    let newest = releases.iter().find(|facts| facts.release.version.raw().starts_with("press-api@")).unwrap();
    let fix = FixQuery {
        scope: Scope { end: Some("2026-12-01T00:00:00Z".parse().unwrap()), ..Scope::default() },
        issue: IssueRef::Named(of_api.issue.short_id.as_str().into()),
        release: newest.release.version.clone(),
        sealed: false,
    };
    let history = taken.store.fix_history(&fix).await.unwrap();
    let sum = |of: fn(&Use) -> u64| history.uses.iter().map(of).sum::<u64>();
    assert!(!history.signs.is_empty());
    assert!(sum(|part| part.users) > 0 && sum(|part| part.requests) > sum(|part| part.users));
}
