//! Changing an issue through the cache: what was known of it is forgotten.

use std::sync::Arc;

use super::Cached;
use crate::store::{IssueUpdate, IssueUpdated, SignalWrite, StoreError};

/// A store that takes decisions, with the cache that has to hear of them.
pub struct CachedWrite {
    inner: Arc<dyn SignalWrite>,
    cached: Cached,
}

impl CachedWrite {
    /// Both belong to the same store.
    pub fn new(inner: Arc<dyn SignalWrite>, cached: Cached) -> Self {
        Self { inner, cached }
    }
}

#[async_trait::async_trait]
impl SignalWrite for CachedWrite {
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError> {
        let done = self.inner.update_issue(update).await;
        // A change that seems to have failed may have been made.
        self.cached.forget();
        done
    }
}
