//! When each project last sent anything.
//! It uses the activity by day.
//! It never judges whether that is long ago.

use std::collections::{BTreeMap, BTreeSet};

use super::{facts::Facts, scope::resolve, time::moment};
use crate::store::{Life, Scope, StoreError};

/// Days before the last sign in which further ones are counted, its own among them.
const DAYS: i64 = 7;

/// Answers `SignalStore::life`.
pub(crate) fn life(facts: &mut impl Facts, scope: &Scope) -> Result<Vec<Life>, StoreError> {
    let bounds = resolve(facts, scope)?.all_time();
    let mut by_project: BTreeMap<u64, (i64, BTreeSet<i64>)> = BTreeMap::new();
    for row in facts.activity(&bounds)? {
        let (last, days) = by_project.entry(row.project).or_insert((i64::MIN, BTreeSet::new()));
        *last = (*last).max(row.last);
        days.insert(row.day);
    }
    let life = |(project, (last, days)): (u64, (i64, BTreeSet<i64>))| {
        let newest = days.last().copied().unwrap_or(0);
        Some(Life {
            project: bounds.slug(project)?.into(),
            last: moment(last),
            active_days: days.range(newest - DAYS + 1..).count() as u64,
        })
    };
    Ok(by_project.into_iter().filter_map(life).collect())
}
