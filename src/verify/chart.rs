//! Rates by time, in few enough buckets to be drawn.

use super::table::Table;
use crate::model::Side;

/// Most buckets.
const MOST: i64 = 36;
/// Lengths in hours.
const LENGTHS: [i64; 8] = [1, 2, 3, 4, 6, 8, 12, 24];

/// Hits and exposure of both sides over some hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// First hour, in whole hours since 1970.
    pub start: i64,
    /// How many hours.
    pub hours: i64,
    /// Control: hits and exposure.
    pub control: (f64, f64),
    /// New side: hits and exposure.
    pub new: (f64, f64),
}

/// The window in buckets, oldest first, without gaps. The last may be cut.
pub(super) fn of(table: &Table) -> Vec<Bucket> {
    let (start, cut) = (table.window.start, table.window.cut);
    let span = cut - start;
    let fits = |hours: &i64| span.div_euclid(*hours) < MOST;
    let hours = LENGTHS.into_iter().find(fits).unwrap_or((span / MOST / 24 + 1) * 24);
    // Aligned with the deploy, so that no bucket mixes before and after.
    let first = table.window.deploy_hour - (table.window.deploy_hour - start).div_euclid(hours) * hours;
    let first = if first > start { first - hours } else { first };
    let mut buckets = Vec::new();
    let mut at = first;
    while at < cut {
        let (from, to) = (at.max(start), (at + hours).min(cut));
        buckets.push(Bucket {
            start: at,
            hours,
            control: table.sums(Side::Control, from, to),
            new: table.sums(Side::New, from, to),
        });
        at += hours;
    }
    buckets
}
