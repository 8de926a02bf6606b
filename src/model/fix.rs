//! The history of one issue around a fix: all that the proof looks at, as plain data that any store can fill.
//! Parts that a store can't give stay empty; it says so in [`FixHistory::gaps`].

use super::{EventId, Issue, Timestamp, Untrusted};

/// On which side of the comparison a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Has the bug and not the fix: what the new side is compared with.
    Control,
    /// Has the fix: the release asked for and all later ones.
    New,
    /// Tells nothing: another package, a pre-release of the asked version, or older than the bug.
    Neither,
}

/// A release and its side.
#[derive(Clone, Debug, PartialEq)]
pub struct FixRelease {
    /// Whole name; empty for signal without a release.
    pub version: Untrusted,
    /// Its side.
    pub side: Side,
}

/// How much one release was used in one hour, in each unit that the store knows; 0 where it knows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Use {
    /// Whole hours since 1970.
    pub hour: i64,
    /// Place in [`FixHistory::releases`].
    pub release: usize,
    /// Distinct users with a session that began in the hour.
    pub users: u64,
    /// Sessions that began in the hour.
    pub sessions: u64,
    /// Distinct users with an event of another issue in the hour, and such events without a user.
    pub events: u64,
}

/// Errors of a project, of any issue, that did not arrive, and those that did, in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lost {
    /// Whole hours since 1970.
    pub hour: i64,
    /// Place in [`FixHistory::releases`]; `None` where that wasn't told.
    pub release: Option<usize>,
    /// Errors that arrived.
    pub arrived: u64,
    /// Errors that SDKs or the server dropped.
    pub dropped: u64,
}

/// One event of the issue, or of a candidate that it may have moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixHit {
    /// When.
    pub at: Timestamp,
    /// A number that stands for the user; `None` where the event names nobody.
    pub user: Option<u32>,
    /// Place in [`FixHistory::releases`].
    pub release: usize,
    /// 0: of the issue itself; `n`: of candidate `n - 1`.
    pub group: usize,
    /// Bit `i`: it met condition `i`.
    pub conditions: u64,
}

/// A tag that nearly all affected users share: perhaps the condition under which the issue occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct FixCondition {
    /// The tag.
    pub tag: Untrusted,
    /// Its value.
    pub value: Untrusted,
    /// Whether sessions can be told apart by it, so that `users` of [`uses`](Self::uses) mean something.
    pub of_sessions: bool,
    /// Use under the condition alone.
    pub uses: Vec<Use>,
}

/// What two issues are compared by, to tell a fix from a move.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Likeness {
    /// Names of the functions of in-app frames.
    pub functions: Vec<Untrusted>,
    /// Transaction.
    pub transaction: Option<Untrusted>,
    /// Type of the exception.
    pub ty: Option<Untrusted>,
    /// Text of the exception.
    pub value: Option<Untrusted>,
}

/// An issue that began with the new side and is like the one that was to be fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct FixCandidate {
    /// What it is.
    pub issue: Issue,
    /// How alike, 0 to 1.
    pub similarity: f64,
    /// First event.
    pub first_seen: Timestamp,
    /// Events so far.
    pub events: u64,
}

/// What became of the users who had been hit before the fix, counted exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Returning {
    /// Distinct users hit on a release before the fix.
    pub eligible: u64,
    /// Those with a session or an event on the new side.
    pub active_after: u64,
    /// Those hit there again.
    pub hit_again: u64,
}

/// An event of the issue on the new side.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrence {
    /// Which.
    pub event: EventId,
    /// In which release.
    pub release: Untrusted,
    /// When.
    pub at: Timestamp,
}

/// Activity of the new side on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// First session or event of the day.
    pub first: Timestamp,
    /// How many there were, as far as known.
    pub n: u64,
}

/// The history of one issue around a fix, in one environment, up to one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct FixHistory {
    /// The issue.
    pub issue: Issue,
    /// All releases that hits and uses speak of, oldest first.
    pub releases: Vec<FixRelease>,
    /// Whole name of the release that was asked for; as typed where nobody has seen it.
    pub asked: Untrusted,
    /// Whether somebody has seen it, anywhere.
    pub asked_seen: bool,
    /// Signs of life of the new side, by day, oldest first.
    pub signs: Vec<Sign>,
    /// First event of the issue in the environment that the store still holds.
    pub first_hit: Option<Timestamp>,
    /// Where older signal was dropped, or never asked for: the first moment that is whole.
    pub whole_from: Option<Timestamp>,
    /// All events of the issue and of the candidates, in no particular order.
    pub hits: Vec<FixHit>,
    /// Use by hour and release.
    pub uses: Vec<Use>,
    /// What was lost on the way; empty where nothing was.
    pub lost: Vec<Lost>,
    /// Conditions that nearly all affected users share; at most 64.
    pub conditions: Vec<FixCondition>,
    /// Issues that it may have moved to.
    pub candidates: Vec<FixCandidate>,
    /// What became of those hit before; `None` without named users.
    pub returning: Option<Returning>,
    /// Newest events of the issue on the new side, newest first.
    pub recurrences: Vec<Recurrence>,
    /// Evidence that this store can't give.
    pub gaps: Vec<&'static str>,
}
