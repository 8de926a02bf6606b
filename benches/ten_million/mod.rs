//! A store of ten million events, made once and kept under `target/bench`: what the benches of single questions ask.
//!
//! All but one of each issue and the last hundred thousand go into the counts alone, without a body: that is what questions of
//! many events read.
//! Project `shop`, 30 days from 2026-11-01, 1,000 issues (Zipf 1.1: SHOP-1 has a sixth of the events), 100,000 users of
//! whom a tenth is busy, 50 releases, 2 environments, 12 tags of 2 to 200 values, most of them properties of the user.
//! SHOP-3 hits users of one country alone.

use std::path::{Path, PathBuf};

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::{EventId, SessionStatus, Timestamp, UserKey},
    protocol::{ClockPolicy, Limits},
    store::{Digest, EventRecord, ProjectKey, Record, SessionRecord, SessionsRecord, SignalSink},
};
use serde_json::json;

/// Events.
pub const EVENTS: u64 = 10_000_000;
/// First moment: 2026-11-01.
pub const START: i64 = 1_793_491_200;
/// Days.
pub const DAYS: i64 = 30;
const ISSUES: usize = 1_000;
const USERS: u64 = 100_000;
const RELEASES: i64 = 50;
/// Events a digest.
const BATCH: u64 = 50_000;
/// Tags and how many values each has; those of the first eight hang on the user.
const TAGS: [(&str, u64); 12] = [
    ("plan", 2),
    ("country", 40),
    ("device", 200),
    ("browser.name", 4),
    ("browser", 30),
    ("os.name", 5),
    ("locale", 25),
    ("adblock", 2),
    ("region", 12),
    ("connection", 4),
    ("flag:checkout", 2),
    ("theme", 3),
];

/// The store's folder; made if it isn't there.
pub fn store() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/ten-million-7");
    if !made.exists() {
        let unfinished = made.with_extension("unfinished");
        // What an earlier run left unfinished.
        let _ = std::fs::remove_dir_all(&unfinished);
        std::fs::create_dir_all(&unfinished).expect("a folder");
        make(&unfinished.join("store"));
        std::fs::rename(&unfinished, &made).expect("a finished store");
    }
    made.join("store")
}

fn make(path: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let store = std::sync::Arc::new(EmbeddedStore::open(path, Options::default()).expect("a store"));
    runtime.block_on(async {
        let project = ProjectKey::from(&store.ensure_project("shop").await.expect("a project"));
        let world = World::new(project);
        let batches = EVENTS / BATCH;
        let mut before: Option<tokio::task::JoinHandle<()>> = None;
        for batch in 0..batches {
            // While one is stored the next is made.
            let (store, mut digest) = (store.clone(), world.digest(batch));
            if let Some(before) = before.take() {
                before.await.expect("a batch");
            }
            before = Some(tokio::spawn(async move {
                // One of each issue, and the last.
                let with_body = match batch {
                    0 => ISSUES,
                    batch if batch + 2 < batches => 0,
                    _ => digest.records.len(),
                };
                let counted = digest.records.split_off(with_body);
                let written = std::mem::replace(&mut digest.records, counted);
                for part in written.chunks(1_000) {
                    let (project, received) = (digest.project.clone(), digest.received);
                    let part = Digest { project, received, records: part.to_vec(), outcomes: Vec::new() };
                    store.write(part).await.expect("room");
                }
                store.load(digest).await.expect("a history");
            }));
        }
        before.expect("a batch").await.expect("a batch");
        store.fold().await.expect("all folded");
    });
}

struct World {
    project: ProjectKey,
    users: Vec<UserKey>,
    /// An event of each issue, to be copied.
    events: Vec<EventRecord>,
    /// Cumulated weights of the issues.
    weights: Vec<f64>,
}

fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn unit(n: u64) -> f64 {
    (mixed(n) >> 11) as f64 / (1u64 << 53) as f64
}

/// Of `n` values the first are the commonest.
fn skewed(of: f64, n: u64) -> u64 {
    ((of * of * of) * n as f64) as u64
}

impl World {
    fn new(project: ProjectKey) -> Self {
        let pseudonyms = Pseudonyms::new([1; 32]);
        let users = (0..USERS).map(|user| pseudonyms.user(&format!("u{user}").as_str().into())).collect();
        let ingest = Ingest::new(Scrubber::new(Pseudonyms::new([1; 32])), Limits::default());
        let events = (0..ISSUES).map(|issue| event_of(&ingest, &project, issue)).collect();
        let mut sum = 0.0;
        let weights = (1..=ISSUES).map(|rank| {
            sum += (rank as f64).powf(-1.1);
            sum
        });
        Self { users, events, weights: weights.collect(), project }
    }

