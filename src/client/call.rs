//! One call of a tool: a deadline for all its questions, and how old the oldest answer was.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    Cached, Entry, Kept,
    answer::Answer,
    key::{Ends, Key, Question, normal},
    life::Lives,
};
use crate::{
    model::{EventId, FixHistory, Issue, IssueId, Project, Untrusted},
    store::{
        AffectedFacts, AffectedQuery, CommitQuery, DiagnosisFacts, DiagnosisQuery, EventFacts, EventQuery, FixQuery,
        Freshness, IssueFacts, IssueQuery, IssueRef, Page, Pick, ReleaseCommit, ReleaseFacts, ReleaseQuery,
        ReplayFacts, ReplayQuery, Scope, SearchQuery, SearchRow, SegmentFacts, SignalStore, Source, StoreError, dated,
        remembered,
    },
};

/// A view of the cache for one call.
pub(super) struct Call {
    cached: Cached,
    started: Instant,
    seen: Mutex<(Freshness, u64)>,
}

/// How a question is kept.
struct Keep<T> {
    operation: &'static str,
    /// How long, given the answer.
    life: fn(&Lives, Ends, &T) -> std::time::Duration,
    /// Whether it is signal, whose age matters to a reader.
    signal: bool,
}

impl Call {
    pub(super) fn new(cached: Cached) -> Self {
        Self { cached, started: Instant::now(), seen: Mutex::new((Freshness::Live, 0)) }
    }

    async fn ask<Q: Question, T: Answer>(
        &self,
        question: &Q,
        keep: Keep<T>,
        load: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let shared = &self.cached.shared;
        let (asked, ends) = normal(question, (shared.options.now)());
        let key = Key::new(&shared.identity, (keep.operation, shared.writes.load(Ordering::Acquire)), &asked);
        let lives = &shared.options.lives;
        let load = async {
            let (loaded, oldest) = dated(load).await;
            let entry = match loaded {
                Ok(value) => Entry {
                    life: (keep.life)(lives, ends, &value),
                    bytes: value.bytes(),
                    answer: Kept::Value(Arc::new(value)),
                    loaded: oldest.unwrap_or_else(Instant::now),
                },
                Err(error) if is_final(&error) => Entry {
                    life: lives.negative,
                    bytes: 256,
                    answer: Kept::Failure(Arc::new(error)),
                    loaded: Instant::now(),
                },
                Err(error) => return Err(error),
            };
            if matches!(entry.answer, Kept::Value(_)) {
                shared.known.insert(key, entry.clone()).await;
            }
            Ok(entry)
        };
        let left = shared.options.call_timeout.saturating_sub(self.started.elapsed());
        let found = tokio::time::timeout(left, shared.fresh.try_get_with(key, load)).await;
        let error = match found {
            Ok(Ok(entry)) => return self.take(&entry, keep.signal),
            Ok(Err(error)) => error.again(),
            Err(_) => StoreError::Timeout,
        };
        match shared.known.get(&key).await.filter(|_| may_be_stale(&error)) {
            Some(entry) => {
                self.note(Freshness::Stale, entry.loaded.elapsed().as_secs());
                value_of(&entry)
            }
            None => Err(error),
        }
    }

    fn take<T: Answer>(&self, entry: &Entry, signal: bool) -> Result<T, StoreError> {
        if signal && entry.loaded < self.started {
            self.note(Freshness::Cached, entry.loaded.elapsed().as_secs());
        }
        value_of(entry)
    }

    /// The worst of all answers is what the call's answer is.
    fn note(&self, freshness: Freshness, age_s: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let rank = |freshness| match freshness {
            Freshness::Live => 0,
            Freshness::Cached => 1,
            Freshness::Stale => 2,
        };
        if rank(freshness) > rank(seen.0) {
            seen.0 = freshness;
        }
        seen.1 = seen.1.max(age_s);
    }

