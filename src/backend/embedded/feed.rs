//! The feed, as callers see it.
//! It uses the pool and the writer's queue.
//! It never decides what is a change: that is found above.

use super::{EmbeddedStore, write::stamp};
use crate::{
    model::Timestamp,
    store::{Claim, Delivery, FeedStore, Finding, Loss, NewFinding, StoreError, WatchedFix},
};

#[async_trait::async_trait]
impl FeedStore for EmbeddedStore {
    async fn record(&self, changes: Vec<NewFinding>) -> Result<usize, StoreError> {
        self.control(move |writer| writer.record(&changes)).await
    }

    async fn findings(&self, after: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.read(move |snapshot| snapshot.findings(after, limit)).await
    }

    async fn last_finding(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| snapshot.last_finding()).await
    }

    async fn subscribe(&self, target: &str, start: Option<u64>) -> Result<(), StoreError> {
        let target = target.to_owned();
        self.control(move |writer| writer.subscribe(&target, start)).await
    }

    async fn take(&self, target: &str, now: Timestamp, until: Timestamp) -> Result<Option<(Finding, u32)>, StoreError> {
        let target = target.to_owned();
        self.control(move |writer| writer.take(&target, stamp(now), stamp(until))).await
    }

    async fn settle(&self, target: &str, finding: u64, told: Delivery) -> Result<(), StoreError> {
        let target = target.to_owned();
        self.control(move |writer| writer.settle(&target, finding, told)).await
    }

    async fn claims(&self, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
        self.read(move |snapshot| snapshot.claims(stamp(now))).await
    }

    async fn claim(&self, claim: Claim, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        self.control(move |writer| writer.claim(&claim, stamp(now))).await
    }

    async fn unclaim(&self, issue: i64) -> Result<(), StoreError> {
        self.control(move |writer| writer.unclaim(issue)).await
    }

    async fn watch_fix(&self, fix: WatchedFix) -> Result<(), StoreError> {
        self.control(move |writer| writer.watch_fix(&fix)).await
    }

    async fn watched_fixes(&self, now: Timestamp) -> Result<Vec<WatchedFix>, StoreError> {
        self.read(move |snapshot| snapshot.watched_fixes(stamp(now))).await
    }

    async fn set_verdict(&self, fix: &WatchedFix, verdict: &str) -> Result<bool, StoreError> {
        let (fix, verdict) = (fix.clone(), verdict.to_owned());
        self.control(move |writer| writer.set_verdict(&fix, &verdict)).await
    }

    async fn losses(&self, since_day: i64) -> Result<Vec<Loss>, StoreError> {
        self.read(move |snapshot| snapshot.losses(since_day)).await
    }
}
