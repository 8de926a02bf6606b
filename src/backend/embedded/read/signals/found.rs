//! What a question over lines finds: groups, or the newest lines, and which keys lines have.
//! It uses rows and the query alone.
//! It never keeps more lines than an answer can show.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{group::Groups, test};
use crate::{
    backend::embedded::lines::{Row, Source},
    store::{SignalKind, SignalQuery},
};

/// A line that is shown, if it is among the newest.
#[derive(Debug)]
pub(super) enum Hit {
    Line(Box<Row>),
    Packed(Place),
}

/// Where a line of a block is read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) project: u64,
    pub(super) source: Source,
    pub(super) kind: SignalKind,
    pub(super) record: i64,
    /// Which of the record's lines.
    pub(super) at: u32,
}

/// Which line: the number of its source, its record, which of its lines. It orders those of one time.
pub(super) type LineId = (i64, i64, u32);

/// A hit by its time.
struct Dated(i64, LineId, Hit);

impl PartialEq for Dated {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Dated {}

impl PartialOrd for Dated {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dated {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

pub(super) struct Found<'q> {
    pub(super) query: &'q SignalQuery,
    /// Keys that lines of the scope have, whatever the conditions.
    pub(super) keys: BTreeSet<String>,
    /// Lines that were read one by one.
    pub(super) read: usize,
    /// Lines that fulfil the conditions.
    pub(super) total: u64,
    pub(super) groups: Option<Groups<'q>>,
    newest: BinaryHeap<Reverse<Dated>>,
}

impl<'q> Found<'q> {
    pub(super) fn new(query: &'q SignalQuery) -> Self {
        Self {
            query,
            keys: BTreeSet::new(),
            read: 0,
            total: 0,
            groups: (!query.aggregate.is_empty()).then(|| Groups::new(query)),
            newest: BinaryHeap::new(),
        }
    }

    /// A line of the scope.
    pub(super) fn line(&mut self, row: &Row, id: LineId) {
        for key in row.values.keys() {
            if !self.keys.contains(key) {
                self.keys.insert(key.clone());
            }
        }
        if !test::holds(row, &self.query.filter) {
            return;
        }
        if let Some(groups) = &mut self.groups {
            groups.line(row);
        } else if self.may_show(row.ts) {
            self.hit(row.ts, id, Hit::Line(Box::new(row.clone())));
        } else {
            self.total += 1;
        }
    }

    /// Whether a line of that time may be among those shown.
    pub(super) fn may_show(&self, ts: i64) -> bool {
        let oldest = self.newest.peek().map(|oldest| oldest.0.0);
        self.newest.len() < self.wanted() || oldest.is_some_and(|oldest| ts >= oldest)
    }

    fn wanted(&self) -> usize {
        self.query.skip.saturating_add(self.query.limit)
    }

    /// A line that fulfils the conditions.
    pub(super) fn hit(&mut self, ts: i64, id: LineId, hit: Hit) {
        self.total += 1;
        self.newest.push(Reverse(Dated(ts, id, hit)));
        if self.newest.len() > self.wanted() {
            self.newest.pop();
        }
    }

    /// The lines to show, the newest first.
    pub(super) fn page(&mut self) -> Vec<(i64, Hit)> {
        let newest = std::mem::take(&mut self.newest).into_sorted_vec();
        newest.into_iter().skip(self.query.skip).map(|Reverse(Dated(ts, _, hit))| (ts, hit)).collect()
    }
}
