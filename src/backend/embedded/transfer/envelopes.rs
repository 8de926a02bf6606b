//! Events, replays, logs, spans, attachments and sessions as envelopes.
//! It uses the packed forms.
//! It never writes, and tells of nobody more than the store keeps.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Exported, Line, Take, counts::People};
use crate::{
    backend::embedded::{
        fault::Corrupt,
        pack::{Fact, HOUR_US, UNATTENDED, hour_of, moment},
        read::Snapshot,
    },
    guard::show_user,
    model::{EventId, UserKey},
    store::{ItemKind, StoreError},
};

/// An event of each issue, and when it was.
pub(super) type Issues = HashMap<i64, (EventId, i64)>;

/// Sessions of each class by release, environment and hour.
type Hours = HashMap<(i64, i64, i64), [i64; 5]>;

impl Snapshot<'_> {
    /// Notes an event of each issue on the way.
    pub(super) fn export_events(&mut self, issues: &mut Issues, take: &mut Take) -> Result<bool, StoreError> {
        let people = People::of(self)?;
        let facts = self.facts_of_events()?;
        let groups = self.groups_of_issues()?;
        let sql =
            "SELECT body.id, body.ts, body.z, project.slug, body.issue, body.seq FROM body JOIN issue ON issue.id=body.issue
                   JOIN project ON project.id=issue.project ORDER BY body.seq";
        let conn = self.conn;
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let body = self.unpacker.body(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let mut event: Value = serde_json::from_slice(&body).map_err(|_| Corrupt("event"))?;
            let event_id = EventId(u128::from_be_bytes(row.get(0)?));
            issues.entry(row.get(4)?).or_insert((event_id, row.get(1)?));
            let id = event_id.to_string();
            event["event_id"] = id.as_str().into();
            event["timestamp"] = moment(row.get(1)?).to_string().into();
            let header = header(&row.get::<_, String>(3)?, Some(&id), row.get(1)?);
            let (user, by_job) = facts.get(row.get::<_, usize>(5)?).copied().unwrap_or_default();
            let user = people.shown(user);
            let mut exported = of_somebody(user, &header, json!({ "type": "event" }), event.to_string().as_bytes());
            if let Line::Envelope { group, unattended, .. } = &mut exported.line {
                *group = groups.get(&row.get(4)?).cloned();
                *unattended = by_job;
            }
            if !take(exported) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A hash by which each issue's events are grouped.
    fn groups_of_issues(&self) -> Result<HashMap<i64, String>, StoreError> {
        let mut statement = self.conn.prepare("SELECT issue, lower(hex(min(hash))) FROM grouphash GROUP BY issue")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The number of the user, and whether nobody asked for what failed, by the sequence number of the event.
    fn facts_of_events(&mut self) -> Result<Vec<(u32, bool)>, StoreError> {
        let last: i64 = self.conn.query_row("SELECT coalesce(max(seq), 0) FROM body", [], |row| row.get(0))?;
        let mut facts = vec![(0, false); usize::try_from(last).unwrap_or(0) + 1];
        let mut put = |seq: i64, user: u32, bits: u8| {
            if let Some(place) = usize::try_from(seq).ok().and_then(|seq| facts.get_mut(seq)) {
                *place = (user, bits & UNATTENDED != 0);
            }
        };
        let mut statement = self.conn.prepare("SELECT head FROM chunk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let head = self.unpacker.head(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            for ((seq, user), bits) in head.seq.iter().zip(&head.user).zip(&head.bits) {
                put(*seq, *user, *bits);
            }
        }
        let mut statement = self.conn.prepare("SELECT seq, fact FROM tail")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            let fact = Fact::decode(seq, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            put(seq, fact.user, fact.bits);
        }
        Ok(facts)
    }

    pub(super) fn export_items(&mut self, take: &mut Take) -> Result<bool, StoreError> {
        let people = People::of(self)?;
        let sql = "SELECT item.kind, item.ts, item.parent, item.name, item.content_type, item.z, project.slug, item.user FROM item
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
            if !take(of_somebody(people.shown(row.get(7)?), &header, item, &body)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sessions that have a name of their own.
    pub(super) fn export_sessions(&mut self, take: &mut Take) -> Result<bool, StoreError> {
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
    pub(super) fn export_counts(&mut self, take: &mut Take) -> Result<bool, StoreError> {
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

fn of_one(header: &Value, item: Value, payload: &[u8]) -> Exported {
    of_somebody(None, header, item, payload)
}

/// Says whose it is, unless it says so itself.
fn of_somebody(user: Option<String>, header: &Value, mut item: Value, payload: &[u8]) -> Exported {
    item["length"] = payload.len().into();
    let mut envelope = format!("{header}\n{item}\n").into_bytes();
    envelope.extend_from_slice(payload);
    envelope.push(b'\n');
    let user = user.filter(|user| !payload.windows(user.len()).any(|window| window == user.as_bytes()));
    Exported { line: Line::Envelope { envelope, user, group: None, unattended: false }, done: 1 }
}
