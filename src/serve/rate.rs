//! How many requests a minute one project's key may make. Only keys of projects are counted, so that memory is bounded by
//! the projects that there are.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::model::Timestamp;

/// Counts of the present minute.
pub(super) struct Rate {
    most: u64,
    /// By project: the minute, and how many came in it.
    seen: Mutex<HashMap<u64, (i64, u64)>>,
}

impl Rate {
    /// `most`: requests a minute.
    pub(super) fn new(most: u64) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// Counts a request of a project's. An error is the number of seconds after which there is room again.
    pub(super) fn take(&self, project: u64, now: Timestamp) -> Result<(), u64> {
        let (second, minute) = (now.as_second(), now.as_second().div_euclid(60));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.entry(project).or_insert((minute, 0));
        if count.0 != minute {
            *count = (minute, 0);
        }
        if count.1 >= self.most {
            return Err((60 - second.rem_euclid(60)).unsigned_abs().max(1));
        }
        count.1 += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_so_many_requests_of_each_project() {
        let rate = Rate::new(2);
        let at = |second: i64| Timestamp::from_second(60_000 + second).unwrap();
        assert_eq!([rate.take(1, at(0)), rate.take(1, at(50)), rate.take(1, at(50))], [Ok(()), Ok(()), Err(10)]);
        assert_eq!((rate.take(2, at(50)), rate.take(1, at(60))), (Ok(()), Ok(())));
    }
}
