//! An issue as the Web API shows it.

use serde_json::Value;

use super::{
    json::{count, list, text, time, truth, word},
    store::SentryStore,
};
use crate::model::{Issue, IssueId, Level, Resolution, Status, Timestamp, TopFrame, Untrusted};

/// What a row of a list, or an issue alone, says.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) issue: Issue,
    /// In the asked scope.
    pub(super) events: u64,
    pub(super) users: u64,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    /// `regressed`, `escalating`, `new`, `ongoing`: by Sentry's own clock.
    pub(super) substatus: Substatus,
    /// Events by day, where they came along.
    pub(super) days: Vec<(i64, u64)>,
    /// Where it was first and last seen; an issue alone says so.
    pub(super) releases: (Option<Untrusted>, Option<Untrusted>),
    /// Its tags by name, with how many of its events have each; an issue alone says so.
    pub(super) tags: Vec<(String, u64)>,
}

/// Sentry's own word for what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Substatus {
    Regressed,
    Escalating,
    Other,
}

impl SentryStore {
    /// Reads one; `None` for what has no number.
    pub(super) fn row(&self, json: &Value) -> Option<Row> {
        let id = count(json, "id")?;
        let metadata = json.get("metadata").unwrap_or(&Value::Null);
        let scrub = |text: Option<Untrusted>| text.map(|text| self.scrubbed(&text));
        let frame = TopFrame {
            function: text(metadata, "function"),
            file: text(metadata, "filename"),
            line: count(metadata, "lineno"),
        };
        let in_scope = json.get("filtered").filter(|filtered| filtered.is_object()).unwrap_or(json);
        let lifetime = json.get("lifetime").unwrap_or(&Value::Null);
        let seen = |key: &str| time(lifetime, key).or_else(|| time(json, key));
        let name = |key: &str| json.get(key).and_then(|release| text(release, "version"));
        let status = status(word(json, "status"));
        let ty = scrub(text(metadata, "type"));
        // A message has no value but itself.
        let value = text(metadata, "value").or_else(|| text(metadata, "title").filter(|_| ty.is_none()));
        let value = scrub(value);
        Some(Row {
            issue: Issue {
                id: IssueId(i64::try_from(id).ok()?),
                short_id: text(json, "shortId").map_or_else(|| id.to_string(), Untrusted::into_raw),
                project: json.get("project").map_or("", |project| word(project, "slug")).to_owned(),
                title: scrub(text(json, "title")).unwrap_or_default(),
                ty,
                value,
                culprit: scrub(text(json, "culprit")),
                level: Level::parse(word(json, "level")).unwrap_or_default(),
                unhandled: truth(json, "isUnhandled").unwrap_or(false),
                status,
                resolution: (status == Status::Resolved).then(|| resolution(json)).flatten(),
                top_frame: Some(frame).filter(|frame| *frame != TopFrame::default()),
            },
            events: count(in_scope, "count").unwrap_or(0),
            users: count(in_scope, "userCount").unwrap_or(0),
            first_seen: seen("firstSeen"),
            last_seen: seen("lastSeen"),
            substatus: match word(json, "substatus") {
                "regressed" => Substatus::Regressed,
                "escalating" => Substatus::Escalating,
                _ => Substatus::Other,
            },
            days: days(json),
            releases: (name("firstRelease"), name("lastRelease")),
            tags: list(json, "tags")
                .iter()
                .map(|tag| (word(tag, "key").to_owned(), count(tag, "totalValues").unwrap_or(0)))
                .collect(),
        })
    }
}

fn status(word: &str) -> Status {
    match word {
        "resolved" | "resolvedInNextRelease" => Status::Resolved,
        "ignored" | "muted" | "archived" => Status::Ignored,
        _ => Status::Unresolved,
    }
}

/// When it was resolved: said by itself, else by the newest such activity of an issue alone.
fn resolution(json: &Value) -> Option<Resolution> {
    let details = json.get("statusDetails").unwrap_or(&Value::Null);
    let resolved = |activity: &&Value| word(activity, "type").starts_with("set_resolved");
    let activity = list(json, "activity").iter().filter(resolved).max_by_key(|activity| time(activity, "dateCreated"));
    let at = time(json, "resolvedAt").or_else(|| time(activity?, "dateCreated"))?;
    let of_activity = activity.and_then(|activity| text(activity.get("data")?, "version"));
    Some(Resolution {
        at,
        in_release: text(details, "inRelease").or(of_activity),
        after_release: text(details, "afterRelease"),
    })
}

/// `stats: {"14d": [[seconds, events], …]}`: whole days, oldest first.
fn days(json: &Value) -> Vec<(i64, u64)> {
    let day = |pair: &Value| Some((pair.get(0)?.as_i64()?.div_euclid(86_400), pair.get(1)?.as_u64()?));
    let stats = json.get("stats").map_or(&[][..], |stats| list(stats, "14d"));
    stats.iter().filter_map(day).collect()
}
