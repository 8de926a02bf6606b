//! The condition under which an issue occurs: use outside it is water.

use std::collections::BTreeMap;

use super::{
    evidence::{Evidence, Stratum},
    table::Unit,
    window::{Window, hour},
};
use crate::model::{FixHistory, Side, Use};

/// Share of the affected who must have it.
const SHARED: f64 = 0.95;
/// Fewer affected users show no condition.
const LEAST_USERS: u64 = 8;
/// What more of the use has is no condition.
const COMMON: f64 = 0.9;
/// Nor is what hardly anybody has, where it can be measured: it belongs to the issue, not to its users.
const RARE: f64 = 0.01;
/// Chance of so many sharing it by accident.
const CHANCE: f64 = 0.001;
/// Conditions whose share of use is within this factor of the rarest are equals; the more general is taken.
const EQUALS: f64 = 1.25;
/// Error rate at which a shift of an unmeasured condition is bounded.
const SHIFT_ALPHA: f64 = 0.2;

/// The condition that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cohort {
    /// None.
    None,
    /// Use can be told apart by it, so that the comparison is made within it.
    Split(usize),
    /// Use can't be told apart by it; events of other issues show its share on both sides.
    Seen {
        /// Which.
        condition: usize,
        /// Share on the control.
        before: f64,
        /// Share on the new side.
        after: f64,
        /// Bounds of the ratio of both.
        low: f64,
        /// Upper.
        high: f64,
    },
    /// Use can't be told apart by it, and nothing shows its share on both sides.
    Unseen(usize),
}

impl Cohort {
    /// Chosen from the time before the deploy alone, so that the choice can't bend the test.
    pub(super) fn of(history: &FixHistory, window: &Window, unit: Unit) -> Self {
        let affected = affected(history, window);
        let total: u64 = affected.len() as u64;
        let splits = |condition: &crate::model::FixCondition| match unit {
            Unit::UserHours => condition.of_sessions,
            Unit::Sessions | Unit::Requests => false,
            Unit::Events => true,
        };
        let mut split = Vec::new();
        let mut others = Vec::new();
        for (at, condition) in history.conditions.iter().enumerate().take(64) {
            let having = affected.values().filter(|bits| **bits >> at & 1 == 1).count() as u64;
            let coverage = having as f64 / total.max(1) as f64;
            if having < LEAST_USERS || coverage < SHARED {
                continue;
            }
            let splits = splits(condition);
            let measure = if splits { unit } else { Unit::Events };
            let share = share(history, &condition.uses, window, measure, Side::Control, window.deploy_hour);
            let Some(share) = share.filter(|share| (RARE..COMMON).contains(share)) else { continue };
            if libm::pow(share, having as f64) < CHANCE {
                (if splits { &mut split } else { &mut others }).push((at, coverage, share));
            }
        }
        match (most_general(&split), most_general(&others)) {
            (Some(condition), _) => Self::Split(condition),
            (None, Some(condition)) => shift(history, window, condition),
            (None, None) => Self::None,
        }
    }

    /// The condition, if there is one.
    pub fn condition(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Split(condition) | Self::Seen { condition, .. } | Self::Unseen(condition) => Some(*condition),
        }
    }

    /// Bounds of how much more common the condition became on the new side; (1, 1) where that is accounted for.
    pub(super) fn shift(&self) -> (f64, f64) {
        match self {
            Self::Seen { low, high, .. } => (low.min(1.0), high.max(1.0)),
            _ => (1.0, 1.0),
        }
    }
}

/// Affected users of the control before the deploy, with the conditions that any of their events met.
fn affected(history: &FixHistory, window: &Window) -> BTreeMap<u32, u64> {
    let mut users: BTreeMap<u32, u64> = BTreeMap::new();
    for hit in history.hits.iter().filter(|hit| hit.group == 0) {
        let before = (window.start..window.deploy_hour).contains(&hour(hit.at));
        if let (true, Side::Control, Some(user)) = (before, history.releases[hit.release].side, hit.user) {
            *users.entry(user).or_default() |= hit.conditions;
        }
    }
    users
}

/// Of nearly equally rare ones the one that covers most, then the most general.
fn most_general(found: &[(usize, f64, f64)]) -> Option<usize> {
    let rarest = found.iter().map(|(_, _, share)| *share).fold(f64::INFINITY, f64::min);
    let equals = found.iter().filter(|(_, _, share)| *share <= rarest * EQUALS);
    let best = equals.max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2)).then(b.0.cmp(&a.0)));
    best.map(|(condition, _, _)| *condition)
}

fn sum(history: &FixHistory, uses: &[Use], window: &Window, unit: Unit, side: Side, until: i64) -> f64 {
    let in_time = |part: &&Use| (window.start..until).contains(&part.hour);
    let of_side = |part: &&Use| history.releases[part.release].side == side;
    uses.iter().filter(in_time).filter(of_side).map(|part| unit.of(part) as f64).sum()
}

fn share(history: &FixHistory, uses: &[Use], window: &Window, unit: Unit, side: Side, until: i64) -> Option<f64> {
    let all = sum(history, &history.uses, window, unit, side, until);
    (all > 0.0).then(|| sum(history, uses, window, unit, side, until) / all)
}

/// How much the share of a condition moved from control to new side, seen by events of other issues.
fn shift(history: &FixHistory, window: &Window, condition: usize) -> Cohort {
    let uses = &history.conditions[condition].uses;
    let events = |uses: &[Use], side| sum(history, uses, window, Unit::Events, side, window.cut);
    let (k0, n0) = (events(uses, Side::Control), events(&history.uses, Side::Control));
    let (k1, n1) = (events(uses, Side::New), events(&history.uses, Side::New));
    if n0 <= 0.0 || n1 <= 0.0 {
        return Cohort::Unseen(condition);
    }
    let interval = Evidence::of(&[Stratum { k0, n0, k1, n1 }]).interval(SHIFT_ALPHA);
    Cohort::Seen { condition, before: k0 / n0, after: k1 / n1, low: interval.low, high: interval.high_or_infinite() }
}
