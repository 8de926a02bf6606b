//! The tags of each affected user's first event.
//! It uses the packed forms.
//! It never lets one who fails a hundred times count for more than one.

use std::collections::BTreeMap;

use super::conditions::most_shared;
use crate::backend::embedded::pack::Rest;

/// A row for each place, a column for each tag; 0 stands for no value.
#[derive(Default)]
pub(super) struct FirstTags {
    first: Vec<i64>,
    releases: Vec<u32>,
    columns: BTreeMap<u32, Vec<u32>>,
}

impl FirstTags {
    /// Takes an event of the user at that place, if it is older than what came before.
    pub(super) fn see(&mut self, rest: &Rest, row: usize, (ts, rel): (i64, u32), place: u32) {
        let place = place as usize;
        if place >= self.first.len() {
            self.first.resize(place + 1, i64::MAX);
            self.releases.resize(place + 1, 0);
        }
        if ts >= self.first[place] {
            return;
        }
        let again = self.first[place] != i64::MAX;
        (self.first[place], self.releases[place]) = (ts, rel);
        if again {
            self.columns.values_mut().filter(|column| place < column.len()).for_each(|column| column[place] = 0);
        }
        for key in rest.tags.keys() {
            let value = rest.tag(*key, row);
            if value != 0 {
                let column = self.columns.entry(*key).or_default();
                column.resize(column.len().max(place + 1), 0);
                column[place] = value;
            }
        }
    }

    /// Tags with a value that at least `least` of the users share.
    pub(super) fn shared(&self, least: u64) -> Vec<u32> {
        self.columns.iter().filter(|(_, column)| most_shared(column) >= least).map(|(key, _)| *key).collect()
    }

    /// When the user at that place was hit first, and in which release.
    pub(super) fn first(&self, place: usize) -> Option<(i64, u32)> {
        let at = self.first.get(place).copied().filter(|at| *at != i64::MAX)?;
        Some((at, self.releases[place]))
    }

    /// The value that the user at that place has of a tag; 0 without.
    pub(super) fn value(&self, key: u32, place: usize) -> u32 {
        self.columns.get(&key).and_then(|column| column.get(place)).copied().unwrap_or(0)
    }
}
