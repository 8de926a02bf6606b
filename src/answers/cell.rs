//! How often an issue occurred, by release, environment and day.
//! It never counts users: sets of users don't add up.

/// The events of an issue in one release, environment and UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayCount {
    pub(crate) rel: u32,
    pub(crate) env: u32,
    pub(crate) day: i64,
    pub(crate) events: u64,
    /// Those with a user.
    pub(crate) named: u64,
    pub(crate) unhandled: u64,
    pub(crate) replays: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl DayCount {
    /// What tells cells of one issue apart, and their order.
    pub(crate) fn key(&self) -> (u32, u32, i64) {
        (self.rel, self.env, self.day)
    }
}
