//! The cache: one flight for all who wait, nothing across credentials, nobody left hanging, old answers marked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use prodsignal::{
    client::{Cached, Identity, Lives, Options},
    model::{Project, Timestamp, Untrusted},
    store::*,
};
use tokio::sync::Semaphore;

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A store that counts its loads and answers when it is let.
struct Slow {
    loads: AtomicUsize,
    gate: Semaphore,
    fails: AtomicBool,
}

impl Slow {
    fn new(open: usize) -> Arc<Self> {
        Arc::new(Self { loads: AtomicUsize::new(0), gate: Semaphore::new(open), fails: AtomicBool::new(false) })
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SignalStore for Slow {
    fn source(&self) -> Source {
        Source { store: StoreKind::Sentry, freshness: Freshness::Live, age_s: 0 }
    }
    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        Ok([0; 32])
    }
    async fn projects(&self, _: &Scope) -> Result<Vec<Project>, StoreError> {
        Ok(Vec::new())
    }
    async fn releases(&self, _: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        Ok(Vec::new())
    }
    async fn environments(&self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let _gate = self.gate.acquire().await.unwrap();
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Upstream { what: "failed", said: Untrusted::default() });
        }
        match &scope.project {
            Some(project) if project.raw() == "gone" => {
                Err(StoreError::NotFound { what: "project", asked: project.clone(), near: Vec::new() })
            }
            _ => Ok(vec!["x".repeat(1_000).into()]),
        }
    }
    async fn issues(&self, _: &IssueQuery) -> Result<Page<IssueFacts>, StoreError> {
        Err(StoreError::Timeout)
    }
    async fn issue(&self, _: &IssueRef, _: &Scope) -> Result<IssueFacts, StoreError> {
        Err(StoreError::Timeout)
    }
    async fn event(&self, _: &EventQuery) -> Result<EventFacts, StoreError> {
        Err(StoreError::Timeout)
    }
    async fn affected(&self, _: &AffectedQuery) -> Result<AffectedFacts, StoreError> {
        Err(StoreError::Timeout)
    }
    async fn search(&self, _: &SearchQuery) -> Result<Page<SearchRow>, StoreError> {
        Err(StoreError::Timeout)
    }
}

fn cached(store: &Arc<Slow>, options: Options) -> Cached {
    Cached::new(store.clone(), Identity::new(&[7; 32], &["here"]), options, None)
}

fn scope(project: &str) -> Scope {
    Scope { project: Some(project.into()), end: Some(now()), ..Scope::default() }
}

#[tokio::test]
async fn fifty_equal_questions_in_two_scopes_are_two_loads() {
    let store = Slow::new(0);
    let cached = cached(&store, Options::new(now));
    let asks: Vec<_> = (0..50)
        .map(|n| {
            let cached = cached.clone();
            tokio::spawn(async move { cached.environments(&scope(if n % 2 == 0 { "a" } else { "b" })).await })
        })
        .collect();
    while store.loads() < 2 {
        tokio::task::yield_now().await;
    }
    store.gate.add_permits(50);
    for ask in asks {
        assert_eq!(ask.await.unwrap().unwrap().len(), 1);
    }
    assert_eq!(store.loads(), 2);
}

#[tokio::test]
async fn a_cancelled_leader_leaves_nobody_hanging() {
    let store = Slow::new(0);
    let cached = cached(&store, Options::new(now));
    let ask = |cached: &Cached| {
        let cached = cached.clone();
        tokio::spawn(async move { cached.environments(&scope("a")).await })
    };
    let leader = ask(&cached);
    while store.loads() < 1 {
        tokio::task::yield_now().await;
    }
    let next = ask(&cached);
    tokio::task::yield_now().await;
    leader.abort();
    while store.loads() < 2 {
        tokio::task::yield_now().await;
    }
    store.gate.add_permits(9);
    assert!(next.await.unwrap().is_ok());
    assert_eq!(store.loads(), 2);
}

#[tokio::test]
async fn that_something_is_not_there_is_believed_for_a_moment() {
    let store = Slow::new(9);
    let cached = cached(&store, Options::new(now));
    for _ in 0..3 {
        assert!(matches!(cached.environments(&scope("gone")).await, Err(StoreError::NotFound { .. })));
    }
    assert_eq!(store.loads(), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept_and_old_answers_are_marked() {
    let store = Slow::new(9);
    let lives = Lives { names: Duration::ZERO, ..Lives::default() };
    let cached = cached(&store, Options { lives, ..Options::new(now) });
    let fresh = cached.for_call().unwrap();
    fresh.environments(&scope("a")).await.unwrap();
    assert_eq!(fresh.source().freshness, Freshness::Live);
    store.fails.store(true, Ordering::SeqCst);
    let stale = cached.for_call().unwrap();
    assert_eq!(stale.environments(&scope("a")).await.unwrap().len(), 1);
    assert_eq!(stale.source().freshness, Freshness::Stale);
    for _ in 0..2 {
        assert!(matches!(cached.environments(&scope("b")).await, Err(StoreError::Upstream { .. })));
    }
    assert_eq!(store.loads(), 4);
    cached.forget();
    assert!(cached.environments(&scope("a")).await.is_err());
}

#[tokio::test]
async fn a_call_that_waits_too_long_ends() {
    let store = Slow::new(0);
    let options = Options { call_timeout: Duration::from_millis(50), ..Options::new(now) };
    assert!(matches!(cached(&store, options).environments(&scope("a")).await, Err(StoreError::Timeout)));
}

#[tokio::test]
async fn bytes_are_bounded() {
    let store = Slow::new(9);
    let cached = cached(&store, Options { bytes: 100_000, ..Options::new(now) });
    for n in 0..500 {
        cached.environments(&scope(&n.to_string())).await.unwrap();
    }
    let size = cached.size_bytes().await;
    assert!((10_000..=100_000).contains(&size), "{size}");
}
