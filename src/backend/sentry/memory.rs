//! What several questions of one call need is asked once: kept for a minute, loaded once for all who wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

/// How long.
const KEPT: Duration = Duration::from_secs(60);
/// How many.
const MOST: usize = 64;

type Slot<T> = (Instant, Arc<OnceCell<Arc<T>>>);

/// A small memory by name.
pub(super) struct Memory<T> {
    slots: Mutex<HashMap<String, Slot<T>>>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<T> Memory<T> {
    /// What is remembered under a name, else what loads. A failure is not remembered.
    pub(super) async fn get<E>(&self, name: String, load: impl Future<Output = Result<T, E>>) -> Result<Arc<T>, E> {
        let cell = self.cell(name);
        cell.get_or_try_init(|| async { load.await.map(Arc::new) }).await.cloned()
    }

    /// Lets go of what is remembered under a name.
    pub(super) fn forget(&self, name: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn cell(&self, name: String) -> Arc<OnceCell<Arc<T>>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, (at, _)| at.elapsed() < KEPT);
        if slots.len() >= MOST {
            slots.clear();
        }
        let (_, cell) = slots.entry(name).or_insert_with(|| (Instant::now(), Arc::new(OnceCell::new())));
        cell.clone()
    }
}
