//! How long replies serve: by how fast the thing changes that they tell of.

use std::time::Duration;

/// How long replies serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// An event by its id that has a successor.
    pub fixed: Duration,
    /// What was asked about a time that is over for an hour.
    pub closed: Duration,
    /// Names: projects, environments.
    pub names: Duration,
    /// Releases, sessions, events in groups.
    pub slow: Duration,
    /// Lists of issues and of events.
    pub moving: Duration,
    /// That something is not there.
    pub absent: Duration,
    /// How old a reply may be that serves when the server fails.
    pub stale: Duration,
}

impl Ttl {
    /// Everything for the same time.
    pub const fn each(time: Duration) -> Self {
        Self { fixed: time, closed: time, names: time, slow: time, moving: time, absent: time, stale: time }
    }
}

impl Default for Ttl {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            fixed: seconds(24 * 3_600),
            closed: seconds(3_600),
            names: seconds(300),
            slow: seconds(60),
            moving: seconds(15),
            absent: seconds(10),
            stale: seconds(3_600),
        }
    }
}

/// How fast a thing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Names; no signal.
    Names,
    /// Releases, sessions, events in groups.
    Slow,
    /// Lists of issues and of events.
    Moving,
    /// One event: it stays as it is once it has a successor.
    Event,
}

impl Life {
    /// For the table of operations in the documentation.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Names => "5 min",
            Self::Slow => "60 s",
            Self::Moving => "15 s",
            Self::Event => "60 s, or a day once it has a successor",
        }
    }
}
