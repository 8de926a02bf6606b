//! Requests that got worse.

/// What got worse with a kind of requests, each before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slower {
    /// Median, milliseconds, where it rose.
    pub median_ms: Option<[f64; 2]>,
    /// 95th percentile, milliseconds.
    pub p95_ms: [f64; 2],
    /// Share that failed, where it rose.
    pub failed: Option<[f64; 2]>,
}
