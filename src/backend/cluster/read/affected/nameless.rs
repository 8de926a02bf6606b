//! The table of conditions where no event of the issues names a user: each event is a row.
//! It uses ClickHouse's SQL.
//! It never reads more events of a side than change anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{history::between, history::places, moment::Moment},
    Asked,
    conditions::condition_tag,
};
use crate::{
    answers::MOST_EVENTS,
    store::{Baseline, Conditions, NO_CONDITION, StoreError},
};

/// The tags of an event.
type Tags = HashMap<String, String>;

impl Moment {
    /// Events without a user against those of other issues.
    pub(super) fn conditions_of_events(&self, asked: &Asked, least: u64) -> Result<Conditions, StoreError> {
        let sql = format!(
            "SELECT tags FROM event WHERE {} AND user=0 ORDER BY project, issue, ts, seq LIMIT {MOST_EVENTS}",
            asked.within
        );
        let hit: Vec<(Tags,)> = self.facts(&sql)?;
        let others: Vec<(Tags,)> = match &asked.known {
            Some(known) => self.facts(&format!(
                "SELECT tags FROM event WHERE {}{} AND issue!={} AND user=0
                 ORDER BY project, issue, ts, seq LIMIT {MOST_EVENTS}",
                places(&asked.bounds),
                between("ts", asked.bounds.lo, asked.bounds.hi),
                known.id
            ))?,
            None => Vec::new(),
        };
        let own = hit.len();
        let rows: Vec<Tags> = hit.into_iter().chain(others).map(|(tags,)| tags).collect();
        let names: BTreeSet<&String> = rows.iter().flat_map(HashMap::keys).collect();
        let mut tags = Vec::new();
        for name in names.into_iter().filter(|name| !NO_CONDITION.contains(&name.as_str())) {
            let column: Vec<Option<String>> = rows.iter().map(|tags| tags.get(name).cloned()).collect();
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            column[..own].iter().flatten().for_each(|value| *counts.entry(value).or_default() += 1);
            if counts.into_values().max().unwrap_or(0) >= least {
                tags.push(condition_tag(name, &column, own));
            }
        }
        let affected = (0..rows.len()).map(|row| row < own).collect();
        Ok(Conditions { rows_are_events: true, baseline: Baseline::OtherEvents, affected, tags })
    }
}
