//! Sessions: the denominators.

/// How a session ended, or that it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionStatus {
    /// Goes on.
    Ok,
    /// Ended as it should, with or without handled errors.
    Exited,
    /// Ended by an error that nothing caught.
    Crashed,
    /// Ended without a word: killed, power lost.
    Abnormal,
    /// Went on after an error that nothing caught (browsers).
    Unhandled,
}

/// How many sessions there were, by how they ended. The four kinds of ends overlap with nothing:
/// a crashed session is not counted as errored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SessionCounts {
    /// All.
    pub total: u64,
    /// Had errors and did not crash.
    pub errored: u64,
    /// Crashed.
    pub crashed: u64,
    /// Ended without a word.
    pub abnormal: u64,
    /// Had an error that nothing caught, and went on.
    pub unhandled: u64,
}

impl SessionCounts {
    /// Share of sessions that did not crash, in 0..=1, as Sentry defines it; `None` without sessions.
    pub fn crash_free_rate(&self) -> Option<f64> {
        (self.total > 0).then(|| 1.0 - self.crashed as f64 / self.total as f64)
    }

    /// Share of sessions without an error that nothing caught, in 0..=1: neither crashed nor `unhandled`, as newer SDKs
    /// of browsers end a session that goes on after such an error; `None` without sessions.
    pub fn unhandled_free_rate(&self) -> Option<f64> {
        let hit = self.crashed + self.unhandled;
        (self.total > 0).then(|| 1.0 - hit as f64 / self.total as f64)
    }
}
