//! How much a project was used, by hour.
//! It never counts the hour that has only begun.

use super::time::{HOUR_US, moment};
use crate::change::{Hour, Series};

/// Hours that are looked back: eight weeks.
const LOOK_BACK: i64 = 56 * 24;

/// How much a project was used, by hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) by_sessions: bool,
    /// The first hour of `hours`, and the hour after the last.
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) sessions: Vec<u64>,
    pub(crate) events: Vec<u64>,
}

impl Traffic {
    /// Nothing yet, up to the hour `end`, from the first hour of the project on, if that is not too long ago.
    pub(crate) fn until(end: i64, first_hour: Option<i64>) -> Self {
        let first = first_hour.unwrap_or(end).clamp(end - LOOK_BACK, end);
        let none = vec![0; usize::try_from(end - first).unwrap_or(0)];
        Self { by_sessions: false, first, end, sessions: none.clone(), events: none }
    }

    pub(crate) fn add(&mut self, sessions: bool, hour: i64, n: u64) {
        let hours = if sessions { &mut self.sessions } else { &mut self.events };
        if let Some(of_hour) = usize::try_from(hour - self.first).ok().and_then(|at| hours.get_mut(at)) {
            *of_hour += n;
            self.by_sessions |= sessions && n > 0;
        }
    }

    /// Whether there is a whole hour.
    pub(crate) fn is_some(&self) -> bool {
        self.end > self.first
    }

    /// How much was used from that hour on.
    pub(crate) fn since(&self, hour: i64) -> u64 {
        let hours = if self.by_sessions { &self.sessions } else { &self.events };
        hours.iter().skip(usize::try_from(hour - self.first).unwrap_or(0)).sum()
    }

    /// An issue's user-days by hour beside the traffic; `events` are all its events, which are no use of the others.
    pub(crate) fn series(&self, counts: &[u64], events: &[u64]) -> Series {
        let exposure = |at: usize| match self.by_sessions {
            true => self.sessions[at],
            false => self.events[at].saturating_sub(events[at]),
        };
        let hours = (0..counts.len()).map(|at| Hour { count: counts[at], exposure: exposure(at) });
        Series { start: moment(self.first * HOUR_US), hours: hours.collect() }
    }
}
