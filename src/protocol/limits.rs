//! What a request may cost.

/// Bounds on what is taken in. The defaults are those of Sentry's own Relay where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request as it comes, in bytes: 20 MiB.
    pub compressed_bytes: usize,
    /// Largest request unpacked, in bytes: 100 MiB.
    pub envelope_bytes: usize,
    /// How many times larger than it came a request may unpack to, after the first MiB: 100.
    pub ratio: usize,
    /// Largest event, transaction, session, in bytes: 1 MiB. Containers of logs, spans, metrics may have ten times that.
    pub event_bytes: usize,
    /// Largest attachment or profile, in bytes: 100 MiB, so that the envelope is the bound.
    pub attachment_bytes: usize,
    /// Largest segment of a replay, in bytes: 20 MiB.
    pub recording_bytes: usize,
    /// Most items of an envelope: 1,000.
    pub items: usize,
    /// Deepest nesting of JSON: 64 (the parser itself stops at 128).
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compressed_bytes: 20 << 20,
            envelope_bytes: 100 << 20,
            ratio: 100,
            event_bytes: 1 << 20,
            attachment_bytes: 100 << 20,
            recording_bytes: 20 << 20,
            items: 1_000,
            depth: 64,
        }
    }
}
