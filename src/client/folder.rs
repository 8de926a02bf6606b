//! What can't change, kept across restarts: events by their ids, in files that their owner alone may read.
//! No credential is ever in them; their names are digests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::key::Key;
use crate::{
    model::{Data, Event, EventId, Issue, IssueId, Level, Status, Timestamp, TopFrame, Untrusted},
    protocol::{Clock, ClockPolicy, event::parse_event},
    store::EventFacts,
};

/// Files that are kept at most; past that, all go.
const MOST: usize = 2_000;
/// Largest event that is kept, in bytes.
const LARGEST: usize = 1 << 20;

/// A folder that keeps events.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder of the owner's, made if it isn't there.
    ///
    /// # Errors
    /// Where it can't be made or others may write to it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
                let why = "others may read or write the cache folder: its rights have to be 0700";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// An event that was kept, and when.
    pub(super) fn get(&self, key: &Key) -> Option<(EventFacts, Timestamp)> {
        let json: Value = serde_json::from_slice(&fs::read(self.file(key)).ok()?).ok()?;
        Some((read(&json)?, moment(&json, "kept")?))
    }

    /// Keeps an event. A folder that can't be written to keeps nothing, and nothing fails.
    pub(super) fn put(&self, key: &Key, facts: &EventFacts, now: Timestamp) {
        let Some(json) = write(facts, now) else { return };
        let text = json.to_string();
        if text.len() > LARGEST {
            return;
        }
        if let Err(error) = self.try_put(key, text.as_bytes()) {
            tracing::warn!(%error, "the cache folder can't be written to");
        }
    }

    fn try_put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        if fs::read_dir(&self.path)?.count() >= MOST {
            for entry in fs::read_dir(&self.path)? {
                fs::remove_file(entry?.path())?;
            }
        }
        let (file, part) = (self.file(key), self.path.join(format!("{}.part", key.hex())));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(&part)?, bytes)?;
        fs::rename(part, file)
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.path.join(format!("{}.json", key.hex()))
    }
}

/// Only what was scrubbed is there to be written: the payload that the event was read from.
fn write(facts: &EventFacts, now: Timestamp) -> Option<Value> {
    let issue = &facts.issue;
    let text = |text: &Option<Untrusted>| text.as_ref().map(|text| text.raw().to_owned());
    let frame = issue.top_frame.as_ref();
    Some(json!({
        "kept": now.to_string(),
        "payload": value(facts.raw.as_ref()?),
        "id": facts.event.id.to_string(),
        "at": facts.event.timestamp.to_string(),
        "received": facts.received.to_string(),
        "project": facts.project,
        "previous": facts.previous.map(|id| id.to_string()),
        "next": facts.next.map(|id| id.to_string()),
        "issue": {
            "id": issue.id.0,
            "short_id": issue.short_id,
            "title": issue.title.raw(),
            "type": text(&issue.ty),
            "value": text(&issue.value),
            "culprit": text(&issue.culprit),
            "level": issue.level.as_str(),
            "unhandled": issue.unhandled,
            "status": issue.status.as_str(),
            "function": frame.and_then(|frame| text(&frame.function)),
            "file": frame.and_then(|frame| text(&frame.file)),
            "line": frame.and_then(|frame| frame.line),
        },
    }))
}

fn read(json: &Value) -> Option<EventFacts> {
    let id: EventId = json.get("id")?.as_str()?.parse().ok()?;
    let at = moment(json, "at")?;
    let payload = json.get("payload")?;
    let event = parse_event(payload, id, &Clock::new(ClockPolicy::AsSent, at, None));
    let other = |key: &str| json.get(key).and_then(Value::as_str).and_then(|id| id.parse().ok());
    Some(EventFacts {
        event: Event { id, timestamp: at, ..event },
        issue: issue(json.get("issue")?, json.get("project")?.as_str()?)?,
        project: json.get("project")?.as_str()?.to_owned(),
        received: moment(json, "received")?,
        previous: other("previous"),
        next: other("next"),
        logs: Vec::new(),
        attachments: Vec::new(),
        feedback: Vec::new(),
        raw: Some(Data::from(payload)),
    })
}

fn issue(json: &Value, project: &str) -> Option<Issue> {
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(Untrusted::from);
    let frame =
        TopFrame { function: text("function"), file: text("file"), line: json.get("line").and_then(Value::as_u64) };
    let status = json.get("status")?.as_str()?;
    let statuses = [Status::Unresolved, Status::Resolved, Status::Ignored];
    Some(Issue {
        id: IssueId(json.get("id")?.as_i64()?),
        short_id: text("short_id")?.into_raw(),
        project: project.to_owned(),
        title: text("title")?,
        ty: text("type"),
        value: text("value"),
        culprit: text("culprit"),
        level: Level::parse(json.get("level")?.as_str()?)?,
        unhandled: json.get("unhandled")?.as_bool()?,
        status: statuses.into_iter().find(|known| known.as_str() == status)?,
        resolution: None,
        top_frame: Some(frame).filter(|frame| *frame != TopFrame::default()),
    })
}

fn moment(json: &Value, key: &str) -> Option<Timestamp> {
    json.get(key)?.as_str()?.parse().ok()
}

fn value(data: &Data) -> Value {
    match data {
        Data::Null => Value::Null,
        Data::Bool(truth) => Value::Bool(*truth),
        Data::Number(number) => Value::Number(number.clone()),
        Data::Text(text) => text.raw().into(),
        Data::List(list) => list.iter().map(value).collect(),
        Data::Map(map) => {
            Value::Object(map.iter().map(|(key, data)| (key.raw().to_owned(), value(data))).collect::<Map<_, _>>())
        }
    }
}
