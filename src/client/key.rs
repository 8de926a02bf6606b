//! Under what an answer is kept: who asks, where, what.

use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    model::{Timestamp, Untrusted},
    store::{
        AffectedQuery, CommitQuery, DiagnosisQuery, EventQuery, FixQuery, IssueQuery, IssueRef, ReleaseQuery,
        ReplayQuery, Scope, SearchQuery, SegmentFacts, Term, Test,
    },
};

/// How close to the clock an end is "now".
const NOW_S: i64 = 5;
/// A time that is over for so long doesn't change any more.
const CLOSED_S: i64 = 3_600;

/// Whose answers, from where: one for each credential, place and lock.
#[derive(Clone)]
pub struct Identity([u8; 32]);

impl Identity {
    /// Of a digest of the credential (never the credential), the place, and what calls are locked to.
    pub fn new(credential: &[u8; 32], place: &[&str]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(credential).expect("HMAC takes keys of any length");
        for part in place {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Self(mac.finalize().into_bytes().into())
    }
}

/// The key of one answer. It can't be made without an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

struct Digesting(Hmac<Sha256>);

impl Hasher for Digesting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

impl Key {
    /// Of an operation and its question.
    pub(super) fn new(identity: &Identity, operation: impl Hash, question: &impl Hash) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(&identity.0).expect("HMAC takes keys of any length");
        let mut digesting = Digesting(mac);
        operation.hash(&mut digesting);
        question.hash(&mut digesting);
        Self(digesting.0.finalize().into_bytes().into())
    }
}

impl Key {
    /// As a file's name.
    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A question whose times can be told from "now".
pub(super) trait Question: Clone + Hash {
    fn scope(&mut self) -> &mut Scope;

    fn terms(&mut self) -> &mut [Term] {
        &mut []
    }
}

/// When a question's time ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Now: it moves on.
    Now,
    /// A while ago.
    Lately,
    /// So long ago that nothing comes after.
    Over,
}

/// The question with its times told from "now" where it ends now: asked again a moment later, it is the same.
pub(super) fn normal<Q: Question>(question: &Q, now: Timestamp) -> (Q, Ends) {
    let mut question = question.clone();
    let end = question.scope().end.unwrap_or(now);
    let ago = now.as_second() - end.as_second();
    if ago > NOW_S {
        return (question, if ago > CLOSED_S { Ends::Over } else { Ends::Lately });
    }
    let scope = question.scope();
    scope.end = None;
    scope.start = scope.start.map(|start| match seconds_before(start, end) {
        Some(seconds) => Timestamp::from_second(-seconds).unwrap_or(start),
        None => start,
    });
    for term in question.terms() {
        if let Test::Field { field, values, .. } = &mut term.test
            && field.is_time()
        {
            for value in values {
                let before = value.raw().parse().ok().and_then(|time| seconds_before(time, end));
                if let Some(seconds) = before {
                    *value = Untrusted::from(format!("now-{seconds}"));
                }
            }
        }
    }
    (question, Ends::Now)
}

/// Whole seconds from one to the other; `None` for what was not counted back from the end.
fn seconds_before(time: Timestamp, end: Timestamp) -> Option<i64> {
    (time.subsec_nanosecond() == end.subsec_nanosecond()).then(|| end.as_second() - time.as_second())
}

impl Question for Scope {
    fn scope(&mut self) -> &mut Scope {
        self
    }
}

impl Question for ReleaseQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for IssueQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }

    fn terms(&mut self) -> &mut [Term] {
        &mut self.filter
    }
}

impl Question for (IssueRef, Scope) {
    fn scope(&mut self) -> &mut Scope {
        &mut self.1
    }
}

impl Question for EventQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for AffectedQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for SearchQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }

    fn terms(&mut self) -> &mut [Term] {
        &mut self.filter
    }
}

impl Question for CommitQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for DiagnosisQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for FixQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for ReplayQuery {
    fn scope(&mut self) -> &mut Scope {
        &mut self.scope
    }
}

impl Question for (ReplayQuery, SegmentFacts) {
    fn scope(&mut self) -> &mut Scope {
        &mut self.0.scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key_of(scope: &Scope, now: &str) -> (Key, Ends) {
        let (scope, ends) = normal(scope, at(now));
        (Key::new(&Identity::new(&[1; 32], &["here"]), "issues", &scope), ends)
    }

    #[test]
    fn what_ends_now_is_the_same_a_moment_later() {
        let scope = |start: &str, end: &str| Scope { start: Some(at(start)), end: Some(at(end)), ..Scope::default() };
        let (first, ends) =
            key_of(&scope("2026-11-06T12:00:00.5Z", "2026-11-20T12:00:00.5Z"), "2026-11-20T12:00:00.6Z");
        let (second, _) = key_of(&scope("2026-11-06T12:00:07.9Z", "2026-11-20T12:00:07.9Z"), "2026-11-20T12:00:08Z");
        assert_eq!((first, ends), (second, Ends::Now));
        let (shorter, _) = key_of(&scope("2026-11-07T12:00:07.9Z", "2026-11-20T12:00:07.9Z"), "2026-11-20T12:00:08Z");
        assert_ne!(first, shorter);
        let (past, ends) = key_of(&scope("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"), "2026-11-20T12:00:00Z");
        assert_eq!(ends, Ends::Over);
        assert_ne!(past, first);
    }

    #[test]
    fn a_key_tells_credentials_places_and_operations_apart() {
        let scope = Scope::default();
        let key = |credential: u8, place: &[&str], operation| {
            Key::new(&Identity::new(&[credential; 32], place), operation, &scope)
        };
        let one = key(1, &["a", "bc"], "issues");
        assert_eq!(one, key(1, &["a", "bc"], "issues"));
        for other in [key(2, &["a", "bc"], "issues"), key(1, &["ab", "c"], "issues"), key(1, &["a", "bc"], "event")] {
            assert_ne!(one, other);
        }
    }
}
