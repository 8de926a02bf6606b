//! What a loss of errors on their way can explain.
//!
//! Where a share `f` of the errors arrives, an issue is seen `f` times as often, so a ratio of rates that was seen is wrong by
//! the ratio of both sides' shares. Nobody knows whether the errors of this issue were lost as often as others, so the
//! interval has to hold either way: its lower end as if only the control had lost some, its upper end as if only the new
//! side had. No more hits were lost than errors: the upper end with every lost error taken for a hit holds too, and where few
//! were lost it is the lower one.

use std::collections::BTreeSet;

use super::{
    evidence::Interval,
    table::{Compare, Table, Unit},
    window::Window,
};
use crate::model::{FixHistory, Side, Use};

/// The least share that is reckoned with where it is divided by.
const LEAST: f64 = 0.02;

/// What arrived of the errors of both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Share of the control's errors that arrived, 0 to 1.
    pub before: f64,
    /// Share of the new side's.
    pub after: f64,
    /// Errors of the new side that were dropped, those that may have been its among them.
    pub dropped_after: u64,
}

impl Loss {
    /// Nothing was lost.
    pub const NONE: Self = Self { before: 1.0, after: 1.0, dropped_after: 0 };

    /// Reads it off a history. What names no release counts for each side that was in use in its hour.
    pub(super) fn of(history: &FixHistory, window: &Window) -> Self {
        if history.lost.iter().all(|part| part.dropped == 0) {
            return Self::NONE;
        }
        let of_side = |side: Side| {
            let own = |part: &&Use| {
                history.releases[part.release].side == side && part.users + part.sessions + part.events > 0
            };
            let in_use: BTreeSet<i64> = history.uses.iter().filter(own).map(|part| part.hour).collect();
            let mut sums = (0, 0);
            for part in history.lost.iter().filter(|part| (window.start..window.cut).contains(&part.hour)) {
                let counts = match part.release {
                    Some(release) => history.releases[release].side == side,
                    None => in_use.contains(&part.hour),
                };
                if counts {
                    sums = (sums.0 + part.arrived, sums.1 + part.dropped);
                }
            }
            sums
        };
        let share = |(arrived, dropped): (u64, u64)| {
            if dropped == 0 { 1.0 } else { arrived as f64 / (arrived + dropped) as f64 }
        };
        let (control, new) = (of_side(Side::Control), of_side(Side::New));
        Self { before: share(control), after: share(new), dropped_after: new.1 }
    }

    /// The factor by which a bar for the ratio falls.
    pub(super) fn shift(&self) -> f64 {
        self.after.max(LEAST)
    }

    /// The interval of the ratio, as wide as the loss makes it.
    pub(super) fn interval(&self, table: &Table, compare: Compare, alpha: f64) -> Interval {
        let seen = table.interval(compare, alpha);
        if *self == Self::NONE {
            return seen;
        }
        // Events of other issues are thinned as those of this one are.
        let even = table.unit() == Unit::Events;
        let ratio = if even { seen.ratio } else { seen.ratio.map(|ratio| ratio * self.before / self.shift()) };
        let low = if even { seen.low } else { seen.low * self.before };
        let scaled = seen.high.filter(|_| self.after > 0.0).map(|high| high / self.after);
        let counted = table.interval_with(compare, alpha, self.dropped_after as f64).high;
        let high = match (scaled, counted) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let ratio = ratio.map(|ratio| ratio.max(low).min(high.unwrap_or(f64::INFINITY)));
        Interval { ratio, low, high }
    }
}
