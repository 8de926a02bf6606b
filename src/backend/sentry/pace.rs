//! When the next request may go: Sentry's limits are kept to across all calls of the process.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::header::HeaderMap;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{fault::RequestError, operation::Operation};
use crate::model::Timestamp;

/// What is waited for in silence; longer waits are told to the caller.
const PATIENCE: Duration = Duration::from_secs(5);
/// Places that dear requests leave free, where there are enough.
const FREE: usize = 2;
/// The longest pause that a header can ask for.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The pace of one credential.
///
/// Dear requests leave places free, so that cheap ones never wait for them.
pub(super) struct Pace {
    places: Semaphore,
    dear: Semaphore,
    at_once: AtomicUsize,
    /// By path of the operation: nothing goes before this.
    pauses: Mutex<HashMap<&'static str, Instant>>,
}

/// The places that a request holds while it is under way.
type Places<'a> = (SemaphorePermit<'a>, Option<SemaphorePermit<'a>>);

impl Pace {
    pub(super) fn new(at_once: usize) -> Self {
        let at_once = at_once.max(1);
        let (places, dear) = (Semaphore::new(at_once), Semaphore::new(dear_of(at_once)));
        Self { places, dear, at_once: AtomicUsize::new(at_once), pauses: Mutex::default() }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`RequestError::Limited`] where that would take too long.
    pub(super) async fn turn(&self, operation: &Operation) -> Result<Places<'_>, RequestError> {
        let path = operation.path;
        loop {
            let wait = self.pause_of(path);
            if wait > PATIENCE {
                return Err(limited(wait));
            }
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let closed = |_| RequestError::Strange("was closed");
            let dear = if operation.is_dear() { Some(self.dear.acquire().await.map_err(closed)?) } else { None };
            let place = self.places.acquire().await.map_err(closed)?;
            // While this one waited, another may have been told to pause.
            if self.pause_of(path).is_zero() {
                return Ok((place, dear));
            }
        }
    }

    fn pause_of(&self, path: &'static str) -> Duration {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.get(path).map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    fn pause(&self, path: &'static str, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST);
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pauses.entry(path).or_insert(until);
        *known = (*known).max(until);
    }

    /// Takes note of what an answer says about limits.
    pub(super) fn heard(&self, path: &'static str, headers: &HeaderMap, now: Timestamp) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
        if let Some(limit) = number("x-sentry-rate-limit-concurrentlimit") {
            self.narrow((limit as usize).saturating_sub(1).max(1));
        }
        if number("x-sentry-rate-limit-remaining") == Some(0.0)
            && let Some(reset) = number("x-sentry-rate-limit-reset")
        {
            self.pause(path, until(reset, now));
        }
    }

    /// Takes note of a refusal; how long to wait.
    pub(super) fn refused(&self, path: &'static str, headers: &HeaderMap, now: Timestamp, tries: u32) -> Duration {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let after =
            text("retry-after").and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite() && *s >= 0.0);
        let reset = text("x-sentry-rate-limit-reset").and_then(|text| text.parse::<f64>().ok());
        let wait = match (after, reset) {
            (Some(seconds), _) => Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64())),
            (None, Some(reset)) => until(reset, now),
            (None, None) => Duration::from_secs(1 << tries.min(5)),
        };
        self.pause(path, wait);
        wait
    }

    /// Fewer at once from now on; never more again.
    fn narrow(&self, limit: usize) {
        let before = self.at_once.fetch_min(limit, Ordering::Relaxed);
        if limit < before {
            let missing = before - limit;
            let forgotten = self.places.forget_permits(missing);
            self.dear.forget_permits(dear_of(before) - dear_of(before - forgotten));
            // Those in flight keep their places; what is taken now is what was free.
            if forgotten < missing {
                self.at_once.fetch_add(missing - forgotten, Ordering::Relaxed);
            }
        }
    }
}

/// Places that dear requests may take of so many.
fn dear_of(at_once: usize) -> usize {
    at_once.saturating_sub(FREE).max(1)
}

/// A caller who is told to wait that long.
pub(super) fn limited(wait: Duration) -> RequestError {
    RequestError::Limited { retry_after_s: wait.as_secs_f64().ceil() as u64 }
}

/// Whether a wait is short enough to be sat out.
pub(super) fn bearable(wait: Duration) -> bool {
    wait <= PATIENCE
}

/// From now to a moment in seconds since 1970.
fn until(reset: f64, now: Timestamp) -> Duration {
    let left = reset - now.as_microsecond() as f64 / 1e6;
    Duration::from_secs_f64(left.clamp(0.0, LONGEST.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sentry::operation::{EVENTS, ISSUE};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn dear_requests_leave_places_free_however_few_there_are() {
        for (limit, dear) in [(None, 4), (Some("5"), 2), (Some("2"), 1)] {
            let pace = Pace::new(6);
            if let Some(limit) = limit {
                pace.heard("x", &headers(&[("x-sentry-rate-limit-concurrentlimit", limit)]), now());
            }
            let mut held = Vec::new();
            for _ in 0..dear {
                held.push(pace.turn(&EVENTS).await.unwrap());
            }
            assert_eq!(pace.dear.available_permits(), 0, "{limit:?}");
            let cheap = limit.map_or(2, |limit: &str| limit.parse::<usize>().unwrap() - 1 - dear);
            for _ in 0..cheap {
                held.push(pace.turn(&ISSUE).await.unwrap());
            }
            assert_eq!(pace.places.available_permits(), 0, "{limit:?}");
        }
    }

    #[tokio::test]
    async fn a_spent_budget_is_told_and_holds_for_its_operation_alone() {
        let pace = Pace::new(6);
        let reset = (now().as_second() + 600).to_string();
        let spent = [("x-sentry-rate-limit-remaining", "0"), ("x-sentry-rate-limit-reset", reset.as_str())];
        pace.heard(EVENTS.path, &headers(&spent), now());
        let refused = pace.turn(&EVENTS).await;
        assert!(matches!(refused, Err(RequestError::Limited { retry_after_s: 590..=600 })));
        assert!(pace.turn(&ISSUE).await.is_ok());
    }

    #[test]
    fn a_refusal_says_how_long_or_ever_longer_is_waited() {
        let wait =
            |pairs: &[(&'static str, &str)], tries| Pace::new(1).refused("x", &headers(pairs), now(), tries).as_secs();
        assert_eq!(wait(&[("retry-after", "7")], 0), 7);
        assert_eq!(wait(&[("retry-after", "-1"), ("x-sentry-rate-limit-reset", "0")], 0), 0);
        assert_eq!((wait(&[], 0), wait(&[], 1), wait(&[], 99)), (1, 2, 32));
        assert_eq!(wait(&[("retry-after", "99999999")], 0), LONGEST.as_secs());
    }
}
