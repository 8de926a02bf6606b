//! What `diagnose_issue` says of libraries and commits, over captured envelopes whose time, release and libraries are
//! set to what a test wants.

use std::sync::{Arc, OnceLock};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    checkout::Checkouts,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::{ClockPolicy, Limits},
    store::{Announcement, ChangedFile, Commit, HostedStore, ProjectKey, SignalSink},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

/// 2026-11-01.
const START_S: i64 = 1_793_491_200;
const HOUR_S: i64 = 3_600;

fn moment(hour: i64) -> Timestamp {
    Timestamp::from_second(START_S + hour * HOUR_S).unwrap()
}

/// The events of the captured API, by the bug that was planted.
fn captured(bug: &str) -> &'static Value {
    static EVENTS: OnceLock<Vec<Value>> = OnceLock::new();
    let events = EVENTS.get_or_init(|| {
        let packed = include_bytes!("../data/bystander/depot-api.ndjson.zst");
        let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
        let envelopes = text.lines().map(|line| serde_json::from_str::<String>(line).unwrap());
        let lines: Vec<String> = envelopes.flat_map(|e| e.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["exception"].is_object() && event["modules"].is_object()).collect()
    });
    static EXPECTED: OnceLock<Value> = OnceLock::new();
    let expected =
        EXPECTED.get_or_init(|| serde_json::from_str(include_str!("../data/bystander/expected.json")).unwrap());
    let ids = expected["bugs"][format!("depot-api/{bug}")]["event_ids"].as_array().unwrap();
    events.iter().find(|event| ids.contains(&event["event_id"])).unwrap()
}

/// A store, and how many events it was given.
struct World {
    store: Arc<EmbeddedStore>,
    key: ProjectKey,
    ingest: Ingest,
    given: u128,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(&folder.path().join("store"), Options::default()).unwrap());
        let key = ProjectKey::from(&store.ensure_project("depot").await.unwrap());
        let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
        Self { store, key, ingest, given: 0, _folder: folder }
    }

    /// `n` events of a bug, one an hour, with these versions of libraries.
    async fn events(&mut self, bug: &str, n: i64, hour: i64, release: &str, libraries: &[(&str, &str)]) {
        for k in 0..n {
            self.given += 1;
            let mut event = captured(bug).clone();
            event["event_id"] = json!(format!("{:032x}", self.given << 64 | self.given));
            event["timestamp"] = json!((START_S + (hour + k) * HOUR_S) as f64 + 0.5);
            event["release"] = json!(release);
            for (name, version) in libraries {
                event["modules"][*name] = json!(version);
            }
            let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n");
            let taken = self.ingest.envelope(&self.key, envelope.as_bytes(), moment(hour + k), ClockPolicy::AsSent);
            self.store.write(taken.unwrap().digest).await.unwrap();
        }
    }

    async fn diagnosed(&self, bug: &str, as_of: Option<Timestamp>) -> Value {
        let now = || moment(24 * 20);
        let ctx = Ctx {
            store: self.store.clone(),
            now,
            defaults: Defaults::default(),
            writes: None,
            code: Checkouts::none(),
        };
        let ty = captured(bug)["exception"]["values"][0]["type"].as_str().unwrap();
        let value = captured(bug)["exception"]["values"][0]["value"].as_str().unwrap();
        let listed = json!({ "query": format!("error.type:{ty}"), "max_tokens": 8000, "period": "60d" });
        let listed = (tools::find("list_issues").unwrap().call)(ctx.clone(), listed).await;
        let issues = listed.data["issues"].as_array().unwrap().clone();
        let issue = issues.iter().find(|issue| issue["value"].as_str().unwrap().starts_with(&value[..12])).unwrap();
        let mut asked = json!({ "issue": issue["short_id"], "max_tokens": 8000, "period": "60d" });
        if let Some(as_of) = as_of {
            asked["as_of"] = json!(as_of.to_string());
        }
        let answer = (tools::find("diagnose_issue").unwrap().call)(ctx, asked).await;
        assert!(!answer.is_error, "{}", answer.text);
        answer.data
    }
}

/// Traffic of four other bugs, `n` events each.
async fn traffic(world: &mut World, n: i64, hour: i64, release: &str, libraries: &[(&str, &str)]) {
    for bug in ["pick-empty-aisle", "weight-string", "return-count", "rule-field"] {
        world.events(bug, n, hour, release, libraries).await;
    }
}

