//! The feed: what changed, once each, in order; who is told of it; who works on what.

use super::StoreError;
use crate::model::{Timestamp, Untrusted};

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// An issue that was never seen before.
    New,
    /// An issue that was gone and is back.
    Regressed,
    /// An issue that grows more than chance explains.
    Escalating,
    /// An issue that hits more than the set share of the active users.
    Share,
    /// A verification has reached a verdict.
    Verified,
    /// A fix that held does so no more.
    Relapsed,
    /// Data is being dropped.
    Loss,
    /// A project that sent signal sends none any more.
    Quiet,
}

/// All kinds, in the order of the contract.
pub const FINDING_KINDS: [FindingKind; 8] = [
    FindingKind::New,
    FindingKind::Regressed,
    FindingKind::Escalating,
    FindingKind::Share,
    FindingKind::Verified,
    FindingKind::Relapsed,
    FindingKind::Loss,
    FindingKind::Quiet,
];

impl FindingKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Regressed => "regressed",
            Self::Escalating => "escalating",
            Self::Share => "share",
            Self::Verified => "verified",
            Self::Relapsed => "relapsed",
            Self::Loss => "loss",
            Self::Quiet => "quiet",
        }
    }

    /// The kind of that word.
    pub fn of(word: &str) -> Option<Self> {
        FINDING_KINDS.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An issue as an entry of the feed names it.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingIssue {
    /// Its number.
    pub id: i64,
    /// For people.
    pub short_id: String,
    /// One line.
    pub title: Untrusted,
    /// Distinct users when it was found.
    pub users: u64,
    /// Events when it was found.
    pub events: u64,
}

/// A change that may be an entry already.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFinding {
    /// Names the change: a second one with the same name is no entry.
    pub once: String,
    /// When it was found.
    pub at: Timestamp,
    /// What changed.
    pub kind: FindingKind,
    /// Slug of the project.
    pub project: String,
    /// The issue, where it is about one.
    pub issue: Option<FindingIssue>,
    /// The release, where it is about one.
    pub release: Option<Untrusted>,
    /// What and why, in one sentence.
    pub statement: Untrusted,
}

/// An entry of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable, and higher than that of each entry before.
    pub id: u64,
    /// The change.
    pub change: NewFinding,
}

/// Somebody works on an issue.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Number of the issue.
    pub issue: i64,
    /// Who.
    pub who: Untrusted,
    /// Until when.
    pub until: Timestamp,
}

/// A fix that is looked at until a time.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedFix {
    /// Number of the issue.
    pub issue: i64,
    /// The first release that has the fix.
    pub release: Untrusted,
    /// The environment; empty: all.
    pub environment: Untrusted,
    /// Until when.
    pub until: Timestamp,
    /// The last verdict, in the contract's words.
    pub verdict: Option<String>,
}

/// Data that was not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Slug of the project.
    pub project: String,
    /// Days since 1970, UTC.
    pub day: i64,
    /// Type of the items.
    pub item: String,
    /// Who dropped it: `dropped_by_sdk`, `invalid`, `refused`.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub quantity: u64,
}

/// What became of telling a subscriber of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delivery {
    /// It arrived, or is given up.
    Done,
    /// It is to be tried again, not before.
    Again(Timestamp),
    /// The subscriber wants nothing any more.
    Gone,
}

/// The feed of a store.
#[async_trait::async_trait]
pub trait FeedStore: Send + Sync {
    /// Writes down changes; returns how many of them were no entries yet.
    async fn record(&self, changes: Vec<NewFinding>) -> Result<usize, StoreError>;

    /// Entries after one, oldest first.
    async fn findings(&self, after: u64, limit: usize) -> Result<Vec<Finding>, StoreError>;

    /// Id of the newest entry; 0 where there is none.
    async fn last_finding(&self) -> Result<u64, StoreError>;

    /// Makes a subscriber known. One that is known already goes on where it was, unless `start` is given.
    async fn subscribe(&self, target: &str, start: Option<u64>) -> Result<(), StoreError>;

    /// The oldest entry that a subscriber has not been told of, for itself alone until `until`; and how often it was
    /// tried before. `None`: there is none now.
    async fn take(&self, target: &str, now: Timestamp, until: Timestamp) -> Result<Option<(Finding, u32)>, StoreError>;

    /// Says what became of an entry that was taken.
    async fn settle(&self, target: &str, finding: u64, told: Delivery) -> Result<(), StoreError>;

    /// Claims that hold.
    async fn claims(&self, now: Timestamp) -> Result<Vec<Claim>, StoreError>;

    /// Claims an issue. `Some`: another holds it, and it stays theirs.
    async fn claim(&self, claim: Claim, now: Timestamp) -> Result<Option<Claim>, StoreError>;

    /// Ends a claim.
    async fn unclaim(&self, issue: i64) -> Result<(), StoreError>;

    /// Has a fix looked at.
    async fn watch_fix(&self, fix: WatchedFix) -> Result<(), StoreError>;

    /// Fixes that are looked at.
    async fn watched_fixes(&self, now: Timestamp) -> Result<Vec<WatchedFix>, StoreError>;

    /// Changes the verdict of a fix; `false`: another process did so before.
    async fn set_verdict(&self, fix: &WatchedFix, verdict: &str) -> Result<bool, StoreError>;

    /// Data that was not kept since a day.
    async fn losses(&self, since_day: i64) -> Result<Vec<Loss>, StoreError>;
}
