//! Two credentials, one address, one question: no answer crosses.

use std::sync::Arc;

use async_trait::async_trait;
use prodsignal::{
    client::{Cached, Identity, Options},
    model::{Project, Untrusted},
    store::*,
};

use super::double::now;

/// A store that answers with whose it is.
struct Own(&'static str);

#[async_trait]
impl SignalStore for Own {
    fn source(&self) -> Source {
        Source { store: StoreKind::Sentry, freshness: Freshness::Live, age_s: 0 }
    }
    fn cursor_key(&self) -> Result<[u8; 32], StoreError> {
        Ok([0; 32])
    }
    async fn projects(&self, _: &Scope) -> Result<Vec<Project>, StoreError> {
        tokio::task::yield_now().await;
        let (slug, name) = (self.0.to_owned(), self.0.into());
        Ok(vec![Project { id: 1, slug, name, platform: None, public_key: String::new(), last_event: None }])
    }
    async fn releases(&self, _: &ReleaseQuery) -> Result<Vec<ReleaseFacts>, StoreError> {
        Ok(Vec::new())
    }
    async fn environments(&self, _: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        Ok(vec![self.0.into()])
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_questions_of_two_tenants_never_cross() {
    let place = ["https://sentry.example/", "acme"];
    let one = Cached::new(Arc::new(Own("one")), Identity::new(&[1; 32], &place), Options::new(now), None);
    // The same memory for both: only the key keeps them apart.
    let two = one.beside(Arc::new(Own("two")), Identity::new(&[2; 32], &place));
    let asks = (0..10_000).map(|n| {
        let (cached, own) = if n % 2 == 0 { (one.clone(), "one") } else { (two.clone(), "two") };
        tokio::spawn(async move {
            // Some of them new, so that loads and hits mix.
            let environment = (n % 7 == 0).then(|| Untrusted::from((n / 50).to_string()));
            let scope = Scope { environment, ..Scope::default() };
            let projects = cached.projects(&scope).await.unwrap();
            let names = cached.environments(&scope).await.unwrap();
            assert_eq!((projects[0].slug.as_str(), names[0].raw()), (own, own));
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        ask.await.unwrap();
    }
}
