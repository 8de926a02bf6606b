//! Users and events by time, in buckets that fit the period.
//! It uses the packed forms.
//! It never leaves a gap.

use super::super::engine::tally::Row;
use crate::{answers::size_for, backend::embedded::pack::moment, store::TrendBucket};

/// Events by time.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Times {
    size: i64,
    offset: i64,
    /// Number of the first bucket.
    start: i64,
    buckets: Vec<Row>,
    /// The bucket that was counted into last, and when it begins and ends: events come mostly in order.
    current: (usize, i64, i64),
    seen: bool,
}

impl Times {
    /// At most `most` buckets from the first moment to the last.
    pub(in crate::backend::embedded::read) fn new((first, last): (i64, i64), most: usize) -> Self {
        if most == 0 || first > last {
            return Self::default();
        }
        let (size, offset) = size_for(first, last, most as i64);
        let bucket = |ts: i64| (ts - offset).div_euclid(size);
        let start = bucket(first);
        let buckets = (start..=bucket(last)).map(|_| Row::default()).collect();
        Self { size, offset, start, buckets, current: (0, 0, 0), seen: false }
    }

    pub(in crate::backend::embedded::read) fn see(&mut self, ts: i64, place: u32) {
        self.seen = true;
        if !(self.current.1..self.current.2).contains(&ts) {
            if self.size == 0 {
                return;
            }
            let number = (ts - self.offset).div_euclid(self.size);
            let begin = number * self.size + self.offset;
            self.current = (usize::try_from(number - self.start).unwrap_or(usize::MAX), begin, begin + self.size);
        }
        if let Some(bucket) = self.buckets.get_mut(self.current.0) {
            bucket.see(place);
        }
    }

    /// The buckets, oldest first; none where nothing was seen.
    pub(in crate::backend::embedded::read) fn trend(&self) -> Vec<TrendBucket> {
        let buckets = self.buckets.iter().zip(self.start..).filter(|_| self.seen);
        let start = |number: i64| moment(number * self.size + self.offset);
        buckets.map(|(row, at)| TrendBucket { start: start(at), users: row.users, events: row.events }).collect()
    }
}