    fn digest(&self, batch: u64) -> Digest {
        let mut records: Vec<Record> =
            (batch * BATCH..(batch + 1) * BATCH).map(|n| Record::Event(Box::new(self.event(n)))).collect();
        let at = moment(batch * BATCH);
        let release = release_at(at).into();
        records.push(Record::Sessions(SessionsRecord {
            started: at,
            user: None,
            exited: 100_000,
            errored: 2_250,
            crashed: 300,
            abnormal: 25,
            unhandled: 0,
            release,
            environment: Some("production".into()),
        }));
        records.extend((0..500).map(|n| self.session(batch * 500 + n, moment(batch * BATCH + n * BATCH / 500))));
        Digest { project: self.project.clone(), received: at, records, outcomes: Vec::new() }
    }

    fn session(&self, n: u64, at: Timestamp) -> Record {
        let status = if n.is_multiple_of(31) { SessionStatus::Crashed } else { SessionStatus::Exited };
        Record::Session(SessionRecord {
            sid: (u128::from(mixed(n)) << 64 | u128::from(n)).to_be_bytes(),
            user: Some(self.users[(mixed(n ^ 77) % USERS) as usize]),
            started: at,
            timestamp: at,
            status,
            errors: 0,
            release: release_at(at).into(),
            environment: Some("production".into()),
            user_agent: None,
        })
    }

    fn event(&self, n: u64) -> EventRecord {
        let wanted = unit(n * 4 + 1) * self.weights[ISSUES - 1];
        // The first thousand are one of each issue, so that SHOP-1 is the biggest.
        let issue = if (n as usize) < ISSUES { n as usize } else { self.weights.partition_point(|sum| *sum < wanted) };
        let mut user = self.user(n, 0);
        if issue == 2 {
            user = (1..).map(|again| self.user(n, again)).find(|user| value_of(1, *user, n) == 0).expect("a user");
        }
        let at = moment(n);
        let mut record = self.events[issue.min(ISSUES - 1)].clone();
        let id = u128::from(mixed(n)) << 64 | u128::from(n);
        record.event.id = EventId(id);
        record.event.timestamp = at;
        record.event.release = Some(release_at(at).into());
        record.event.environment =
            Some(if mixed(n * 4 + 2).is_multiple_of(20) { "staging" } else { "production" }.into());
        record.user = Some(self.users[user as usize]);
        record.tags = TAGS
            .iter()
            .enumerate()
            .map(|(tag, (name, _))| ((*name).into(), format!("{name} {}", value_of(tag, user, n)).into()))
            .collect();
        record.body = body(issue, id, at);
        record
    }

    /// A third of the events is of the tenth that is busy.
    fn user(&self, n: u64, again: u64) -> u64 {
        let dice = mixed(n * 4 + 3 + again * 1_000_003);
        if dice.is_multiple_of(3) { dice / 3 % (USERS / 10) } else { dice / 3 % USERS }
    }
}

fn value_of(tag: usize, user: u64, n: u64) -> u64 {
    let values = TAGS[tag].1;
    let of = if tag < 8 { user * 16 + tag as u64 } else { (n << 4) + tag as u64 };
    skewed(unit(of ^ 0x5bd1_e995), values)
}

fn moment(n: u64) -> Timestamp {
    let us = START * 1_000_000 + (u128::from(n) * (DAYS as u128 * 86_400_000_000) / u128::from(EVENTS)) as i64;
    Timestamp::from_microsecond(us).expect("a time")
}

fn release_at(at: Timestamp) -> String {
    format!("shop@1.{}.0", (at.as_second() - START) * RELEASES / (DAYS * 86_400))
}

fn event_of(ingest: &Ingest, project: &ProjectKey, issue: usize) -> EventRecord {
    let at = moment(0);
    let body = body(issue, issue as u128 + 1, at);
    let bytes = format!("{{}}\n{{\"type\":\"event\"}}\n{}\n", String::from_utf8_lossy(&body));
    let taken = ingest.envelope(project, bytes.as_bytes(), at, ClockPolicy::AsSent).expect("an envelope");
    let event = taken.digest.records.into_iter().find_map(|record| match record {
        Record::Event(event) => Some(*event),
        _ => None,
    });
    event.expect("an event")
}

/// Few bytes, but frames that tell issues apart: one of all, one of ten issues, one of its own.
fn body(issue: usize, id: u128, at: Timestamp) -> Vec<u8> {
    let frame = |function: String, file: String| json!({ "function": function, "filename": file, "lineno": 10 + issue % 90, "in_app": true });
    let frames = [
        frame("dispatch".to_owned(), "src/loop.js".to_owned()),
        frame(format!("handle{}", issue % 100), format!("src/part{}.js", issue % 100)),
        frame(format!("step{issue}"), format!("src/step{issue}.js")),
    ];
    let body = json!({
        "event_id": format!("{id:032x}"), "timestamp": at.as_microsecond() as f64 / 1e6, "platform": "javascript",
        "exception": { "values": [{ "type": "TypeError", "value": format!("part {issue} is undefined"),
            "stacktrace": { "frames": frames } }] },
    });
    body.to_string().into_bytes()
}
