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
    /// Where Sentry keeps its events.
    pub(super) dataset: Dataset,
    /// Its tags by name, with how many of its events have each; an issue alone says so.
    pub(super) tags: Vec<(String, u64)>,
}

/// A table of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dataset {
    /// Errors and messages, reports of browsers among them.
    Errors,
    /// What other issues are made of: slow queries, feedback, missed check-ins, outages.
    Occurrences,
}

impl Dataset {
    /// Its name in requests.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Occurrences => "issuePlatform",
        }
    }

    /// Servers that know no categories have errors alone.
    fn of(json: &Value) -> Self {
        match word(json, "issueCategory") {
            "" | "error" => Self::Errors,
            _ => Self::Occurrences,
        }
    }
}

/// Sentry's own word for what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Substatus {
    Regressed,
    Escalating,
    Other,
}

impl Row {
    /// Whether its users are counted: of what is no error the list knows none, whoever was hit.
    pub(super) fn users_known(&self) -> bool {
        self.dataset == Dataset::Errors || self.users > 0 || self.events == 0
    }

    /// A search for its events.
    pub(super) fn own(&self) -> String {
        format!("issue.id:{}", self.issue.id)
    }
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
                unattended: false,
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
            dataset: Dataset::of(json),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backend::sentry::{Options, Token};

    fn row(json: &Value) -> Row {
        let options = Options::new(Token::new("t").unwrap(), || Timestamp::UNIX_EPOCH);
        let store = SentryStore::new(Options { org: Some("acme".into()), ..options }).unwrap();
        store.row(json).unwrap()
    }

    #[test]
    fn counts_are_of_what_was_asked_and_times_of_all() {
        let found = row(&json!({
            "id": "7", "shortId": "SHOP-7", "title": "KeyError: x", "status": "ignored", "substatus": "escalating", "count": "99",
            "userCount": 9, "firstSeen": "2026-11-19T00:00:00Z", "filtered": { "count": "4", "userCount": 2 },
            "lifetime": { "firstSeen": "2026-11-01T00:00:00Z" }, "stats": { "14d": [[1_795_132_800, 3]] },
            "metadata": { "type": "KeyError", "value": "x", "function": "f" }, "tags": [{ "key": "os", "totalValues": 4 }],
        }));
        assert_eq!((found.events, found.users, found.substatus), (4, 2, Substatus::Escalating));
        assert_eq!(found.first_seen.unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!((found.issue.status, found.days.len(), found.tags.len()), (Status::Ignored, 1, 1));
        assert_eq!(found.dataset, Dataset::Errors);
    }

    #[test]
    fn what_is_no_error_lies_elsewhere_and_its_users_may_not_be_known() {
        let slow =
            |users: u64| row(&json!({ "id": 7, "issueCategory": "db_query", "count": "25", "userCount": users }));
        assert_eq!((slow(0).dataset, slow(0).users_known()), (Dataset::Occurrences, false));
        assert!(
            slow(3).users_known() && row(&json!({ "id": 7, "issueCategory": "error", "count": "25" })).users_known()
        );
    }

    #[test]
    fn a_resolution_is_told_by_itself_or_by_the_newest_activity() {
        let found = row(&json!({
            "id": 7, "status": "resolved", "statusDetails": { "inRelease": "a@2" },
            "activity": [{ "type": "set_resolved_in_release", "dateCreated": "2026-11-18T00:00:00Z", "data": { "version": "a@3" } }],
        }));
        let resolution = found.issue.resolution.unwrap();
        assert_eq!(
            (resolution.at.to_string().as_str(), resolution.in_release.unwrap().raw()),
            ("2026-11-18T00:00:00Z", "a@2")
        );
        assert!(row(&json!({ "id": 7, "status": "resolved" })).issue.resolution.is_none());
    }
}
