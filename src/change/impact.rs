//! How much an issue matters: what lists are sorted by unless told otherwise.

use crate::model::{Change, ChangeReason, Status, Timestamp};

/// What is weighed.
#[derive(Clone, Copy, Debug)]
pub struct Weight<'a> {
    /// Users in scope.
    pub users: u64,
    /// Events in scope.
    pub events: u64,
    /// Users of the project who were active in scope.
    pub active: u64,
    /// What changed.
    pub change: Change,
    /// Why.
    pub why: &'a ChangeReason,
    /// Whether nothing caught it.
    pub unhandled: bool,
    /// What somebody decided.
    pub status: Status,
    /// The moment that the answer speaks of.
    pub as_of: Timestamp,
}

/// What is new or back weighs so many times more at first,
const NEW: f64 = 3.0;
/// and half of that is gone after so many seconds: people have got to know it, and its release has reached who uses it.
const HALF_S: f64 = 7.0 * 86_400.0;

/// Users, who weigh up to three times as much the more of the active they are (a small project that fails for all
/// counts before a crowd's rare fault), and a tenth of the logarithm of the events, for what names no user. Weighed
/// by newness, which fades, by growth, and by what nothing caught.
pub fn impact(weight: &Weight<'_>) -> f64 {
    let users = weight.users as f64;
    let share = if weight.active > 0 { (users / weight.active as f64).min(1.0) } else { 0.0 };
    let change = match (weight.change, weight.why) {
        (Change::New | Change::Regressed, why) => newness(why, weight.as_of),
        (Change::Escalating, ChangeReason::Grew(onset)) => 1.5 * onset.ratio.clamp(1.0, 9.0).sqrt(),
        (Change::Escalating | Change::Ongoing, _) => 1.0,
        (Change::Resolved, _) => 0.3,
    };
    let crash = if weight.unhandled { 1.5 } else { 1.0 };
    let ignored = if weight.status == Status::Ignored { 0.1 } else { 1.0 };
    (users * (1.0 + 2.0 * share) + 0.1 * (weight.events as f64).ln_1p()) * change * crash * ignored
}

/// From [`NEW`] down to 1.
fn newness(why: &ChangeReason, as_of: Timestamp) -> f64 {
    let since = match why {
        ChangeReason::FirstSeen { at, .. } => Some(*at),
        ChangeReason::Returned { back_at, .. } => *back_at,
        ChangeReason::SinceResolved { again_at, .. } => Some(*again_at),
        _ => None,
    };
    let age_s = since.map_or(0, |since| as_of.as_second().saturating_sub(since.as_second()).max(0));
    1.0 + (NEW - 1.0) * (-(age_s as f64) / HALF_S).exp2()
}
