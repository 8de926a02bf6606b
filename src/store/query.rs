//! Questions to a store, resolved: no names left to look up but those of issues and events.

use crate::model::{Change, EventId, Level, Status, Timestamp, Untrusted};

/// What part of the store a question is about.
#[derive(Clone, Debug, PartialEq, Hash, Default)]
pub struct Scope {
    /// Slug of the one project, or all.
    pub project: Option<Untrusted>,
    /// Name of the one environment, or all.
    pub environment: Option<Untrusted>,
    /// First moment that counts; `None`: from the beginning.
    pub start: Option<Timestamp>,
    /// Last moment that counts, itself included; also the moment that the answer speaks of.
    pub end: Option<Timestamp>,
}

/// How an issue was named.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum IssueRef {
    /// By number, short id or web URL: as typed.
    Named(Untrusted),
    /// The issue that an event belongs to.
    OfEvent(EventId),
}

/// Asks for releases.
#[derive(Clone, Debug, PartialEq, Hash, Default)]
pub struct ReleaseQuery {
    /// Where.
    pub scope: Scope,
    /// At most so many, after `skip`; `None`: all.
    pub limit: Option<usize>,
    /// Left out at the start of the order.
    pub skip: usize,
    /// Whether counts of sessions, users, new issues are needed beside names and times.
    pub counts: bool,
    /// Whether releases are wanted too that were announced and have no signal yet.
    pub announced: bool,
}

/// Asks for requests that got worse.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct SlowedQuery {
    /// Where; its start means nothing.
    pub scope: Scope,
    /// Names of the releases that are compared with all older ones; `None`: the newest of each project.
    pub since: Option<Vec<Untrusted>>,
}

/// Order of issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum IssueSort {
    /// Users, growth, unhandled, newness together.
    #[default]
    Impact,
    /// Newest event first.
    LastSeen,
    /// Newest issue first.
    FirstSeen,
    /// Most events first.
    Events,
    /// Most users first.
    Users,
}

/// Asks for issues.
#[derive(Clone, Debug, PartialEq, Hash, Default)]
pub struct IssueQuery {
    /// Where.
    pub scope: Scope,
    /// Names of the releases since which something changed, oldest first, the first being the one asked for.
    /// With them, an issue must have been seen in one of them, and counts are of them alone.
    pub since: Option<Vec<Untrusted>>,
    /// Kinds of change; empty: all, but since a release and by impact, without a filter, those alone that broke.
    pub change: Vec<Change>,
    /// Decided statuses; empty: all.
    pub status: Vec<Status>,
    /// Level; `None`: all.
    pub level: Option<Level>,
    /// Further conditions, all of which must hold.
    pub filter: Vec<Term>,
    /// Further conditions as typed, for a store that reads searches itself.
    pub typed: Option<Untrusted>,
    /// Order.
    pub sort: IssueSort,
    /// At most so many.
    pub limit: usize,
    /// Left out at the start.
    pub skip: usize,
}

/// One condition of a search.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Term {
    /// True: it must not hold.
    pub negated: bool,
    /// The condition.
    pub test: Test,
}

/// What a condition tests.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Test {
    /// `text`: title, value, culprit, another exception of the chain, a breadcrumb or an in-app frame contain it, ignoring
    /// case.
    Text(Untrusted),
    /// `is:unresolved`.
    Status(Status),
    /// `is:new`, `is:regressed`, `is:escalating`, `is:ongoing`.
    Change(Change),
    /// `key:value`, `key:[a, b]`, `key:>3`.
    Field {
        /// What is compared.
        field: Field,
        /// How.
        op: Op,
        /// With any of these.
        values: Vec<Untrusted>,
    },
    /// `has:key`.
    Has(Field),
}

/// How a field is compared. Texts compare equal with the case of letters aside; `*` in them stands for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Is,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
}

