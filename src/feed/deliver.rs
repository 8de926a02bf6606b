//! Tells a subscriber of each entry: nothing lost, and nothing twice as long as it answers.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, civil::Time};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Shaper, daily};
use crate::{
    model::Timestamp,
    store::{Delivery, FeedStore, Finding, StoreError},
};

/// First wait after a failure; it doubles up to the longest.
const FIRST_WAIT_S: i64 = 1;
const LONGEST_WAIT_S: i64 = 600;

/// What came of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Done,
    /// It may arrive later.
    Failed,
    /// It will never arrive: the entry is given up.
    Refused,
    /// The subscriber wants nothing any more.
    Gone,
}

/// One who is told.
#[async_trait::async_trait]
pub trait Target: Send + Sync {
    /// Names it, the same after a restart.
    fn name(&self) -> String;
    /// How long telling may take; meanwhile no other process tells it of the same entry.
    fn limit(&self) -> Duration;
    /// How often an entry is tried.
    fn tries(&self) -> u32;
    /// Whether it is told of this kind of entry.
    fn wants(&self, finding: &Finding) -> bool;
    /// Tells it.
    async fn tell(&self, finding: &Finding, data: &Value) -> Outcome;
    /// Tells it of several entries in one.
    async fn tell_digest(&self, findings: &[Finding], data: &Value) -> Outcome;
}

/// When telling ends.
#[derive(Clone)]
pub struct Stop {
    /// When this is cancelled.
    pub end: CancellationToken,
    /// Also when there is nothing to tell now.
    pub when_done: bool,
}

/// Tells a subscriber of entry after entry.
///
/// # Errors
/// Those of the store.
pub async fn deliver(
    target: &dyn Target,
    feed: Arc<dyn FeedStore>,
    shaper: Shaper,
    now: fn() -> Timestamp,
    mut news: watch::Receiver<u64>,
    stop: Stop,
) -> Result<(), StoreError> {
    let Stop { end, when_done } = stop;
    let name = target.name();
    loop {
        let lease = SignedDuration::try_from(target.limit() + Duration::from_secs(30)).unwrap_or_default();
        let until = now().saturating_add(lease).unwrap_or(Timestamp::MAX);
        let Some((finding, tries)) = feed.take(&name, now(), until).await? else {
            if when_done {
                return Ok(());
            }
            tokio::select! {
                () = end.cancelled() => return Ok(()),
                _ = news.changed() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            continue;
        };
        let told =
            if target.wants(&finding) { attempt(target, &shaper, &finding, tries, now).await? } else { Delivery::Done };
        feed.settle(&name, finding.id, told).await?;
        if told == Delivery::Gone || end.is_cancelled() {
            return Ok(());
        }
    }
}

async fn attempt(
    target: &dyn Target,
    shaper: &Shaper,
    finding: &Finding,
    tries: u32,
    now: fn() -> Timestamp,
) -> Result<Delivery, StoreError> {
    let data = shaper.data(finding).await?;
    Ok(became(target, target.tell(finding, &data).await, (finding.id, tries), now))
}

/// What becomes of an entry that was tried so often before.
fn became(target: &dyn Target, outcome: Outcome, (finding, tries): (u64, u32), now: fn() -> Timestamp) -> Delivery {
    match outcome {
        Outcome::Done => Delivery::Done,
        Outcome::Gone => {
            tracing::warn!(target = target.name(), "wants no more: it is not told of anything from here on");
            Delivery::Gone
        }
        Outcome::Failed if tries + 1 < target.tries() => {
            let wait = (FIRST_WAIT_S << tries.min(10)).min(LONGEST_WAIT_S);
            Delivery::Again(now().saturating_add(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MAX))
        }
        Outcome::Failed | Outcome::Refused => {
            tracing::error!(target = target.name(), finding, "given up");
            Delivery::Done
        }
    }
}

/// Tells a subscriber once a day, at this hour UTC, of what it was not told yet. What failed is tried again until the
/// next digest, and is part of that then.
///
/// # Errors
/// Those of the store.
pub async fn deliver_digests(
    target: &dyn Target,
    hour: Time,
    feed: Arc<dyn FeedStore>,
    shaper: Shaper,
    now: fn() -> Timestamp,
    stop: Stop,
) -> Result<(), StoreError> {
    let Stop { end, when_done } = stop;
    let name = target.name();
    let mut due = if when_done { now() } else { daily::next(hour, now()) };
    loop {
        if now() >= due {
            let lease = SignedDuration::try_from(target.limit() + Duration::from_secs(300)).unwrap_or_default();
            let until = now().saturating_add(lease).unwrap_or(Timestamp::MAX);
            let mut taken = Vec::new();
            while let Some(one) = feed.take(&name, now(), until).await? {
                taken.push(one);
            }
            let outcome = tell_all(target, &shaper, &taken).await?;
            due = daily::next(hour, now());
            for (finding, tries) in &taken {
                let told = became(target, outcome, (finding.id, *tries), now);
                if let Delivery::Again(at) = told {
                    due = due.min(at);
                }
                feed.settle(&name, finding.id, told).await?;
            }
            if when_done || outcome == Outcome::Gone {
                return Ok(());
            }
        }
        tokio::select! {
            () = end.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn tell_all(target: &dyn Target, shaper: &Shaper, taken: &[(Finding, u32)]) -> Result<Outcome, StoreError> {
    let mut wanted: Vec<Finding> =
        taken.iter().map(|(finding, _)| finding).filter(|finding| target.wants(finding)).cloned().collect();
    if wanted.is_empty() {
        return Ok(Outcome::Done);
    }
    let data = shaper.digest(&mut wanted).await?;
    Ok(target.tell_digest(&wanted, &data).await)
}
