//! What a store answers.

use super::{Baseline, Window};
use crate::model::{
    Change, ChangeReason, Data, Event, EventId, Issue, IssueId, Onset, Project, Release, SessionCounts, Slower,
    Timestamp, Untrusted,
};

/// Which store answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Which kind.
    pub store: StoreKind,
    /// How fresh the answer is.
    pub freshness: Freshness,
    /// Age of the answer in seconds; 0 when live.
    pub age_s: u64,
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// SQLite in this process.
    Embedded,
    /// ClickHouse and PostgreSQL.
    Cluster,
    /// Sentry's Web API.
    Sentry,
}

impl StoreKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Cluster => "cluster",
            Self::Sentry => "sentry",
        }
    }
}

/// How fresh an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Read just now.
    Live,
    /// From the cache, within its time.
    Cached,
    /// From the cache, past its time, since the store failed.
    Stale,
}

impl Freshness {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Cached => "cached",
            Self::Stale => "stale",
        }
    }
}

/// A part of a longer list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The part.
    pub items: Vec<T>,
    /// How many there are in all, when the store knows.
    pub total: Option<u64>,
    /// Whether there are more after it.
    pub more: bool,
    /// Facts that weaken the answer.
    pub warnings: Vec<&'static str>,
    /// How many there are of each kind of change (issues alone), whatever `change` asked for.
    pub by_change: Vec<(Change, u64)>,
}

/// An issue and its numbers in the asked scope.
#[derive(Clone, Debug, PartialEq)]
pub struct IssueFacts {
    /// What it is.
    pub issue: Issue,
    /// Events in scope.
    pub events: u64,
    /// Distinct users in scope, exact.
    pub users: u64,
    /// Whether the store counts its users at all.
    pub users_known: bool,
    /// Users of its project with a session or an event in scope; the scope's first day counts whole.
    pub active_users: u64,
    /// First event of the issue that the store holds, up to the scope's end.
    pub first_seen: Option<Timestamp>,
    /// Last event of the issue up to the scope's end.
    pub last_seen: Option<Timestamp>,
    /// First release with an event of it, by release order.
    pub first_release: Option<Untrusted>,
    /// Last release with an event of it, by release order.
    pub last_release: Option<Untrusted>,
    /// Environments with an event of it.
    pub environments: Vec<Untrusted>,
    /// Events of it with a replay.
    pub replays: u64,
    /// What changed, and the numbers behind.
    pub change: Change,
    /// Why it is that.
    pub why: ChangeReason,
    /// When its rate rose; in a list only of what is escalating.
    pub onset: Option<Onset>,
}

/// A kind of requests that became slower, or fail more often, with a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Slowed {
    /// Slug of the project.
    pub project: String,
    /// `GET /orders/:id`
    pub operation: Untrusted,
    /// The first of the new releases with it.
    pub release: Option<Untrusted>,
    /// What changed.
    pub changed: Slower,
    /// Requests before and after.
    pub requests: [u64; 2],
    /// Distinct users after.
    pub users: u64,
    /// Whether requests of the new releases are sampled otherwise than before.
    pub resampled: bool,
}

impl Slowed {
    /// What lists are sorted by: time or failures that its requests cost more than before.
    pub fn weight(&self) -> f64 {
        let longer = self.changed.median_ms.map_or(0.0, |[before, after]| (after - before) / 1_000.0);
        let fails = self.changed.failed.map_or(0.0, |[before, after]| 10.0 * (after - before));
        (longer + fails) * self.requests[1] as f64
    }
}

/// An issue that is mostly the consequence of another service's.
#[derive(Clone, Debug, PartialEq)]
pub struct Echo {
    /// The consequence.
    pub issue: IssueId,
    /// What it follows from.
    pub root: Issue,
    /// Traces in which both failed.
    pub traces: u64,
    /// Traces of the consequence that were looked at: the newest.
    pub looked: u64,
}

/// A release and its numbers, over all projects of the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseFacts {
    /// What it is. One that was not seen yet has the time of its announcement for both of its times.
    pub release: Release,
    /// Whether there was any signal of it.
    pub seen: bool,
    /// Slugs of the projects that it was seen in, or announced for.
    pub projects: Vec<String>,
    /// Sessions; zero without.
    pub sessions: SessionCounts,
    /// Distinct users with a session or event.
    pub users: u64,
    /// Those of them whom a crash hit: a session that crashed, or a fatal event that nothing caught.
    pub crashed_users: u64,
    /// There are crashes besides that name no user.
    pub nameless_crashes: bool,
    /// Share of the newest day of its package in the scope (of sessions, else requests, else events) that ran on it, 0 to 1.
    pub adoption: Option<f64>,
    /// Issues whose first release it is.
    pub new_issues: u64,
    /// Events.
    pub events: u64,
}

impl ReleaseFacts {
    /// Share of its users whom no crash hit, in 0..=1. `None` where no crash is known, where crashes
    /// name no user, and where nothing but crashes is known: then nobody tells how many users there are besides.
    pub fn crash_free_users(&self) -> Option<f64> {
        let others = self.sessions.total > 0 || self.users > self.crashed_users;
        (self.crashed_users > 0 && others && !self.nameless_crashes)
            .then(|| 1.0 - self.crashed_users as f64 / self.users.max(1) as f64)
    }
}

