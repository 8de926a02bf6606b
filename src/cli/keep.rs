//! Drops what is past the retentions, at the start and every hour, as long as a server runs.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    config::{Retention, Settings},
    model::Timestamp,
    store::{SignalSink, StoreError},
};

/// Keeps the settings' own store to their retentions, until `end`; several processes may do so at once.
pub fn spawn(settings: &Settings, end: &CancellationToken) {
    let (events, dumps) = (settings.retention, settings.dump_retention);
    if events.is_none() && dumps.is_none() {
        return;
    }
    match parts::store(settings) {
        Ok(store) => drop(tokio::spawn(keep_to(store, events, dumps, end.clone()))),
        Err(error) => tracing::error!("the retention can't be kept: {error:#}"),
    }
}

async fn keep_to(
    store: Arc<EmbeddedStore>,
    events: Option<Retention>,
    dumps: Option<Retention>,
    end: CancellationToken,
) {
    let mut hours = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = hours.tick() => {}
        }
        if let Some(before) = dumps.and_then(start_of) {
            told("minidumps", store.retain_dumps(before).await);
        }
        if let Some(before) = events.and_then(start_of) {
            told("events", store.retain(before).await);
        }
    }
}

fn start_of(retention: Retention) -> Option<Timestamp> {
    let span = jiff::SignedDuration::from_hours(i64::from(retention.days) * 24);
    parts::now().checked_sub(span).ok()
}

fn told(what: &str, done: Result<u64, StoreError>) {
    match done {
        Ok(0) => {}
        Ok(dropped) => tracing::info!(dropped, "dropped {what} past the retention"),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "retention failed"),
    }
}