    /// From the folder, where it was kept, else from the store. Only an event that has a successor stays as it is.
    async fn loaded_event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let shared = &self.cached.shared;
        let keeps = matches!(query.pick, Pick::Id(_)) && !query.extras;
        let Some(folder) = shared.folder.clone().filter(|_| keeps) else { return self.inner().event(query).await };
        let now = (shared.options.now)();
        let (asked, _) = normal(query, now);
        // Files outlive the program: another version may ask for more.
        let key = Key::new(&shared.identity, concat!("event ", env!("CARGO_PKG_VERSION")), &asked);
        let reader = folder.clone();
        let found = tokio::task::spawn_blocking(move || reader.get(&key)).await.unwrap_or(None);
        if let Some((facts, kept)) = found {
            let age_s = u64::try_from(now.as_second() - kept.as_second()).unwrap_or(0);
            if age_s < shared.options.lives.immutable.as_secs() {
                self.note(Freshness::Cached, age_s);
                Instant::now().checked_sub(Duration::from_secs(age_s)).into_iter().for_each(remembered);
                return Ok(facts);
            }
        }
        let facts = self.inner().event(query).await?;
        if facts.next.is_some() && facts.feedback.is_empty() {
            let kept = facts.clone();
            // Whether it could be kept is in the log.
            let _ = tokio::task::spawn_blocking(move || folder.put(&key, &kept, now)).await;
        }
        Ok(facts)
    }

    /// Under its id alone, whichever question brought it.
    fn key_of_event(&self, query: &EventQuery, id: EventId, writes: u64) -> Key {
        let which = (id, &query.scope.environment, query.extras);
        Key::new(&self.cached.shared.identity, ("event by id", writes), &which)
    }

    /// An event that another question brought, where it lies in what is asked about.
    async fn met_event(&self, query: &EventQuery, writes: u64) -> Option<Entry> {
        let Pick::Id(id) = query.pick else { return None };
        let entry = self.cached.shared.fresh.get(&self.key_of_event(query, id, writes)).await?;
        let facts: EventFacts = value_of(&entry).ok()?;
        let of_project = query.scope.project.as_ref().is_none_or(|project| project.raw() == facts.project);
        let in_time = query.scope.end.is_none_or(|end| facts.event.timestamp <= end);
        (of_project && in_time && query.release.is_none()).then_some(entry)
    }

    async fn meet_event(&self, key: Key, facts: &EventFacts, oldest: Option<Instant>) {
        let shared = &self.cached.shared;
        let entry = Entry {
            life: of_event(&shared.options.lives, facts),
            bytes: facts.bytes(),
            answer: Kept::Value(Arc::new(facts.clone())),
            loaded: oldest.unwrap_or_else(Instant::now),
        };
        shared.fresh.insert(key, entry).await;
    }

    fn inner(&self) -> &dyn SignalStore {
        self.cached.shared.inner.as_ref()
    }
}

/// The last event of an issue gets a successor.
fn of_event(lives: &Lives, facts: &EventFacts) -> Duration {
    if facts.next.is_some() { lives.immutable } else { lives.slow }
}

fn value_of<T: Answer>(entry: &Entry) -> Result<T, StoreError> {
    match &entry.answer {
        Kept::Value(value) => value.downcast_ref::<T>().cloned().ok_or_else(|| StoreError::Engine {
            context: "reading the cache",
            source: "an answer of another kind".into(),
        }),
        Kept::Failure(error) => Err(error.again()),
    }
}

/// Whether asking again at once would give the same.
fn is_final(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotFound { .. }
            | StoreError::Forbidden(_)
            | StoreError::Unsupported(_)
            | StoreError::Refused { .. }
    )
}

/// Whether what was known is better than this failure. A token that was revoked sees nothing any more.
fn may_be_stale(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Upstream { .. } | StoreError::Timeout | StoreError::Busy { .. } | StoreError::Engine { .. }
    )
}

fn lately(moving: std::time::Duration, lives: &Lives, ends: Ends) -> std::time::Duration {
    if ends == Ends::Over { lives.closed } else { moving }
}

#[async_trait::async_trait]
impl SignalStore for Call {
    fn source(&self) -> Source {
        let (freshness, age_s) = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Source { freshness, age_s, ..self.inner().source() }
    }

