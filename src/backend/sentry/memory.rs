//! What several questions need is asked once: kept for a moment, loaded once for all who wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

/// How many.
const MOST: usize = 64;

type Slot<T> = (Instant, Arc<OnceCell<Arc<T>>>);

/// A small memory by name.
pub(super) struct Memory<T> {
    kept: Duration,
    slots: Mutex<HashMap<String, Slot<T>>>,
}

impl<T> Memory<T> {
    /// For so many seconds.
    pub(super) fn new(seconds: u64) -> Self {
        Self { kept: Duration::from_secs(seconds), slots: Mutex::default() }
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

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
        slots.retain(|_, (at, _)| at.elapsed() < self.kept);
        if slots.len() >= MOST {
            slots.clear();
        }
        let (_, cell) = slots.entry(name).or_insert_with(|| (Instant::now(), Arc::new(OnceCell::new())));
        cell.clone()
    }
}
