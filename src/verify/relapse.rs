//! A fix that held for a time, and then no longer: the idea of Shin, Ramdas and Rinaldo, *E-detectors*, 2023.

use super::{
    Demand,
    evidence::Interval,
    table::{Compare, Table},
    verdict::Verdict,
};
use crate::model::Side;

/// The shortest window, in hours; each further one is twice as long.
const SHORTEST_H: i64 = 6;
/// The error rate is divided by so many: as many windows as a year has.
const WINDOWS: f64 = 10.0;

/// What the last hours say against the time before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relapse {
    /// Their verdict.
    pub verdict: Verdict,
    /// How many hours.
    pub window_h: i64,
    /// How many hours since the deploy it had held: up to the first hit in them.
    pub held_h: i64,
    /// Hits in them.
    pub hits: f64,
    /// The ratio of rates in them.
    pub interval: Interval,
}

/// Looks at ever longer last hours; the first that refute what the whole says stand.
pub(super) fn look(
    table: &Table,
    compare: Compare,
    demand: &Demand,
    verdict: Verdict,
    whole: &Interval,
    measure: impl Fn(&Table, Compare, f64) -> Interval,
) -> Option<Relapse> {
    if !matches!(verdict, Verdict::Fixed | Verdict::InsufficientExposure | Verdict::Reduced) {
        return None;
    }
    // Windows slide from poll to poll, so they also have to stand out from the whole.
    let bar = demand.bar().max(whole.ratio.unwrap_or(1.0));
    let window = &table.window;
    let lengths = std::iter::successors(Some(SHORTEST_H), |hours| Some(hours * 2));
    for window_h in lengths.take_while(|hours| *hours < window.elapsed_h()) {
        let part = Compare { new_from: window.cut - window_h, ..compare };
        let interval = measure(table, part, demand.alpha() / WINDOWS);
        if interval.low <= bar {
            continue;
        }
        let in_part = || table.hits.iter().filter(|hit| hit.side == Side::New && hit.hour >= part.new_from);
        let first = in_part().map(|hit| hit.hour).min()?;
        return Some(Relapse {
            verdict: Verdict::of(&interval, demand.bar()),
            window_h,
            held_h: first - window.deploy_hour,
            hits: in_part().count() as f64,
            interval,
        });
    }
    None
}
