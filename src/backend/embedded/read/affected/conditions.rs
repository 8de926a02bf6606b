//! The table that conditions are sought in: who is affected, who is not, and which tags they had first.
//! It uses `rusqlite` and the packed forms.
//! It never decides what stands out.

use std::collections::{BTreeMap, BTreeSet};

use super::super::engine::{
    chunks::Unpack,
    known::IssueRow,
    pool::Snapshot,
    scope::{EventFilter, ResolvedScope},
    tally::most_shared,
};
use super::{Affected, baseline::BaseUsers};
use crate::{
    answers::{MOST_EVENTS, are_versions, families},
    backend::embedded::pack::{ById, Head, Rest},
    model::Untrusted,
    release::product,
    store::{Baseline, ConditionTag, Conditions, StoreError},
};

impl Snapshot<'_> {
    /// The table of those tags: the affected, then the baseline, each by number.
    pub(in crate::backend::embedded::read) fn conditions(
        &self,
        seen: &Affected,
        keys: &[u32],
        base: &BaseUsers,
    ) -> Result<Conditions, StoreError> {
        let mut hit: Vec<(u32, usize)> = seen.places_in_period().collect();
        hit.sort_unstable();
        // Numbers of users are dense: a list by number finds a row at once.
        let mut rows = vec![u32::MAX; base.users.max().map_or(0, |most| most as usize + 1)];
        base.users.iter().zip(hit.len() as u32..).for_each(|(user, row)| rows[user as usize] = row);
        let all = hit.len() + base.users.len() as usize;
        let mut tags = Vec::with_capacity(keys.len());
        for key in keys {
            let firsts = seen.first_tags.column(*key);
            let own: Vec<u32> = hit.iter().map(|(_, place)| firsts.get(*place).copied().unwrap_or(0)).collect();
            let (mut tag, places) = self.tag_of(*key, &own, &base.values(*key))?;
            tag.column.resize(all, None);
            for (value, place) in places {
                for user in base.first_with(*key, value) {
                    tag.column[rows[user as usize] as usize] = Some(place);
                }
            }
            tags.push(tag);
        }
        tags.sort_by(|a, b| a.tag.raw().cmp(b.tag.raw()));
        let affected = (0..all).map(|row| row < hit.len()).collect();
        Ok(Conditions { rows_are_events: false, baseline: base.kind, affected, tags })
    }

    /// The same where no event of the issues names a user: each is a row, against those of other issues.
    pub(in crate::backend::embedded::read) fn conditions_of_events(
        &mut self,
        issues: &[IssueRow],
        want: &EventFilter<'_>,
        bounds: &ResolvedScope,
        least: u64,
    ) -> Result<Conditions, StoreError> {
        let mut events = Anonymous::default();
        for known in issues {
            self.each_part(known, want.lo, want.hi, Unpack::All, |head, rest| {
                events.see(head, rest, want, MOST_EVENTS)
            })?;
        }
        let hit = events.rows;
        let (all, most) = (EventFilter::of(bounds, None), hit + MOST_EVENTS);
        for known in self.known_issues(bounds)? {
            if issues.iter().all(|own| own.id != known.id) {
                self.each_part(&known, all.lo, all.hi, Unpack::All, |head, rest| events.see(head, rest, &all, most))?;
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
            let (mut tag, places) = self.tag_of(key, own, others)?;
            tag.column.extend(others.iter().map(|value| places.get(value).copied()));
            tags.push(tag);
        }
        tags.sort_by(|a, b| a.tag.raw().cmp(b.tag.raw()));
        let affected = (0..events.rows).map(|row| row < hit).collect();
        Ok(Conditions { rows_are_events: true, baseline: Baseline::OtherEvents, affected, tags })
    }

    /// A tag with the rows of the affected, and the place of each of their values; 0 stands for no value. `others` are
    /// values of the baseline, of which versions of what the affected have are taken too.
    fn tag_of(&self, key: u32, own: &[u32], others: &[u32]) -> Result<(ConditionTag, ById<u32>), StoreError> {
        let (values, mut more) = (different(own), different(others));
        let words = |values: &BTreeSet<u32>| -> Result<Vec<(Untrusted, u32)>, StoreError> {
            values.iter().filter(|value| **value != 0).map(|value| Ok((self.word(*value)?, *value))).collect()
        };
        let (tag, mut named) = (self.word(key)?, words(&values)?);
        let versioned = are_versions(&tag, named.iter().map(|(text, _)| text));
        if versioned {
            let families: BTreeSet<String> =
                named.iter().filter_map(|(text, _)| product(text.raw())).map(|(family, _)| family.to_owned()).collect();
            more.retain(|value| !values.contains(value));
            let known = |text: &Untrusted| product(text.raw()).is_some_and(|(family, _)| families.contains(family));
            named.extend(words(&more)?.into_iter().filter(|(text, _)| known(text)));
        }
        named.sort_by(|a, b| a.0.raw().cmp(b.0.raw()));
        let places: ById<u32> = named.iter().zip(0..).map(|((_, value), place)| (*value, place)).collect();
        let column = own.iter().map(|value| places.get(value).copied()).collect();
        let values: Vec<Untrusted> = named.into_iter().map(|(text, _)| text).collect();
        let families = if versioned { families(&values) } else { Vec::new() };
        Ok((ConditionTag { tag, values, families, column }, places))
    }
}

/// The different values; many rows have few.
fn different(column: &[u32]) -> BTreeSet<u32> {
    let mut values = column.to_vec();
    values.sort_unstable();
    values.dedup();
    values.into_iter().collect()
}

/// Events without a user, a row each.
#[derive(Default)]
struct Anonymous {
    rows: usize,
    columns: BTreeMap<u32, Vec<u32>>,
}

impl Anonymous {
    fn see(&mut self, head: &Head, rest: Option<&Rest>, want: &EventFilter<'_>, most: usize) {
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