fn reasons(answer: &Value) -> String {
    answer["reasons"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn an_issue_that_came_with_a_librarys_version_and_crashes_in_it_is_the_librarys() {
    let mut world = World::new().await;
    traffic(&mut world, 10, 0, "depot@1.4.0", &[("csv-parse", "5.5.6")]).await;
    traffic(&mut world, 10, 100, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
    world.events("tariff-option", 15, 101, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
    let answer = world.diagnosed("tariff-option", None).await;
    assert_eq!(answer["verdict"], "dependency", "{answer}");
    let library = json!({ "name": "csv-parse", "before": "5.5.6", "after": "5.6.0", "same_release": false });
    assert_eq!(answer["since"]["libraries"], json!([library]));
    let said = reasons(&answer);
    for part in [
        "csv-parse went from 5.5.6 to 5.6.0: all 15 events of this issue",
        "none of 40 other events without it",
        "frames between the crash and the application lie in csv-parse",
        "no other library changed",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn what_failed_before_a_library_changed_is_not_the_librarys() {
    let mut world = World::new().await;
    traffic(&mut world, 10, 0, "depot@1.4.0", &[("csv-parse", "5.5.6")]).await;
    world.events("tariff-option", 2, 20, "depot@1.4.0", &[("csv-parse", "5.5.6")]).await;
    traffic(&mut world, 10, 100, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
    world.events("tariff-option", 15, 101, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
    let answer = world.diagnosed("tariff-option", None).await;
    assert_eq!(answer["verdict"], "code", "{answer}");
    assert_eq!(answer["since"]["libraries"], Value::Null);
}

#[tokio::test]
async fn too_few_events_before_or_of_the_issue_tell_nothing() {
    for (before, own) in [(0, 15), (40, 2)] {
        let mut world = World::new().await;
        world.events("pick-empty-aisle", before, 0, "depot@1.4.0", &[("csv-parse", "5.5.6")]).await;
        world.events("pick-empty-aisle", 40, 100, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
        world.events("tariff-option", own, 101, "depot@1.5.0", &[("csv-parse", "5.6.0")]).await;
        let answer = world.diagnosed("tariff-option", None).await;
        assert_eq!((&answer["verdict"], &answer["since"]["libraries"]), (&json!("code"), &Value::Null), "{answer}");
    }
}

/// Thirty libraries in one version.
fn many(version: &'static str) -> Vec<(&'static str, &'static str)> {
    let names: Vec<&str> = captured("dock-cold")["modules"].as_object().unwrap().keys().map(String::as_str).collect();
    names.into_iter().filter(|name| *name != "csv-parse").take(29).map(|name| (name, version)).collect()
}

#[tokio::test]
async fn of_many_libraries_that_changed_at_once_only_that_of_the_frames_is_blamed() {
    let mut world = World::new().await;
    let with = |version, csv| [many(version), vec![("csv-parse", csv)]].concat();
    traffic(&mut world, 10, 0, "depot@1.4.0", &with("1.0.0", "5.5.6")).await;
    traffic(&mut world, 10, 100, "depot@1.5.0", &with("2.0.0", "5.6.0")).await;
    world.events("tariff-option", 15, 101, "depot@1.5.0", &with("2.0.0", "5.6.0")).await;
    world.events("dock-cold", 15, 101, "depot@1.5.0", &with("2.0.0", "5.6.0")).await;
    let inside = world.diagnosed("tariff-option", None).await;
    assert_eq!(
        (&inside["verdict"], &inside["since"]["libraries"][0]["name"]),
        (&json!("dependency"), &json!("csv-parse"))
    );
    assert!(reasons(&inside).contains("29 other libraries changed with it"), "{inside}");
    let beside = world.diagnosed("dock-cold", None).await;
    assert_eq!((&beside["verdict"], &beside["since"]["libraries_changed"]), (&json!("code"), &json!(30)), "{beside}");
    // A release in which the others stayed and csv-parse was mended leaves one.
    traffic(&mut world, 20, 200, "depot@1.6.0", &with("2.0.0", "5.6.1")).await;
    let mended = world.diagnosed("tariff-option", None).await;
    assert_eq!(mended["since"]["libraries"].as_array().unwrap().len(), 1);
    assert!(reasons(&mended).contains("no other library changed with it"), "{mended}");
}

#[tokio::test]
async fn one_library_that_changed_within_a_release_is_to_blame_wherever_it_crashes() {
    let mut world = World::new().await;
    traffic(&mut world, 10, 0, "depot@1.4.0", &[("accepts", "1.3.8")]).await;
    traffic(&mut world, 10, 100, "depot@1.4.0", &[("accepts", "2.0.0")]).await;
    world.events("dock-cold", 15, 101, "depot@1.4.0", &[("accepts", "2.0.0")]).await;
    let answer = world.diagnosed("dock-cold", None).await;
    assert_eq!(answer["verdict"], "dependency", "{answer}");
    assert!(
        reasons(&answer).contains("accepts went from 1.3.8 to 2.0.0 while the release stayed the same"),
        "{answer}"
    );
    // Of two, neither has a frame.
    let mut world = World::new().await;
    traffic(&mut world, 10, 0, "depot@1.4.0", &[("accepts", "1.3.8"), ("bytes", "3.0.0")]).await;
    traffic(&mut world, 10, 100, "depot@1.4.0", &[("accepts", "2.0.0"), ("bytes", "3.1.0")]).await;
    world.events("dock-cold", 15, 101, "depot@1.4.0", &[("accepts", "2.0.0"), ("bytes", "3.1.0")]).await;
    let answer = world.diagnosed("dock-cold", None).await;
    assert_eq!(answer["verdict"], "code", "{answer}");
    assert_eq!(answer["since"]["libraries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_answer_about_the_past_says_that_frames_are_counted_to_the_end() {
    let mut world = World::new().await;
    world.events("dock-cold", 5, 0, "depot@1.4.0", &[]).await;
    traffic(&mut world, 1, 96, "depot@1.4.0", &[]).await;
    let warned = |answer: &Value| answer["warnings"].to_string().contains("after as_of");
    assert!(warned(&world.diagnosed("dock-cold", Some(moment(24))).await));
    assert!(!warned(&world.diagnosed("dock-cold", Some(moment(90))).await));
    assert!(!warned(&world.diagnosed("dock-cold", None).await));
}

fn commit(id: &str, files: &[&str]) -> Commit {
    let file = |path: &&str| ChangedFile { path: (*path).into(), kind: 'M' };
    let message = format!("Change {id}\n\nmore");
    Commit {
        id: id.into(),
        repository: None,
        author: None,
        at: None,
        message: Some(message.as_str().into()),
        files: files.iter().map(file).collect(),
    }
}

#[tokio::test]
async fn commits_that_touch_the_files_of_the_cause_come_first() {
    let mut world = World::new().await;
    traffic(&mut world, 5, 0, "depot@1.4.0", &[]).await;
    traffic(&mut world, 5, 100, "depot@1.5.0", &[]).await;
    world.events("dock-cold", 5, 101, "depot@1.5.0", &[]).await;
    let mut commits: Vec<Commit> =
        (0..60).map(|n| commit(&format!("{n:040x}"), &["README.md", "src/http/dispatch.js"])).collect();
    commits.push(commit(&"d".repeat(40), &["docs/docks.md", "apps/api/src/docks.js"]));
    commits.push(commit(&"e".repeat(40), &["src/old-docks.js"]));
    let release = Announcement {
        version: "depot@1.5.0".into(),
        projects: vec!["depot".to_owned()],
        started: None,
        released: None,
        url: None,
        reference: None,
        commits: Some(commits),
        now: moment(99),
    };
    world.store.announce(release).await.unwrap();
    let answer = world.diagnosed("dock-cold", None).await;
    let since = &answer["since"];
    assert_eq!((&since["first_release"], &since["last_good_release"]), (&json!("depot@1.5.0"), &json!("depot@1.4.0")));
    let commits = since["commits"].as_array().unwrap();
    assert_eq!(
        (&commits[0]["id"], &commits[0]["touches"]),
        (&json!("d".repeat(40)), &json!(["apps/api/src/docks.js"]))
    );
    assert!(commits[1..].iter().all(|commit| commit["touches"].is_null()), "{commits:?}");
    assert_eq!(commits[0]["message"], format!("Change {}", "d".repeat(40)));
}
