//! Who is told when a resource changes: by `listen` (peers of 2026-07-28), by `subscribe` (those before).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rmcp::{ErrorData, Peer, RoleServer, model::ResourceUpdatedNotificationParam, service::SubscriptionContext};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::resources::{MOST, changes};

/// Starts the watch over the feed when somebody first asks for it, and gives what is told of each new entry.
pub type News = Arc<dyn Fn() -> watch::Receiver<u64> + Send + Sync>;

/// What the peer of one connection has subscribed to.
#[derive(Clone, Default)]
pub(super) struct Subscribed {
    by_uri: Arc<Mutex<HashMap<String, CancellationToken>>>,
}

impl Subscribed {
    /// Tells a peer of each change of a resource from now on.
    pub(super) fn add(&self, news: &News, peer: Peer<RoleServer>, uri: String) -> Result<(), ErrorData> {
        if !changes(&uri) {
            return Err(ErrorData::invalid_params(
                "this resource does not change; subscribe to signal://breakage",
                None,
            ));
        }
        let ends = CancellationToken::new();
        {
            let mut open = self.by_uri.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= MOST && !open.contains_key(&uri) {
                return Err(ErrorData::invalid_params("too many subscriptions", None));
            }
            if let Some(before) = open.insert(uri.clone(), ends.clone()) {
                before.cancel();
            }
        }
        let mut heard = news();
        heard.mark_unchanged();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = ends.cancelled() => return,
                    changed = heard.changed() => if changed.is_err() { return },
                }
                if peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri.clone())).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Tells it no more.
    pub(super) fn remove(&self, uri: &str) {
        if let Some(ends) = self.by_uri.lock().unwrap_or_else(PoisonError::into_inner).remove(uri) {
            ends.cancel();
        }
    }
}

/// Tells a subscription of each change until it is cancelled, or the server ends.
pub(super) async fn listen(
    news: &News,
    context: SubscriptionContext,
    end: &CancellationToken,
) -> Result<(), ErrorData> {
    let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
    let mut heard = news();
    heard.mark_unchanged();
    loop {
        tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = end.cancelled() => return Ok(()),
            changed = heard.changed() => if changed.is_err() { return Ok(()) },
        }
        for uri in &uris {
            if context.sink().notify_resource_updated(uri.clone()).await.is_err() {
                return Ok(());
            }
        }
    }
}
