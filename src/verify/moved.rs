//! The same failure under another issue.

use std::collections::BTreeSet;

use super::{
    Demand,
    evidence::Interval,
    table::{Compare, Table},
};
use crate::model::{FixHistory, FixHit, Side};

/// Fewer users under the candidates prove no move.
const LEAST_USERS: u64 = 3;

/// What issue and candidates together say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Whether it is proven: together they are not fixed. Else they are not known to be.
    pub proven: bool,
    /// The ratio of rates of both together.
    pub interval: Interval,
    /// Distinct users with an event of a candidate; events that name nobody count one each.
    pub users: u64,
    /// Those of them who had the old issue before.
    pub had_it_before: u64,
}

/// Counts issue and candidates together; `None` where that is fixed too, or there is no candidate.
pub(super) fn look(
    history: &FixHistory,
    alone: &Table,
    condition: Option<usize>,
    compare: Compare,
    demand: &Demand,
    measure: impl Fn(&Table, Compare, f64) -> Interval,
) -> Option<Moved> {
    if history.candidates.is_empty() {
        return None;
    }
    let unit = alone.unit();
    let table = Table::of(history, alone.window, unit, condition, |_| true);
    let interval = measure(&table, compare, demand.alpha());
    if interval.high_or_infinite() <= demand.bar() {
        return None;
    }
    let of_candidates = || history.hits.iter().filter(|hit| hit.group > 0);
    let named: BTreeSet<u32> = of_candidates().filter_map(|hit| hit.user).collect();
    let old = |hit: &&FixHit| hit.group == 0 && history.releases[hit.release].side != Side::New;
    let before: BTreeSet<u32> = history.hits.iter().filter(old).filter_map(|hit| hit.user).collect();
    let users = named.len() as u64 + of_candidates().filter(|hit| hit.user.is_none()).count() as u64;
    Some(Moved {
        proven: interval.low > demand.bar() && users >= LEAST_USERS,
        interval,
        users,
        had_it_before: named.intersection(&before).count() as u64,
    })
}
