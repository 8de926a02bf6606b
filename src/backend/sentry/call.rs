//! One call of a tool: a deadline for all its requests together, and how old the oldest reply was.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::replies::Reply;
use crate::store::{Freshness, Source, StoreKind};

/// The segments of one page of a recording, under the name of that page.
type Recording = (String, Arc<Vec<Bytes>>);

/// What the requests of one call share.
pub(super) struct Call {
    started: Instant,
    timeout: Duration,
    seen: Mutex<(Freshness, u64)>,
    recording: Mutex<Option<Recording>>,
}

impl Call {
    pub(super) fn new(timeout: Duration) -> Self {
        let (seen, recording) = (Mutex::new((Freshness::Live, 0)), Mutex::default());
        Self { started: Instant::now(), timeout, seen, recording }
    }

    /// The time that is left for further requests.
    pub(super) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Takes note of a reply with signal in it: the answer is as fresh as its oldest.
    pub(super) fn took(&self, reply: &Reply, stale: bool) {
        let freshness = match stale {
            true => Freshness::Stale,
            false if reply.loaded < self.started => Freshness::Cached,
            false => return,
        };
        let rank = |freshness| match freshness {
            Freshness::Live => 0,
            Freshness::Cached => 1,
            Freshness::Stale => 2,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if rank(freshness) > rank(seen.0) {
            seen.0 = freshness;
        }
        seen.1 = seen.1.max(reply.loaded.elapsed().as_secs());
    }

    pub(super) fn source(&self) -> Source {
        let (freshness, age_s) = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Source { store: StoreKind::Sentry, freshness, age_s }
    }

    /// The page of a recording that is being read, where it is that one.
    pub(super) fn recording(&self, name: &str) -> Option<Arc<Vec<Bytes>>> {
        let held = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|(held, _)| held == name).map(|(_, page)| page.clone())
    }

    /// Holds a page of a recording until the next one is read.
    pub(super) fn hold(&self, name: String, page: Arc<Vec<Bytes>>) {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(ago: u64) -> Reply {
        let loaded = Instant::now().checked_sub(Duration::from_secs(ago)).unwrap();
        Reply { body: Bytes::new(), next: None, date: None, loaded }
    }

    #[test]
    fn an_answer_is_as_old_as_its_oldest_reply() {
        let call = Call::new(Duration::from_secs(10));
        call.took(&Reply { loaded: Instant::now(), ..reply(0) }, false);
        assert_eq!((call.source().freshness, call.source().age_s), (Freshness::Live, 0));
        call.took(&reply(5), false);
        assert_eq!((call.source().freshness, call.source().age_s), (Freshness::Cached, 5));
        call.took(&reply(3), true);
        assert_eq!((call.source().freshness, call.source().age_s), (Freshness::Stale, 5));
    }

    #[test]
    fn the_page_that_is_read_is_held_alone() {
        let call = Call::new(Duration::ZERO);
        assert!(call.recording("a").is_none() && call.left().is_zero());
        call.hold("a".into(), Arc::new(vec![Bytes::from_static(b"[]")]));
        assert_eq!(call.recording("a").unwrap().len(), 1);
        call.hold("b".into(), Arc::default());
        assert!(call.recording("a").is_none() && call.recording("b").is_some());
    }
}
