//! Cause or bystander, and whose fault: over captures of two real applications, and on made-up stacks.

use std::sync::{Arc, OnceLock};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    checkout::Checkouts,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::{ClockPolicy, Limits},
    store::{ProjectKey, SignalSink},
    tools::{self, Ctx, Defaults},
};
use serde_json::{Value, json};

fn expected() -> &'static Value {
    static EXPECTED: OnceLock<Value> = OnceLock::new();
    EXPECTED.get_or_init(|| serde_json::from_str(include_str!("../data/bystander/expected.json")).unwrap())
}

/// The captures of both applications in a store, which this process reads itself: there are hundreds of calls.
struct Depot {
    runtime: tokio::runtime::Runtime,
    ctx: Ctx,
    _folder: tempfile::TempDir,
}

impl Depot {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(EmbeddedStore::open(&folder.path().join("store"), Options::default()).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let captures: [(&str, &[u8]); 2] = [
            ("depot-api", include_bytes!("../data/bystander/depot-api.ndjson.zst")),
            ("depot-jobs", include_bytes!("../data/bystander/depot-jobs.ndjson.zst")),
        ];
        for (project, packed) in captures {
            runtime.block_on(import(&store, project, packed));
        }
        let now = || expected()["as_of"].as_str().unwrap().parse().unwrap();
        Self {
            runtime,
            ctx: Ctx { store, now, defaults: Defaults::default(), writes: None, code: Checkouts::none() },
            _folder: folder,
        }
    }

    fn call(&self, tool: &str, arguments: Value) -> Value {
        self.runtime.block_on((tools::find(tool).unwrap().call)(self.ctx.clone(), arguments)).data
    }
}

async fn import(store: &EmbeddedStore, project: &str, packed: &[u8]) {
    let key = ProjectKey::from(&store.ensure_project(project).await.unwrap());
    let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
    for line in String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap().lines() {
        let envelope: String = serde_json::from_str(line).unwrap();
        let received = Timestamp::from_second(1_795_500_000).unwrap();
        let taken = ingest.envelope(&key, envelope.as_bytes(), received, ClockPolicy::AsSent).unwrap();
        store.write(taken.digest).await.unwrap();
    }
}

fn depot() -> &'static Depot {
    static DEPOT: OnceLock<Depot> = OnceLock::new();
    DEPOT.get_or_init(Depot::new)
}

fn diagnosed(project: &str, issue: &Value, max_tokens: u64) -> Value {
    depot().call("diagnose_issue", json!({ "issue": issue, "project": project, "max_tokens": max_tokens }))
}

/// The issues that a bug's events fell into.
fn issues(bug: &Value) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for event in bug["event_ids"].as_array().unwrap().iter() {
        let issue = depot().call("get_event", json!({ "event": event, "include": ["flags"], "max_tokens": 400 }))["event"]["issue"].clone();
        if !found.contains(&issue) {
            found.push(issue);
        }
    }
    found
}

fn is(frame: &Value, wanted: &Value) -> bool {
    let function = frame["function"].as_str().unwrap_or("");
    let named = wanted["function"].as_str().is_none_or(|want| {
        function == want || function == format!("async {want}") || function.ends_with(&format!(".{want}"))
    });
    let file = format!("/{}", wanted["file"].as_str().unwrap());
    named && ["file", "abs_path"].iter().any(|path| format!("/{}", frame[path].as_str().unwrap_or("")).ends_with(&file))
}

fn any(frame: &Value, wanted: &Value) -> bool {
    wanted.as_array().unwrap().iter().any(|wanted| is(frame, wanted))
}

#[test]
fn planted_causes_come_first_and_planted_bystanders_are_marked() {
    let (mut facts, mut failed) = (0, Vec::new());
    for (name, bug) in expected()["bugs"].as_object().unwrap() {
        for issue in issues(bug) {
            let answer = diagnosed(bug["project"].as_str().unwrap(), &issue, 12_000);
            let frames: Vec<&Value> =
                answer["where"]["frames"].as_array().unwrap().iter().filter(|f| f["in_app"] == true).collect();
            let near: Vec<usize> = (0..frames.len()).filter(|at| any(frames[*at], &bug["bystanders"])).collect();
            let causes: Vec<usize> = (0..frames.len()).filter(|at| any(frames[*at], &bug["distinguishing"])).collect();
            let mut fact = |what: &str, held: bool| {
                facts += 1;
                if !held {
                    failed.push(format!("{name} {what}: {}", answer["verdict"]));
                }
            };
            if !bug["distinguishing"].as_array().unwrap().is_empty() {
                fact("ranked", causes.first().is_some_and(|cause| near.first().is_none_or(|near| cause < near)));
                fact("kept", !causes.is_empty() && causes.iter().all(|at| frames[*at]["bystander"] == false));
            }
            fact("bystanders", !near.is_empty() && near.iter().all(|at| frames[*at]["bystander"] == true));
            fact("verdict", bug["verdicts"].as_array().unwrap().contains(&answer["verdict"]));
        }
    }
    assert!(facts > 150 && failed.len() * 20 <= facts, "{} of {facts} failed: {failed:#?}", failed.len());
}

#[test]
fn an_answer_keeps_to_its_own_budget() {
    for (_, bug) in expected()["bugs"].as_object().unwrap() {
        let issue = &issues(bug)[0];
        let answer = depot().call("diagnose_issue", json!({ "issue": issue, "project": bug["project"] }));
        let size = prodsignal::view::tokens::estimate(&answer.to_string());
        assert!(size <= 1_500, "{size}: {answer}");
        for field in
            ["what", "who", "since", "where", "verdict", "reasons", "remedies", "replays", "related", "next_calls"]
        {
            assert!(!answer[field].is_null(), "{field} is missing: {answer}");
        }
        assert!(!answer["reasons"].as_array().unwrap().is_empty());
    }
}

#[test]
fn one_limit_met_in_many_places_is_related() {
    let bugs = expected();
    let disk = &bugs["bugs"]["depot-jobs/disk-full"];
    let met = issues(disk);
    assert!(met.len() > 1, "{met:?}");
    let answer = diagnosed("depot-jobs", &met[0], 12_000);
    let related: Vec<&Value> = answer["related"].as_array().unwrap().iter().collect();
    assert!(related.len() >= met.len() - 1, "{related:?}");
    assert!(related[0]["why"].as_str().unwrap().contains("limit"), "{related:?}");
    assert!(answer["reasons"].to_string().contains("other issue"), "{}", answer["reasons"]);
}

#[test]
fn measurements_of_a_resource_are_said() {
    let bugs = expected();
    let issue = &issues(&bugs["bugs"]["depot-api/memory"])[0];
    let reasons = diagnosed("depot-api", issue, 12_000)["reasons"].to_string();
    for word in ["free memory", "the application held", "the process had run"] {
        assert!(reasons.contains(word), "{word}: {reasons}");
    }
}

#[test]
fn an_unknown_issue_is_named_with_those_that_there_are() {
    let failed = depot().call("diagnose_issue", json!({ "issue": "DEPOT-API-999", "project": "depot-api" }));
    assert_eq!(failed["error"]["kind"], "not_found", "{failed}");
    assert!(failed["error"]["did_you_mean"].to_string().contains("DEPOT-API-"), "{failed}");
}
