//! The store as envelopes, which `import` takes again.
//! It uses the reader pool.
//! It never writes, and tells of nobody more than the store keeps.

use serde_json::{Value, json};

use super::{
    fault::Corrupt,
    pack::{HOUR_US, hour_of, moment},
    read::Snapshot,
    store::EmbeddedStore,
};
use crate::{
    guard::show_user,
    model::{EventId, UserKey},
    store::{ItemKind, StoreError},
};

/// One envelope of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The envelope: its header names the project by a DSN without a host.
    pub envelope: Vec<u8>,
    /// Things of the store that are done with it.
    pub done: u64,
}

/// Sessions of each class by release, environment and hour.
type Hours = std::collections::HashMap<(i64, i64, i64), [i64; 5]>;

/// Takes one envelope; `false`: no more is wanted.
pub type Take = Box<dyn FnMut(Exported) -> bool + Send>;

impl EmbeddedStore {
    /// How many things an export tells of.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exportable(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| {
            let sql = "SELECT (SELECT count(*) FROM body)+(SELECT count(*) FROM item)+(SELECT count(*) FROM session)";
            Ok(snapshot.conn.query_row(sql, [], |row| row.get(0))?)
        })
        .await
    }

    /// Hands over every event in the order that they came, then what is kept beside them, then sessions.
    ///
    /// # Errors
    /// When the store does not answer, or is damaged.
    pub async fn export(&self, mut take: Take) -> Result<(), StoreError> {
        self.read(move |snapshot| {
            if snapshot.export_events(&mut take)? && snapshot.export_items(&mut take)? {
                let _ = snapshot.export_sessions(&mut take)? && snapshot.export_counts(&mut take)?;
            }
            Ok(())
        })
        .await
    }
}