/// An event and its place among others.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFacts {
    /// The event.
    pub event: Event,
    /// Its issue.
    pub issue: Issue,
    /// Slug of its project.
    pub project: String,
    /// When it was received.
    pub received: Timestamp,
    /// The event of the issue before it in time.
    pub previous: Option<EventId>,
    /// The event of the issue after it in time.
    pub next: Option<EventId>,
    /// Logs of its trace, oldest first.
    pub logs: Vec<LogLine>,
    /// Files attached to it.
    pub attachments: Vec<AttachmentInfo>,
    /// Messages that users wrote about it.
    pub feedback: Vec<Feedback>,
    /// The event as it was stored, for `include: raw`.
    pub raw: Option<Data>,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// When.
    pub timestamp: Timestamp,
    /// `info`, `error` …
    pub level: Option<Untrusted>,
    /// Text.
    pub body: Untrusted,
    /// Further values.
    pub attributes: Vec<(Untrusted, Data)>,
}

/// A file attached to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct AttachmentInfo {
    /// Its name, as data.
    pub filename: Option<Untrusted>,
    /// Its media type.
    pub content_type: Option<Untrusted>,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// What a user wrote about an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// When.
    pub timestamp: Timestamp,
    /// Text.
    pub message: Untrusted,
}

/// Who is affected.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AffectedFacts {
    /// The issue, when one was asked for.
    pub issue: Option<Issue>,
    /// Distinct users up to the scope's end, whatever its start.
    pub total: u64,
    /// Distinct users within the scope.
    pub in_period: u64,
    /// Of those in the period, users who had it before the period too, or on more than one day.
    pub returning: u64,
    /// Events without any user, within the scope.
    pub anonymous_events: u64,
    /// Users by release, in release order.
    pub per_release: Vec<ReleaseUsers>,
    /// Events within the scope.
    pub events: u64,
    /// Sessions of the scope's releases, when there are any.
    pub sessions: Option<AffectedSessions>,
    /// Users and events by time, oldest first, without gaps.
    pub trend: Vec<TrendBucket>,
    /// By tag, the values with most users first.
    pub breakdown: Vec<(Untrusted, Vec<TagShare>)>,
    /// Some affected users, most events first.
    pub sample: Vec<SampleUser>,
    /// How many users the baseline has.
    pub baseline_users: u64,
    /// Users with a session or an event in the scope, the affected among them.
    pub active_users: u64,
    /// What conditions are sought in.
    pub conditions: Conditions,
    /// When the issue's rate rose, where one was asked for.
    pub onset: Option<Onset>,
    /// Times and releases that may mark the affected, where one issue was asked for.
    pub windows: Vec<Window>,
    /// Facts that weaken the answer.
    pub warnings: Vec<&'static str>,
}

/// Affected users and those of the baseline, a row each, with the tags of their first event in the scope.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Conditions {
    /// Whether no event of the issue names a user, so that each event is a row.
    pub rows_are_events: bool,
    /// Whom the other rows are.
    pub baseline: Baseline,
    /// Which rows are affected.
    pub affected: Vec<bool>,
    /// Tags, by name.
    pub tags: Vec<ConditionTag>,
}

/// A tag and who has which value of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionTag {
    /// Its name.
    pub tag: Untrusted,
    /// Its values among the affected, each once, by text; where they are versions, those of the baseline too.
    pub values: Vec<Untrusted>,
    /// Where values are versions, their places by family (one browser's, one system's), oldest first.
    pub families: Vec<Vec<u32>>,
    /// For each row the place of its value in `values`; `None` for another value or none.
    pub column: Vec<Option<u32>>,
}

/// Users of one release.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseUsers {
    /// Release.
    pub release: Untrusted,
    /// Affected users.
    pub users: u64,
    /// Users with a session or any event.
    pub active_users: Option<u64>,
}

/// Sessions of the releases in which an issue occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AffectedSessions {
    /// All.
    pub counts: SessionCounts,
    /// Those of affected users that did not end well; for an issue this needs sessions that name users.
    pub affected: Option<u64>,
    /// Users with a session, and those with one that crashed, where sessions name users.
    pub users: Option<(u64, u64)>,
}

/// One bucket of a trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrendBucket {
    /// When it starts.
    pub start: Timestamp,
    /// Distinct users.
    pub users: u64,
    /// Events.
    pub events: u64,
}

/// One value of a tag among the affected.
#[derive(Clone, Debug, PartialEq)]
pub struct TagShare {
    /// The value.
    pub value: Untrusted,
    /// Distinct affected users with it.
    pub users: u64,
    /// Events with it.
    pub events: u64,
    /// Users of the baseline with it.
    pub baseline_users: u64,
}

/// One affected user, by pseudonym.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleUser {
    /// Pseudonym.
    pub user: String,
    /// Events in scope.
    pub events: u64,
    /// Newest of them.
    pub last_seen: Timestamp,
}

/// One row of a search: values in the order of the question's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRow {
    /// The event, when rows are events.
    pub event: Option<EventId>,
    /// Its issue, when rows are events.
    pub issue: Option<IssueId>,
    /// Values.
    pub values: Vec<Value>,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing known.
    None,
    /// Text.
    Text(Untrusted),
    /// A count.
    Count(u64),
    /// A number that is no count.
    Number(f64),
    /// A time.
    Time(Timestamp),
    /// True or false.
    Bool(bool),
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Receipt {
    /// Items that are on disk now.
    pub stored: u64,
    /// Items that were there already.
    pub duplicates: u64,
    /// Issues that this write made.
    pub new_issues: Vec<IssueId>,
}

/// The project that a write goes to, kept small: it travels with each digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectKey {
    /// Number.
    pub id: u64,
    /// Slug.
    pub slug: String,
}

impl From<&Project> for ProjectKey {
    fn from(project: &Project) -> Self {
        Self { id: project.id, slug: project.slug.clone() }
    }
}
