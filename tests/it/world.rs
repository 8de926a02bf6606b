//! Stores with known signal: events made directly, nothing parsed.
//! It uses the library's public side alone.
//! It never reads a clock: times are days and seconds after a fixed Monday.
#![allow(dead_code)]

use prodsignal::{
    backend::embedded::{EmbeddedStore, Options},
    model::{Event, EventId, EventKind, Exception, Group, Level, Mechanism, Sdk, SessionStatus, Timestamp, UserKey},
    store::{
        Digest, EventRecord, ItemKind, ItemRecord, ProjectKey, Receipt, Record, Scope, SessionRecord, SignalSink,
        StoreError,
    },
};

/// 2026-11-02, a Monday.
pub const START_S: i64 = 1_793_577_600;

/// So many days and seconds after the start.
pub fn at(day: i64, second: i64) -> Timestamp {
    Timestamp::from_second(START_S + day * 86_400 + second).unwrap()
}

/// One event to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub id: u128,
    pub project: &'static str,
    /// Names the issue, within the project.
    pub issue: String,
    pub at: Timestamp,
    pub release: Option<String>,
    pub environment: Option<String>,
    pub user: Option<u64>,
    pub tags: Vec<(String, String)>,
    pub level: Level,
    pub unhandled: bool,
    pub replay: bool,
    pub trace: Option<String>,
    pub richness: u8,
}

/// An event of `issue` in project `shop`.
pub fn hit(id: u128, issue: &str, at: Timestamp) -> Hit {
    Hit {
        id,
        project: "shop",
        issue: issue.to_owned(),
        at,
        release: None,
        environment: None,
        user: None,
        tags: Vec::new(),
        level: Level::Error,
        unhandled: false,
        replay: false,
        trace: None,
        richness: 0,
    }
}

/// The key of user number `n`.
pub fn user_key(n: u64) -> UserKey {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&spread.to_be_bytes());
    key[8..].copy_from_slice(&n.to_be_bytes());
    UserKey(key)
}

/// The pseudonym of user number `n`.
pub fn pseudonym(n: u64) -> String {
    user_key(n).0[..6].iter().fold("user-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

impl Hit {
    pub fn release(mut self, release: &str) -> Self {
        self.release = Some(release.to_owned());
        self
    }

    pub fn environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    pub fn user(mut self, user: u64) -> Self {
        self.user = Some(user);
        self
    }

    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn project(mut self, project: &'static str) -> Self {
        self.project = project;
        self
    }

    /// The replay that shows it, if one does.
    pub fn replay_id(&self) -> Option<EventId> {
        self.replay.then_some(EventId(self.id ^ 0xff << 64))
    }

    fn body(&self) -> Vec<u8> {
        let exception = serde_json::json!({
            "type": "Fault",
            "value": format!("{} failed", self.issue),
            "mechanism": { "type": "generic", "handled": !self.unhandled },
        });
        let mut body = serde_json::json!({
            "event_id": EventId(self.id).to_string(),
            "timestamp": self.at.to_string(),
            "level": self.level.as_str(),
            "platform": "javascript",
            "release": self.release,
            "environment": self.environment,
            "exception": { "values": [exception] },
            "tags": self.tags.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "contexts": {},
        });
        if let Some(trace) = &self.trace {
            body["contexts"]["trace"] = serde_json::json!({ "trace_id": trace });
        }
        if let Some(replay) = self.replay_id() {
            body["contexts"]["replay"] = serde_json::json!({ "replay_id": replay.to_string() });
        }
        body.to_string().into_bytes()
    }

    fn event(&self) -> Event {
        let mechanism = Mechanism { handled: Some(!self.unhandled), ..Mechanism::default() };
        Event {
            id: EventId(self.id),
            timestamp: self.at,
            kind: EventKind::Error,
            level: self.level,
            platform: Some("javascript".into()),
            message: None,
            message_template: None,
            release: self.release.as_deref().map(Into::into),
            dist: None,
            environment: self.environment.as_deref().map(Into::into),
            transaction: None,
            logger: None,
            server_name: None,
            exceptions: vec![Exception { ty: Some("Fault".into()), mechanism, ..Exception::default() }],
            clock_off_s: None,
            suppressed: Vec::new(),
            threads: Vec::new(),
            breadcrumbs: Vec::new(),
            request: None,
            user: None,
            tags: Vec::new(),
            contexts: Vec::new(),
            flags: Vec::new(),
            sdk: Sdk::default(),
            trace_id: self.trace.as_deref().map(Into::into),
            replay_id: self.replay_id(),
            fingerprint: Vec::new(),
        }
    }

    /// As ingestion would hand it over.
    pub fn record(&self) -> EventRecord {
        EventRecord {
            event: self.event(),
            body: self.body(),
            group: Group {
                hash: group_hash(&self.issue),
                also: Vec::new(),
                across: None,
                by: "stack",
                title: format!("Fault: {} failed", self.issue).as_str().into(),
                ty: Some("Fault".into()),
                value: Some(format!("{} failed", self.issue).as_str().into()),
                culprit: Some("checkout in pay.js".into()),
                top_frame: None,
            },
            user: self.user.map(user_key),
            unattended: false,
            key: None,
            tags: self.tags.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into())).collect(),
            richness: self.richness,
            libraries: None,
        }
    }
}

