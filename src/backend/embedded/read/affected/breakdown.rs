//! The affected by tag, each value beside its users in the baseline.
//! It uses the packed forms.
//! It never breaks down by what differs with every event.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc::{SyncSender, sync_channel},
    thread::{Scope, ScopedJoinHandle},
};

use super::super::engine::{
    pool::Snapshot,
    scope::ResolvedScope,
    tally::{MatchedRows, ValueCount, Values},
};
use super::{Affected, baseline::BaseUsers};
use crate::{
    answers::{MOST_VALUES, TAGS, VALUES},
    backend::embedded::{pack::Rest, write::Word},
    model::Untrusted,
    store::{AffectedFacts, AffectedQuery, NO_CONDITION, StoreError, TagShare},
};

/// Values of tags while they are counted.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Breakdown {
    /// Keys that are asked for; none: all.
    asked: Vec<u32>,
    values: BTreeMap<u32, Values>,
}

impl Breakdown {
    pub(in crate::backend::embedded::read) fn new(asked: Vec<u32>) -> Self {
        Self { asked, values: BTreeMap::new() }
    }

    /// Counts the tags of those parts' rows, of users at places below `places`; tag by tag.
    pub(in crate::backend::embedded::read) fn see(&mut self, parts: &[(Rest, MatchedRows)], places: usize) {
        let keys: BTreeSet<u32> = parts.iter().flat_map(|(rest, _)| rest.tags.keys().copied()).collect();
        for key in keys {
            if !self.asked.is_empty() && !self.asked.contains(&key) {
                continue;
            }
            let values = self.values.entry(key).or_default();
            for (tag, taken) in parts.iter().filter_map(|(rest, taken)| Some((rest.tags.get(&key)?, taken))) {
                if !self.asked.is_empty() || values.len() <= MOST_VALUES {
                    values.see(tag, taken, places);
                }
            }
        }
    }

    /// The tags that tell most: carried by most of the events, with few values, and more than one where there is a choice.
    fn telling(&self, events: u64, is_condition: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut keys: Vec<(u32, usize, u64)> = self
            .values
            .iter()
            .map(|(key, values)| (*key, values.len(), values.events()))
            .filter(|(key, values, _)| (1..=MOST_VALUES).contains(values) && is_condition(*key))
            .collect();
        // Coverage in tenths: a few events without a tag must not outweigh a tag of fewer values.
        keys.sort_by_key(|(key, values, covered)| (std::cmp::Reverse(covered * 10 / events.max(1)), *values, *key));
        keys.into_iter().take(TAGS).map(|(key, ..)| key).collect()
    }
}

/// Parts, and how many users there are so far.
type Parts = (Vec<(Rest, MatchedRows)>, usize);

/// A thread that counts tags.
pub(in crate::backend::embedded::read) struct TagCounterThread<'s> {
    parts: SyncSender<Parts>,
    thread: ScopedJoinHandle<'s, Breakdown>,
}

impl<'s> TagCounterThread<'s> {
    /// Goes on with what was counted so far.
    pub(in crate::backend::embedded::read) fn start(scope: &'s Scope<'s, '_>, mut tags: Breakdown) -> Self {
        // One batch waits: memory is bounded.
        let (parts, waiting) = sync_channel::<Parts>(1);
        let count = move || {
            waiting.into_iter().for_each(|(parts, places)| tags.see(&parts, places));
            tags
        };
        Self { parts, thread: scope.spawn(count) }
    }

    pub(in crate::backend::embedded::read) fn count(&self, parts: Parts) {
        // It takes all that comes, unless it panicked: then joining it says so.
        let _ = self.parts.send(parts);
    }

    /// What was counted.
    pub(in crate::backend::embedded::read) fn counted(self) -> Breakdown {
        drop(self.parts);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Snapshot<'_> {
    /// The numbers of tags; those that no event has are left out.
    pub(in crate::backend::embedded::read) fn tag_keys(&self, names: &[Untrusted]) -> Result<Vec<u32>, StoreError> {
        let mut keys = Vec::new();
        for name in names {
            // A tag that nothing has keeps its place, so that "asked for" stays true; 0 is no tag's number.
            keys.push(self.word_id(Word::TagKey, 0, name.raw())?.unwrap_or(0));
        }
        Ok(keys)
    }

    /// Fills in the breakdown and the baseline's size.
    pub(in crate::backend::embedded::read) fn add_breakdown(
        &mut self,
        facts: &mut AffectedFacts,
        seen: &Affected,
        query: &AffectedQuery,
        bounds: &ResolvedScope,
    ) -> Result<(), StoreError> {
        let hidden = self.hidden_keys()?;
        let mut keys = if query.by.is_empty() {
            seen.tags.telling(facts.events, |key| !hidden.contains(&key))
        } else {
            self.tag_keys(&query.by)?.into_iter().filter(|key| *key != 0).collect()
        };
        let mut sought = if query.shared_by == 0 { Vec::new() } else { seen.first_tags.shared(query.shared_by) };
        sought.retain(|key| !hidden.contains(key));
        let asked = if query.by.is_empty() { &[] } else { keys.as_slice() };
        let mut base = self.baseline(query, bounds, &[keys.as_slice(), &sought].concat(), asked, &seen.in_period)?;
        keys.retain(|key| base.compares(*key));
        sought.retain(|key| base.compares(*key));
        (facts.baseline_users, facts.active_users) = (base.users.len(), base.active);
        facts.warnings.append(&mut base.warnings);
        if query.shared_by > 0 && facts.in_period > 0 {
            facts.conditions = self.conditions(seen, &sought, &base)?;
        }
        for key in keys {
            let shares = self.shares(seen, &mut base, key)?;
            facts.breakdown.push((self.word(key)?, shares));
        }
        Ok(())
    }

    pub(in crate::backend::embedded::read) fn hidden_keys(&self) -> Result<Vec<u32>, StoreError> {
        let mut keys = Vec::new();
        for name in NO_CONDITION {
            keys.extend(self.word_id(Word::TagKey, 0, name)?);
        }
        Ok(keys)
    }

    fn shares(&self, seen: &Affected, base: &mut BaseUsers, key: u32) -> Result<Vec<TagShare>, StoreError> {
        let Some(values) = seen.tags.values.get(&key) else { return Ok(Vec::new()) };
        let mut counts = values.counts();
        counts.sort_unstable_by_key(|count| (std::cmp::Reverse((count.users, count.events)), count.value));
        counts.truncate(VALUES);
        let share = |ValueCount { value, events, users }| {
            Ok(TagShare { value: self.word(value)?, users, events, baseline_users: base.with(key, value) })
        };
        counts.into_iter().map(share).collect()
    }
}
