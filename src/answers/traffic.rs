//! How much a project was used, by hour.
//! It never counts the hour that has only begun.

use super::{
    facts::Activity,
    time::{HOUR_US, hour_of, moment},
};
use crate::change::{Hour, Series};

/// Hours that are looked back: eight weeks.
const LOOK_BACK: i64 = 56 * 24;

/// How much a project was used, by hour.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    by: Activity,
    /// The first hour of `hours`, and the hour after the last.
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// Of each kind of activity, by its place.
    hours: [Vec<u64>; 3],
}

impl Traffic {
    /// Nothing yet, up to the hour `end`, from the first hour of the project on, if that is not too long ago.
    pub(crate) fn until(end: i64, first_hour: Option<i64>) -> Self {
        let first = first_hour.unwrap_or(end).clamp(end - LOOK_BACK, end);
        let none = vec![0; usize::try_from(end - first).unwrap_or(0)];
        Self { by: Activity::Events, first, end, hours: [none.clone(), none.clone(), none] }
    }

    pub(crate) fn add(&mut self, by: Activity, hour: i64, n: u64) {
        let hours = &mut self.hours[by as usize];
        if let Some(of_hour) = usize::try_from(hour - self.first).ok().and_then(|at| hours.get_mut(at)) {
            *of_hour += n;
        }
    }

    /// Once all is added: sessions count, if there are any; requests, where they began before events did or with them;
    /// else events.
    pub(crate) fn choose(&mut self) {
        let first = |by: Activity| self.hours[by as usize].iter().position(|n| *n > 0);
        let (events, requests) = (first(Activity::Events), first(Activity::Requests));
        self.by = match (first(Activity::Sessions), requests) {
            (Some(_), _) => Activity::Sessions,
            (None, Some(begun)) if events.is_none_or(|events| begun <= events) => Activity::Requests,
            _ => Activity::Events,
        };
    }

    /// Whether there is a whole hour.
    pub(crate) fn is_some(&self) -> bool {
        self.end > self.first
    }

    /// How much was used from that hour on.
    pub(crate) fn since(&self, hour: i64) -> u64 {
        self.hours[self.by as usize].iter().skip(usize::try_from(hour - self.first).unwrap_or(0)).sum()
    }

    /// How much was used since a moment, and since the start of the scope.
    pub(crate) fn used(&self, at: i64, lo: i64) -> (u64, u64) {
        (self.since(hour_of(at)), self.since(hour_of(lo).max(0)))
    }

    /// An issue's user-days by hour beside the traffic; `events` are all its events, which are no use of the others.
    pub(crate) fn series(&self, counts: &[u64], events: &[u64]) -> Series {
        let used = &self.hours[self.by as usize];
        let exposure = |at: usize| match self.by {
            Activity::Events => used[at].saturating_sub(events[at]),
            Activity::Requests | Activity::Sessions => used[at],
        };
        let hours = (0..counts.len()).map(|at| Hour { count: counts[at], exposure: exposure(at) });
        Series { start: moment(self.first * HOUR_US), hours: hours.collect() }
    }
}