/// The hash of an issue's name.
pub fn group_hash(issue: &str) -> [u8; 16] {
    let mut hash = [0; 16];
    for (i, byte) in issue.bytes().enumerate() {
        hash[i % 16] ^= byte.wrapping_mul(i as u8 + 1);
    }
    hash
}

/// A session's state.
pub fn session(sid: u64, release: &str, started: Timestamp, status: SessionStatus) -> SessionRecord {
    let mut key = [7; 16];
    key[..8].copy_from_slice(&sid.to_be_bytes());
    SessionRecord {
        sid: key,
        user: Some(user_key(sid)),
        started,
        timestamp: started,
        status,
        errors: 0,
        release: release.into(),
        environment: None,
        user_agent: None,
    }
}

/// A log line, attachment …
pub fn item(kind: ItemKind, at: Timestamp, body: &str) -> ItemRecord {
    ItemRecord {
        kind,
        timestamp: at,
        parent: None,
        trace_id: None,
        segment: None,
        release: None,
        environment: None,
        user: None,
        name: None,
        content_type: None,
        body: body.as_bytes().to_vec(),
        dedupe: None,
        used: None,
    }
}

/// A store in a folder of its own, which goes with it.
pub struct World {
    pub store: EmbeddedStore,
    pub folder: tempfile::TempDir,
}

impl World {
    /// An empty store.
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(&folder.path().join("store"), options).unwrap();
        Self { store, folder }
    }

    /// The file that SQLite keeps.
    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("store/signal.db")
    }

    /// Another opening of the same folder, as a second process has it.
    pub fn second(&self) -> EmbeddedStore {
        EmbeddedStore::open(&self.folder.path().join("store"), Options::default()).unwrap()
    }

    /// Writes records into a project, which is made if needed.
    pub async fn write(&self, project: &str, records: Vec<Record>) -> Result<Receipt, StoreError> {
        write_to(&self.store, project, records).await
    }

    /// Writes events, each into its project.
    pub async fn hits(&self, hits: &[Hit]) -> Receipt {
        let mut sum = Receipt::default();
        for run in hits.chunk_by(|a, b| a.project == b.project) {
            let records = run.iter().map(|hit| Record::Event(Box::new(hit.record()))).collect();
            let receipt = self.write(run[0].project, records).await.unwrap();
            sum.stored += receipt.stored;
            sum.duplicates += receipt.duplicates;
            sum.new_issues.extend(receipt.new_issues);
        }
        sum
    }
}

/// Writes records into a project of a store.
pub async fn write_to(store: &EmbeddedStore, project: &str, records: Vec<Record>) -> Result<Receipt, StoreError> {
    let project = store.ensure_project(project).await?;
    let received = at(40, 0);
    store.write(Digest { project: ProjectKey::from(&project), received, records, outcomes: Vec::new() }).await
}

/// All of the store, up to the end of day 40.
pub fn everything() -> Scope {
    Scope { end: Some(at(40, 0)), ..Scope::default() }
}
