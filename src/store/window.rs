//! Since when, or since which release, users are hit.

use crate::model::{Onset, Release, Untrusted};

/// A stretch up to the scope's end that may mark the affected: a user is inside whose first event in the scope is.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Where it begins.
    pub from: WindowStart,
    /// Affected users inside.
    pub users: u64,
    /// How much the application was used inside: sessions, or events of other issues where there are no sessions.
    pub used: u64,
    /// How much it was used in the scope.
    pub used_in_all: u64,
}

/// Where a window begins.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowStart {
    /// At a moment, with the release that began last before it ended being possible, and the one after it.
    Moment {
        /// The rise that it is taken from.
        onset: Onset,
        /// The release that began last up to the latest hour of the onset, unless it is the first that is known.
        release_before: Option<Box<Release>>,
        /// The release that began next.
        release_after: Option<Box<Release>>,
    },
    /// With a release: it and all later ones.
    Release(Untrusted),
}