/// What can be compared, shown or grouped by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// `id`: the event's.
    EventId,
    /// `issue`: short id.
    Issue,
    /// `project`: slug.
    Project,
    /// `timestamp`.
    Timestamp,
    /// `level`.
    Level,
    /// `title`.
    Title,
    /// `error.type`.
    Type,
    /// `error.value`, `message`.
    Value,
    /// `culprit`.
    Culprit,
    /// `transaction`.
    Transaction,
    /// `release`.
    Release,
    /// `environment`.
    Environment,
    /// `user`: the pseudonym.
    User,
    /// `error.unhandled`.
    Unhandled,
    /// `platform`.
    Platform,
    /// `timesSeen`: events of the issue.
    TimesSeen,
    /// `userCount`: users of the issue.
    UserCount,
    /// `firstSeen`.
    FirstSeen,
    /// `lastSeen`.
    LastSeen,
    /// `firstRelease`, `first_release`.
    FirstRelease,
    /// `replay`: id of the replay that shows the event.
    Replay,
    /// `trace`.
    Trace,
    /// `stack.function`: of an in-app frame of any exception of the chain.
    Function,
    /// `stack.filename`: the same frames' files.
    File,
    /// `stack.module`: the same frames' modules.
    Module,
    /// Any tag.
    Tag(Untrusted),
}

/// Asks for one event.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct EventQuery {
    /// Where.
    pub scope: Scope,
    /// Which.
    pub pick: Pick,
    /// Only events of this release.
    pub release: Option<Untrusted>,
    /// Whether logs of its trace and attachments of it are wanted.
    pub extras: bool,
}

/// Which event is meant.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Pick {
    /// The one with this id.
    Id(EventId),
    /// The newest of the issue.
    Latest(IssueRef),
    /// The oldest of the issue.
    Oldest(IssueRef),
    /// The one that tells most: with replay, user, request, breadcrumbs, in-app frames; the newest of the best.
    Recommended(IssueRef),
}

/// With whom the affected are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Baseline {
    /// Users with an event of another issue and none of this one.
    #[default]
    OtherEvents,
    /// Users with a session and no event of the issue.
    Sessions,
    /// Both together.
    AllUsers,
}

impl Baseline {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherEvents => "other_events",
            Self::Sessions => "sessions",
            Self::AllUsers => "all_users",
        }
    }
}

/// Asks who is affected.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct AffectedQuery {
    /// Where.
    pub scope: Scope,
    /// By which issue; `None`: by any issue that the scope and `since` hold.
    pub issue: Option<IssueRef>,
    /// Only events of these releases.
    pub since: Option<Vec<Untrusted>>,
    /// Tags to break down by; empty: the store picks those that tell most.
    pub by: Vec<Untrusted>,
    /// With whom they are compared.
    pub baseline: Baseline,
    /// Conditions are tags with a value that so many of the affected share; 0: none are sought.
    pub shared_by: u64,
    /// How many buckets the trend has at most.
    pub buckets: usize,
    /// How many sample users.
    pub sample: usize,
}

/// Asks for events as a table.
#[derive(Clone, Debug, PartialEq, Hash, Default)]
pub struct SearchQuery {
    /// Where.
    pub scope: Scope,
    /// Conditions, all of which must hold.
    pub filter: Vec<Term>,
    /// Further conditions as typed, for a store that reads searches itself.
    pub typed: Option<Untrusted>,
    /// Columns of rows; not used where there is an aggregate.
    pub fields: Vec<Field>,
    /// What groups are made by.
    pub group_by: Vec<Grouper>,
    /// What is computed for each group, or for all.
    pub aggregate: Vec<Aggregate>,
    /// At most so many rows.
    pub limit: usize,
    /// Left out at the start.
    pub skip: usize,
}

/// One part of a group's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grouper {
    /// Value of a field.
    Field(Field),
    /// Whole hour.
    Hour,
    /// Whole UTC day.
    Day,
}

/// What is computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// `count()`.
    Count,
    /// `count_unique(user)`, exact.
    CountUnique(Field),
    /// `min(timestamp)`.
    FirstSeen,
    /// `max(timestamp)`.
    LastSeen,
}

/// Tags that name the scope, the event or its place rather than a condition of its user.
pub const NO_CONDITION: [&str; 17] = [
    "url",
    "transaction",
    "trace",
    "trace_id",
    "span_id",
    "replayId",
    "replay_id",
    "release",
    "environment",
    "user",
    "level",
    "logger",
    "dist",
    "server_name",
    "request_id",
    "handled",
    "mechanism",
];
