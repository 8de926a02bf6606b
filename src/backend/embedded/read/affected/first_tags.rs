//! The tags of each affected user's first event.
//! It uses the packed forms.
//! It never lets one who fails a hundred times count for more than one.

use std::collections::BTreeMap;

use super::super::engine::tally::{MatchedRows, most_shared};
use crate::backend::embedded::pack::{Head, Rest};

/// A row for each place, a column for each tag; 0 stands for no value.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct FirstTags {
    first: Vec<i64>,
    releases: Vec<u32>,
    columns: BTreeMap<u32, Vec<u32>>,
}

impl FirstTags {
    /// Takes those rows; `release` gives the number that counts for theirs.
    pub(in crate::backend::embedded::read) fn see(
        &mut self,
        head: &Head,
        rest: &Rest,
        taken: &MatchedRows,
        release: impl Fn(u32) -> u32,
    ) {
        let mut older: Vec<(usize, usize)> = Vec::new();
        for (row, place) in &taken.named {
            let (row, place) = (*row as usize, *place as usize);
            if place >= self.first.len() {
                self.first.resize(place + 1, i64::MAX);
                self.releases.resize(place + 1, 0);
            }
            if head.ts[row] < self.first[place] {
                (self.first[place], self.releases[place]) = (head.ts[row], release(head.rel[row]));
                older.push((row, place));
            }
        }
        for key in rest.tags.keys() {
            self.columns.entry(*key).or_default();
        }
        for (key, column) in &mut self.columns {
            let tag = rest.tags.get(key);
            column.resize(self.first.len(), 0);
            // In the order of rows: the last that was older than all before it stays.
            older.iter().for_each(|(row, place)| column[*place] = tag.map_or(0, |tag| tag.value(*row)));
        }
    }

    /// Tags with a value that at least `least` of the users share.
    pub(in crate::backend::embedded::read) fn shared(&self, least: u64) -> Vec<u32> {
        self.columns.iter().filter(|(_, column)| most_shared(column) >= least).map(|(key, _)| *key).collect()
    }

    /// When the user at that place was hit first, and in which release.
    pub(in crate::backend::embedded::read) fn first(&self, place: usize) -> Option<(i64, u32)> {
        let at = self.first.get(place).copied().filter(|at| *at != i64::MAX)?;
        Some((at, self.releases[place]))
    }

    /// A tag's values by place, 0 without; shorter where the last users lack it.
    pub(in crate::backend::embedded::read) fn column(&self, key: u32) -> &[u32] {
        self.columns.get(&key).map_or(&[], Vec::as_slice)
    }
}
