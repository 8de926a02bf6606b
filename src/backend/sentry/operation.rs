//! Every operation of the Web API that is used, once.

use serde_json::Value;

use super::life::Life;

/// What a reply has to be, to be one at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list.
    List,
    /// An object that has one of these keys.
    With(&'static [&'static str]),
    /// An object with a list under this key.
    ListIn(&'static str),
    /// A list, or an object that holds one.
    Any,
}

impl Shape {
    pub(super) fn fits(self, json: &Value) -> bool {
        match self {
            Self::List => json.is_array(),
            Self::With(keys) => keys.iter().any(|key| json.get(key).is_some()),
            Self::ListIn(key) => json.get(key).is_some_and(Value::is_array),
            Self::Any => json.is_array() || json.is_object(),
        }
    }
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `GET`, `PUT`, `POST`.
    pub method: &'static str,
    /// Below `api/0/`; `{org}` is the organisation, other names in braces are filled in.
    pub path: &'static str,
    /// What a token needs for it.
    pub right: &'static str,
    /// What it is asked for.
    pub what: &'static str,
    /// Most bytes of an answer.
    pub bytes: usize,
    /// How long a reply serves.
    pub life: Life,
    /// What a reply has to be.
    pub shape: Shape,
}

impl Operation {
    /// Whether the server counts many events or sessions for it, or sends a recording.
    pub(super) fn is_dear(&self) -> bool {
        ["/events/", "/sessions/", "/events-timeseries/", "/recording-segments/"]
            .iter()
            .any(|end| self.path.ends_with(end) && !self.path.contains("{issue}"))
    }
}

const MIB: usize = 1 << 20;

const fn get(path: &'static str, right: &'static str, what: &'static str, life: Life, shape: Shape) -> Operation {
    Operation { method: "GET", path, right, what, bytes: 8 * MIB, life, shape }
}

const fn put(path: &'static str, what: &'static str) -> Operation {
    Operation { method: "PUT", ..get(path, "event:write", what, Life::Moving, Shape::Any) }
}

macro_rules! operations {
    ($($name:ident = $made:expr;)*) => {
        $(pub(super) const $name: Operation = $made;)*
        /// All of them, in the order of the documentation.
        pub const OPERATIONS: &[Operation] = &[$($name),*];
    };
}

operations! {
    ORG = get("organizations/{org}/", "org:read", "region, rights, clock", Life::Names, Shape::With(&["slug"]));
    PROJECTS = get("organizations/{org}/projects/", "project:read", "projects and their numbers", Life::Names, Shape::List);
    ENVIRONMENTS = get("organizations/{org}/environments/", "org:read", "names of environments", Life::Names, Shape::List);
    PROJECT_ENVIRONMENTS = get("projects/{org}/{project}/environments/", "project:read", "names of one project's environments", Life::Names, Shape::List);
    RELEASES = get("organizations/{org}/releases/", "project:releases", "releases, their times and deploys", Life::Slow, Shape::List);
    COMMITS = get("organizations/{org}/releases/{version}/commits/", "project:releases", "commits of a release", Life::Slow, Shape::List);
    COMMIT_FILES = get("organizations/{org}/releases/{version}/commitfiles/", "project:releases", "files that these commits changed", Life::Slow, Shape::List);
    SESSIONS = get("organizations/{org}/sessions/", "org:read", "sessions and users by release and day", Life::Slow, Shape::ListIn("groups"));
    ISSUES = get("organizations/{org}/issues/", "event:read", "issues that fit a search", Life::Moving, Shape::List);
    ISSUE = get("organizations/{org}/issues/{issue}/", "event:read", "one issue, by number or short id", Life::Moving, Shape::With(&["id"]));
    ISSUE_EVENTS = get("organizations/{org}/issues/{issue}/events/", "event:read", "an issue's events in a period or release", Life::Moving, Shape::List);
    ISSUE_EVENT = get("organizations/{org}/issues/{issue}/events/{event}/", "event:read", "one event, or the newest, oldest, most telling", Life::Event, Shape::With(&["eventID", "id"]));
    EVENT_ID = get("organizations/{org}/eventids/{event}/", "event:read", "the event with an id, and its issue", Life::Event, Shape::With(&["groupId"]));
    EVENTS = get("organizations/{org}/events/", "org:read", "events as rows and groups", Life::Slow, Shape::ListIn("data"));
    TIMESERIES = get("organizations/{org}/events-timeseries/", "org:read", "counts by time", Life::Slow, Shape::ListIn("timeSeries"));
    OUTCOMES = get("organizations/{org}/stats_v2/", "org:read", "how many errors were dropped on the way", Life::Slow, Shape::ListIn("groups"));
    ATTACHMENTS = get("projects/{org}/{project}/events/{event}/attachments/", "project:read", "files attached to an event", Life::Slow, Shape::List);
    REPLAYS = get("organizations/{org}/replays/", "org:read", "the newest replays", Life::Moving, Shape::ListIn("data"));
    REPLAY = get("organizations/{org}/replays/{replay}/", "org:read", "one replay, without its recording", Life::Slow, Shape::With(&["data", "id"]));
    SEGMENTS = Operation { bytes: 64 * MIB, ..get("projects/{org}/{project}/replays/{replay}/recording-segments/", "project:read", "a replay's recording", Life::Slow, Shape::Any) };
    UPDATE = put("organizations/{org}/issues/{issue}/", "status and assignee of an issue");
    NOTE = Operation { method: "POST", ..put("organizations/{org}/issues/{issue}/notes/", "a comment on an issue") };
    SETTINGS = get("../settings/", "nothing", "whether it is GlitchTip", Life::Names, Shape::With(&["version", "socialApps", "enableUserRegistration"]));
    GLITCHTIP_ISSUE = get("issues/{issue}/", "event:read", "one issue (GlitchTip alone)", Life::Moving, Shape::With(&["id"]));
    GLITCHTIP_EVENTS = get("issues/{issue}/events/", "event:read", "an issue's events (GlitchTip alone)", Life::Moving, Shape::List);
    GLITCHTIP_EVENT = get("issues/{issue}/events/{event}/", "event:read", "one event, or the newest (GlitchTip alone)", Life::Event, Shape::With(&["eventID", "id"]));
    GLITCHTIP_UPDATE = put("issues/{issue}/", "status of an issue (GlitchTip alone)");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_counts_many_events_or_sends_much_is_dear() {
        let dear: Vec<&str> = OPERATIONS.iter().filter(|one| one.is_dear()).map(|one| one.path).collect();
        assert_eq!(dear, [SESSIONS.path, EVENTS.path, TIMESERIES.path, SEGMENTS.path]);
    }

    #[test]
    fn a_reply_of_another_shape_is_none() {
        for (operation, good, bad) in [
            (ISSUES, json!([]), json!({ "detail": "busy" })),
            (EVENTS, json!({ "data": [] }), json!({ "data": null })),
            (ISSUE, json!({ "id": "1" }), json!({ "detail": "busy" })),
            (SEGMENTS, json!([]), json!(null)),
        ] {
            assert!(operation.shape.fits(&good) && !operation.shape.fits(&bad), "{}", operation.path);
        }
    }
}
