//! An issue: events that have one cause, as grouping sees it.

use std::fmt;

use super::{Level, Onset, Timestamp, Untrusted};

/// Names an issue within a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueId(pub i64);

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What somebody decided about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Open.
    #[default]
    Unresolved,
    /// Said to be mended.
    Resolved,
    /// Not worth looking at.
    Ignored,
}

impl Status {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }
}

/// What the numbers say about an issue, for the scope that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Never seen before the scope.
    New,
    /// It was gone and came back.
    Regressed,
    /// It was there and has grown more than chance explains.
    Escalating,
    /// It was there before and still is.
    Ongoing,
    /// Somebody resolved it, and it has not been seen since.
    Resolved,
}

impl Change {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Regressed => "regressed",
            Self::Escalating => "escalating",
            Self::Ongoing => "ongoing",
            Self::Resolved => "resolved",
        }
    }
}

/// When, and from which release on, an issue was said to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When somebody said so.
    pub at: Timestamp,
    /// The release that has the fix, where it was named.
    pub in_release: Option<Untrusted>,
    /// The newest release at that time, where the fix was said to come with the one after it.
    pub after_release: Option<Untrusted>,
}

/// The frame that an issue is known by: the innermost in-app frame, else the innermost.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopFrame {
    /// Function.
    pub function: Option<Untrusted>,
    /// File.
    pub file: Option<Untrusted>,
    /// Line in the newest event.
    pub line: Option<u64>,
}

/// What is known of an issue whatever the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Its number in the store.
    pub id: IssueId,
    /// `SHOP-4K`.
    pub short_id: String,
    /// Slug of its project.
    pub project: String,
    /// One line that names it.
    pub title: Untrusted,
    /// Type of the exception.
    pub ty: Option<Untrusted>,
    /// Text of the exception or message.
    pub value: Option<Untrusted>,
    /// Where it happened: transaction, or function and file.
    pub culprit: Option<Untrusted>,
    /// Level of the newest event.
    pub level: Level,
    /// Whether any event of it was unhandled.
    pub unhandled: bool,
    /// Whether jobs alone had it that nobody asked for: it has no users, rather than ones who are not known.
    pub unattended: bool,
    /// What somebody decided.
    pub status: Status,
    /// When it was resolved, if it is or was.
    pub resolution: Option<Resolution>,
    /// Where it crashes.
    pub top_frame: Option<TopFrame>,
}

/// The numbers behind a [`Change`]. A view makes the sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeReason {
    /// First seen in this release (or at this time, without releases).
    FirstSeen {
        /// The release.
        release: Option<Untrusted>,
        /// The time.
        at: Timestamp,
        /// How many releases before it were seen without it.
        clean_releases: u64,
    },
    /// It was absent from releases between two in which it occurred.
    Returned {
        /// Last release with it, before it was gone.
        last_bad: Untrusted,
        /// Releases between without it.
        absent: Vec<Untrusted>,
        /// Events that the releases between would have had at its usual rate.
        expected: f64,
        /// Release in which it is back.
        back_in: Untrusted,
        /// First event of it there.
        back_at: Option<Timestamp>,
    },
    /// It occurred after it was resolved.
    SinceResolved {
        /// When it was resolved.
        resolved_at: Timestamp,
        /// Release named then.
        in_release: Option<Untrusted>,
        /// First event after.
        again_at: Timestamp,
    },
    /// More than chance explains, up to now.
    Grew(Onset),
    /// Nothing changed.
    Steady {
        /// Release in which it was first seen.
        since_release: Option<Untrusted>,
        /// When it was first seen.
        since: Timestamp,
    },
    /// The upstream says so, and its numbers are not at hand.
    Marked {
        /// Its word: `resolved`, `regressed`, `escalating`.
        word: &'static str,
    },
    /// Resolved and not seen since.
    Quiet {
        /// When it was resolved.
        resolved_at: Timestamp,
    },
}

/// Keys of a crash of native code without symbols. Offsets change from build to build; what the program said, and which
/// files the stack ran through, does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcrossBuilds {
    /// What was said, the files, and about where: places that lie near each other share one of the two.
    pub said: [[u8; 16]; 2],
    /// The same in this build.
    pub here: [u8; 16],
    /// Stands for the fact that several places of one build say the same, so that it leads nowhere.
    pub ambiguous: [u8; 16],
}

/// What names a group of events and describes the issue that it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Equal for events of one issue.
    pub hash: [u8; 16],
    /// Other keys of the same event: if an issue has one of them, the event joins it.
    /// Used where a better key (a source map) came later. Usually empty.
    pub also: Vec<[u8; 16]>,
    /// What leads to the same crash in other builds, where its place is known by an offset alone.
    pub across: Option<AcrossBuilds>,
    /// How it was decided: `fingerprint`, `stack`, `chain`, `message`, `fallback`.
    pub by: &'static str,
    /// One line that names the issue.
    pub title: Untrusted,
    /// Type of the exception that names it.
    pub ty: Option<Untrusted>,
    /// Text of it.
    pub value: Option<Untrusted>,
    /// Transaction, or function and file.
    pub culprit: Option<Untrusted>,
    /// Where it crashes.
    pub top_frame: Option<TopFrame>,
}