impl Snapshot<'_> {
    fn export_events(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let sql = "SELECT body.id, body.ts, body.z, project.slug FROM body JOIN issue ON issue.id=body.issue
                   JOIN project ON project.id=issue.project ORDER BY body.seq";
        let conn = self.conn;
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let mut event: Value = serde_json::from_slice(&body).map_err(|_| Corrupt("event"))?;
            let id = EventId(u128::from_be_bytes(row.get(0)?)).to_string();
            event["event_id"] = id.as_str().into();
            event["timestamp"] = moment(row.get(1)?).to_string().into();
            let header = header(&row.get::<_, String>(3)?, Some(&id), row.get(1)?);
            if !take(of_one(&header, json!({ "type": "event" }), event.to_string().as_bytes())) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn export_items(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let sql = "SELECT item.kind, item.ts, item.parent, item.name, item.content_type, item.z, project.slug FROM item
                   JOIN project ON project.id=item.project ORDER BY item.id";
        let conn = self.conn;
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let parent: Option<[u8; 16]> = row.get(2)?;
            let parent = parent.map(|bytes| EventId(u128::from_be_bytes(bytes)).to_string());
            let said = (row.get(3)?, row.get(4)?);
            let Some(item) = item_header(row.get(0)?, &body, said) else { continue };
            let header = header(&row.get::<_, String>(6)?, parent.as_deref(), row.get(1)?);
            if !take(of_one(&header, item, &body)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sessions that have a name of their own.
    fn export_sessions(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let sql =
            "SELECT session.sid, session.started, session.at, session.class, session.final, user.key, release.version,
                   word.text, project.slug FROM session JOIN release ON release.id=session.rel
                   JOIN project ON project.id=release.project LEFT JOIN user ON user.id=session.user
                   LEFT JOIN word ON word.id=session.env ORDER BY session.day, session.sid";
        let conn = self.conn;
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (class, ended): (i64, bool) = (row.get(3)?, row.get(4)?);
            let (status, errors) = match class {
                2 => ("crashed", 1),
                3 => ("abnormal", 1),
                4 => ("unhandled", 1),
                class => (if ended { "exited" } else { "ok" }, class),
            };
            let user: Option<[u8; 16]> = row.get(5)?;
            let session = json!({
                "sid": EventId(u128::from_be_bytes(row.get(0)?)).to_string(), "init": true,
                "did": user.map(|key| show_user(&UserKey(key))), "started": moment(row.get(1)?).to_string(),
                "timestamp": moment(row.get(2)?).to_string(), "status": status, "errors": errors,
                "attrs": { "release": row.get::<_, String>(6)?, "environment": row.get::<_, Option<String>>(7)? },
            });
            let header = header(&row.get::<_, String>(8)?, None, row.get(2)?);
            if !take(of_one(&header, json!({ "type": "session" }), session.to_string().as_bytes())) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sessions that SDKs counted: what an hour has beside those that have a name.
    fn export_counts(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let named = self.named_by_hour()?;
        let sql = "SELECT sess.rel, sess.env, sess.hour, sess.total, sess.errored, sess.crashed, sess.abnormal, sess.unhandled,
                   release.version, word.text, project.slug, release.first FROM sess JOIN release ON release.id=sess.rel
                   JOIN project ON project.id=release.project LEFT JOIN word ON word.id=sess.env
                   ORDER BY sess.rel, sess.env, sess.hour";
        let conn = self.conn;
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let known = named.get(&place).copied().unwrap_or_default();
            let mut all = [0_i64; 5];
            for (at, n) in all.iter_mut().enumerate().skip(1) {
                *n = row.get(3 + at)?;
            }
            all[0] = row.get::<_, i64>(3)? - all[1..].iter().sum::<i64>();
            let [well, errored, crashed, abnormal, unhandled] = std::array::from_fn(|at| (all[at] - known[at]).max(0));
            if well + errored + crashed + abnormal + unhandled == 0 {
                continue;
            }
            // Not before the release was first seen, which may be within the hour.
            let at = (place.2 * HOUR_US).max(row.get(11)?);
            let counted = json!({
                "aggregates": [{ "started": moment(at).to_string(), "exited": well, "errored": errored, "crashed": crashed,
                    "abnormal": abnormal, "unhandled": unhandled }],
                "attrs": { "release": row.get::<_, String>(8)?, "environment": row.get::<_, Option<String>>(9)? },
            });
            let header = header(&row.get::<_, String>(10)?, None, at);
            if !take(Exported {
                done: 0,
                ..of_one(&header, json!({ "type": "sessions" }), counted.to_string().as_bytes())
            }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sessions with a name, by release, environment and hour, a count for each class.
    fn named_by_hour(&self) -> Result<Hours, StoreError> {
        let mut named = Hours::new();
        let mut statement = self.conn.prepare("SELECT rel, env, started, class FROM session")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let class = usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0).min(4);
            named.entry((row.get(0)?, row.get(1)?, hour_of(row.get(2)?))).or_default()[class] += 1;
        }
        Ok(named)
    }
}

/// The header of an item of that kind; `None` for one that no envelope can carry.
fn item_header(kind: i64, body: &[u8], (name, content_type): (Option<String>, Option<String>)) -> Option<Value> {
    let is = |wanted: ItemKind| wanted.code() == kind;
    let has = |key: &str| {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        json.is_some_and(|json| json.pointer(key).is_some())
    };
    let kind = match kind {
        _ if is(ItemKind::Transaction) => "transaction",
        _ if is(ItemKind::Span) => "span",
        _ if is(ItemKind::Log) => "log",
        _ if is(ItemKind::CheckIn) => "check_in",
        _ if is(ItemKind::Feedback) => {
            if has("/contexts/feedback") {
                "feedback"
            } else {
                "user_report"
            }
        }
        _ if is(ItemKind::Attachment) => "attachment",
        _ if is(ItemKind::Profile) => {
            if has("/chunk_id") {
                "profile_chunk"
            } else {
                "profile"
            }
        }
        _ if is(ItemKind::Metric) => {
            if body.starts_with(b"{") {
                "trace_metric"
            } else {
                "statsd"
            }
        }
        _ if is(ItemKind::ReplayEvent) => "replay_event",
        _ if is(ItemKind::ReplayRecording) => "replay_recording",
        _ => return None,
    };
    let mut header = json!({ "type": kind });
    if let Some(name) = name.filter(|_| kind == "attachment") {
        header["filename"] = name.into();
    }
    if let Some(content_type) = content_type {
        header["content_type"] = content_type.into();
    }
    Some(header)
}

fn header(project: &str, event: Option<&str>, ts: i64) -> Value {
    let mut header = json!({ "dsn": format!("http://export@export/{project}"), "sent_at": moment(ts).to_string() });
    if let Some(event) = event {
        header["event_id"] = event.into();
    }
    header
}

fn of_one(header: &Value, mut item: Value, payload: &[u8]) -> Exported {
    item["length"] = payload.len().into();
    let mut envelope = format!("{header}\n{item}\n").into_bytes();
    envelope.extend_from_slice(payload);
    envelope.push(b'\n');
    Exported { envelope, done: 1 }
}