    fn issue_url(&self, issue: IssueId) -> Option<String> {
        self.inner().issue_url(issue)
    }

    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        self.inner().cursor_key()
    }

    async fn projects(&self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let keep = Keep { operation: "projects", life: |lives, _, _| lives.names, signal: false };
        self.ask(scope, keep, self.inner().projects(scope)).await
    }

    async fn slugs(&self) -> Result<Vec<Untrusted>, StoreError> {
        let keep = Keep { operation: "slugs", life: |lives, _, _| lives.names, signal: false };
        self.ask(&Scope::default(), keep, self.inner().slugs()).await
    }

    async fn releases(&self, query: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        let keep = Keep { operation: "releases", life: |lives, ends, _| lately(lives.slow, lives, ends), signal: true };
        self.ask(query, keep, self.inner().releases(query)).await
    }

    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let keep = Keep { operation: "environments", life: |lives, _, _| lives.names, signal: false };
        self.ask(scope, keep, self.inner().environments(scope)).await
    }

    async fn issues(&self, query: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        let keep = Keep { operation: "issues", life: |lives, ends, _| lately(lives.moving, lives, ends), signal: true };
        self.ask(query, keep, self.inner().issues(query)).await
    }

    async fn issue(&self, issue: &IssueRef, scope: &Scope) -> Result<IssueFacts, StoreError> {
        let keep = Keep { operation: "issue", life: |lives, ends, _| lately(lives.moving, lives, ends), signal: true };
        self.ask(&(issue.clone(), scope.clone()), keep, self.inner().issue(issue, scope)).await
    }

    async fn bare_issue(&self, issue: &IssueRef, scope: &Scope) -> Result<Issue, StoreError> {
        let keep =
            Keep { operation: "bare issue", life: |lives, ends, _| lately(lives.moving, lives, ends), signal: true };
        self.ask(&(issue.clone(), scope.clone()), keep, self.inner().bare_issue(issue, scope)).await
    }

    async fn event(&self, query: &EventQuery) -> Result<EventFacts, StoreError> {
        let life = match query.pick {
            Pick::Id(_) => |lives: &Lives, _: Ends, facts: &EventFacts| of_event(lives, facts),
            Pick::Oldest(_) => |lives: &Lives, _: Ends, _: &EventFacts| lives.names,
            _ => |lives: &Lives, ends: Ends, _: &EventFacts| lately(lives.moving * 2, lives, ends),
        };
        // What is loaded from here on may be older than a change that is made meanwhile.
        let writes = self.cached.shared.writes.load(Ordering::Acquire);
        if let Some(entry) = self.met_event(query, writes).await {
            return self.take(&entry, true);
        }
        let load = async {
            let (facts, oldest) = dated(self.loaded_event(query)).await;
            oldest.into_iter().for_each(remembered);
            let facts = facts?;
            self.meet_event(self.key_of_event(query, facts.event.id, writes), &facts, oldest).await;
            Ok(facts)
        };
        self.ask(query, Keep { operation: "event", life, signal: true }, load).await
    }

    async fn affected(&self, query: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        let keep = Keep { operation: "affected", life: |lives, ends, _| lately(lives.slow, lives, ends), signal: true };
        self.ask(query, keep, self.inner().affected(query)).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        let keep = Keep { operation: "search", life: |lives, ends, _| lately(lives.moving, lives, ends), signal: true };
        self.ask(query, keep, self.inner().search(query)).await
    }

    async fn commits(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        let keep = Keep { operation: "commits", life: |lives, _, _| lives.names, signal: true };
        self.ask(query, keep, self.inner().commits(query)).await
    }

    async fn diagnosis(&self, query: &DiagnosisQuery) -> Result<DiagnosisFacts, StoreError> {
        let keep =
            Keep { operation: "diagnosis", life: |lives, ends, _| lately(lives.slow, lives, ends), signal: true };
        self.ask(query, keep, self.inner().diagnosis(query)).await
    }

    async fn replay(&self, query: &ReplayQuery) -> Result<ReplayFacts, StoreError> {
        let keep = Keep { operation: "replay", life: |lives, ends, _| lately(lives.slow, lives, ends), signal: true };
        self.ask(query, keep, self.inner().replay(query)).await
    }

    async fn replay_segment(&self, query: &ReplayQuery, segment: SegmentFacts) -> Result<Vec<u8>, StoreError> {
        let keep = Keep { operation: "segment", life: |lives, _, _| lives.immutable, signal: false };
        let question = (query.clone(), segment);
        self.ask(&question, keep, self.inner().replay_segment(query, segment)).await
    }

    async fn fix_history(&self, query: &FixQuery) -> Result<FixHistory, StoreError> {
        let keep = Keep { operation: "fix", life: |lives, ends, _| lately(lives.slow, lives, ends), signal: true };
        self.ask(query, keep, self.inner().fix_history(query)).await
    }

    async fn data_version(&self) -> Result<u64, StoreError> {
        self.inner().data_version().await
    }
}
