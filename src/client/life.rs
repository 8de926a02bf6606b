//! How long what is kept.

use std::time::Duration;

/// Times to live, by how fast a thing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// What can't change: an event by its id, a finished replay, a release's commits.
    pub immutable: Duration,
    /// What was asked about a time that is over.
    pub closed: Duration,
    /// Names: projects, environments.
    pub names: Duration,
    /// Releases, counts of users.
    pub slow: Duration,
    /// Lists and counts.
    pub moving: Duration,
    /// That something is not there or not allowed.
    pub negative: Duration,
    /// How old an answer may be that is served when the store fails.
    pub stale: Duration,
}

impl Default for Lives {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            immutable: seconds(24 * 3_600),
            closed: seconds(3_600),
            names: seconds(300),
            slow: seconds(60),
            moving: seconds(15),
            negative: seconds(10),
            stale: seconds(3_600),
        }
    }
}
