//! Every operation of the Web API that is used, once.

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
}

const MIB: usize = 1 << 20;

const fn get(path: &'static str, right: &'static str, what: &'static str) -> Operation {
    Operation { method: "GET", path, right, what, bytes: 8 * MIB }
}

macro_rules! operations {
    ($($name:ident = $made:expr;)*) => {
        $(pub(super) const $name: Operation = $made;)*
        /// All of them, in the order of the documentation.
        pub const OPERATIONS: &[Operation] = &[$($name),*];
    };
}

operations! {
    ORG = get("organizations/{org}/", "org:read", "region, rights, clock");
    PROJECTS = get("organizations/{org}/projects/", "project:read", "projects and their numbers");
    ENVIRONMENTS = get("organizations/{org}/environments/", "org:read", "names of environments");
    PROJECT_ENVIRONMENTS = get("projects/{org}/{project}/environments/", "project:read", "names of one project's environments");
    RELEASES = get("organizations/{org}/releases/", "project:releases", "releases, their times and deploys");
    COMMITS = get("organizations/{org}/releases/{version}/commits/", "project:releases", "commits of a release");
    COMMIT_FILES = get("organizations/{org}/releases/{version}/commitfiles/", "project:releases", "files that these commits changed");
    SESSIONS = get("organizations/{org}/sessions/", "org:read", "sessions and users by release and day");
    ISSUES = get("organizations/{org}/issues/", "event:read", "issues that fit a search");
    ISSUE = get("organizations/{org}/issues/{issue}/", "event:read", "one issue, by number or short id");
    ISSUE_EVENTS = get("organizations/{org}/issues/{issue}/events/", "event:read", "an issue's events in a period or release");
    ISSUE_EVENT = get("organizations/{org}/issues/{issue}/events/{event}/", "event:read", "one event, or the newest, oldest, most telling");
    EVENT_ID = get("organizations/{org}/eventids/{event}/", "event:read", "the event with an id, and its issue");
    EVENTS = get("organizations/{org}/events/", "org:read", "events as rows and groups");
    TIMESERIES = get("organizations/{org}/events-timeseries/", "org:read", "counts by time");
    ATTACHMENTS = get("projects/{org}/{project}/events/{event}/attachments/", "project:read", "files attached to an event");
    REPLAYS = get("organizations/{org}/replays/", "org:read", "the newest replays");
    REPLAY = get("organizations/{org}/replays/{replay}/", "org:read", "one replay, without its recording");
    SEGMENTS = Operation { bytes: 64 * MIB, ..get("projects/{org}/{project}/replays/{replay}/recording-segments/", "project:read", "a replay's recording") };
    UPDATE = Operation { method: "PUT", ..get("organizations/{org}/issues/{issue}/", "event:write", "status and assignee of an issue") };
    NOTE = Operation { method: "POST", ..get("organizations/{org}/issues/{issue}/notes/", "event:write", "a comment on an issue") };
    SETTINGS = get("../settings/", "nothing", "whether it is GlitchTip");
    GLITCHTIP_ISSUE = get("issues/{issue}/", "event:read", "one issue (GlitchTip alone)");
    GLITCHTIP_EVENTS = get("issues/{issue}/events/", "event:read", "an issue's events (GlitchTip alone)");
    GLITCHTIP_EVENT = get("issues/{issue}/events/{event}/", "event:read", "one event, or the newest (GlitchTip alone)");
    GLITCHTIP_UPDATE = Operation { method: "PUT", ..get("issues/{issue}/", "event:write", "status of an issue (GlitchTip alone)") };
}
