//! The table that conditions are sought in: who is affected, who is not, and which tags they had first.
//! It uses `rusqlite` and the packed forms.
//! It never decides what stands out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    affected::Affected,
    baseline::BaseUsers,
    known::Known,
    pool::Snapshot,
    scope::{Bounds, Want},
};
use crate::{
    backend::embedded::pack::{Head, Rest},
    model::Untrusted,
    store::{ConditionTag, Conditions, StoreError},
};

/// Most events on each side where events are rows: memory is bounded, and more would change nothing that matters.
const MOST_EVENTS: usize = 20_000;

impl Snapshot<'_> {
    /// The table of those tags: the affected, then the baseline, each by number.
    pub(super) fn conditions(&self, seen: &Affected, keys: &[u32], base: &BaseUsers) -> Result<Conditions, StoreError> {
        let mut hit: Vec<(u32, usize)> = seen.places_in_period().collect();
        hit.sort_unstable();
        let others: Vec<u32> = base.users.iter().collect();
        let mut tags = Vec::with_capacity(keys.len());
        for key in keys {
            let own: Vec<u32> = hit.iter().map(|(_, place)| seen.first_tags.value(*key, *place)).collect();
            let (mut tag, places) = self.tag_of(*key, &own)?;
            tag.column.resize(hit.len() + others.len(), None);
            for (value, place) in places {
                for user in base.first_with(*key, value) {
                    if let Ok(row) = others.binary_search(&user) {
                        tag.column[hit.len() + row] = Some(place);
                    }
                }
            }
            tags.push(tag);
        }
        tags.sort_by(|a, b| a.tag.raw().cmp(b.tag.raw()));
        let affected = (0..hit.len() + others.len()).map(|row| row < hit.len()).collect();
        Ok(Conditions { rows_are_events: false, affected, tags })
    }

    /// The same where no event of the issues names a user: each is a row, against those of other issues.
    pub(super) fn conditions_of_events(
        &mut self,
        issues: &[Known],
        want: &Want<'_>,
        bounds: &Bounds,
        least: u64,
    ) -> Result<Conditions, StoreError> {
        let mut events = Anonymous::default();
        for known in issues {
            self.each_part(known, want.lo, want.hi, true, |head, rest| events.see(head, rest, want, MOST_EVENTS))?;
        }
        let hit = events.rows;
        let (all, most) = (Want::of(bounds, None), hit + MOST_EVENTS);
        for known in self.known_issues(bounds)? {
            if issues.iter().all(|own| own.id != known.id) {
                self.each_part(&known, all.lo, all.hi, true, |head, rest| events.see(head, rest, &all, most))?;
            }
        }
        let hidden = self.hidden_keys()?;
        let mut tags = Vec::new();
        for (key, mut column) in events.columns {
            column.resize(events.rows, 0);
            let (own, others) = column.split_at(hit);
            if hidden.contains(&key) || most_shared(own) < least {
                continue;
            }
            let (mut tag, places) = self.tag_of(key, own)?;
            tag.column.extend(others.iter().map(|value| places.get(value).copied()));
            tags.push(tag);
        }
        tags.sort_by(|a, b| a.tag.raw().cmp(b.tag.raw()));
        let affected = (0..events.rows).map(|row| row < hit).collect();
        Ok(Conditions { rows_are_events: true, affected, tags })
    }

    /// A tag with the rows of the affected, and the place of each of their values; 0 stands for no value.
    fn tag_of(&self, key: u32, own: &[u32]) -> Result<(ConditionTag, HashMap<u32, u32>), StoreError> {
        let values: BTreeSet<u32> = own.iter().copied().filter(|value| *value != 0).collect();
        let mut named: Vec<(Untrusted, u32)> =
            values.into_iter().map(|value| Ok((self.word(value)?, value))).collect::<Result<_, StoreError>>()?;
        named.sort_by(|a, b| a.0.raw().cmp(b.0.raw()));
        let places: HashMap<u32, u32> = named.iter().zip(0..).map(|((_, value), place)| (*value, place)).collect();
        let column = own.iter().map(|value| places.get(value).copied()).collect();
        let values = named.into_iter().map(|(text, _)| text).collect();
        Ok((ConditionTag { tag: self.word(key)?, values, column }, places))
    }
}

/// How many rows have the commonest value.
pub(super) fn most_shared(column: &[u32]) -> u64 {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    column.iter().filter(|value| **value != 0).for_each(|value| *counts.entry(*value).or_default() += 1);
    counts.into_values().max().unwrap_or(0)
}

/// Events without a user, a row each.
#[derive(Default)]
struct Anonymous {
    rows: usize,
    columns: BTreeMap<u32, Vec<u32>>,
}

impl Anonymous {
    fn see(&mut self, head: &Head, rest: Option<&Rest>, want: &Want<'_>, most: usize) {
        let Some(rest) = rest else { return };
        for at in 0..head.len() {
            let counts = head.user[at] == 0 && want.takes(head.ts[at], head.rel[at], head.env[at]);
            if !counts || self.rows >= most {
                continue;
            }
            for key in rest.tags.keys() {
                let column = self.columns.entry(*key).or_default();
                column.resize(self.rows, 0);
                column.push(rest.tag(*key, at));
            }
            self.rows += 1;
        }
    }
}
