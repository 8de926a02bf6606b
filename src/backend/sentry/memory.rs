//! What several questions need is asked once: kept for a moment, loaded once for all who wait, and its age told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::OnceCell;

use crate::store::remembered;

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
        let (at, cell) = self.cell(name);
        if cell.initialized() {
            remembered(at);
        }
        cell.get_or_try_init(|| async { load.await.map(Arc::new) }).await.cloned()
    }

    /// What is remembered under a name already, if it fits.
    pub(super) fn known(&self, name: &str, fits: impl FnOnce(&T) -> bool) -> Option<Arc<T>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, cell) = slots.get(name).filter(|(at, _)| at.elapsed() < self.kept)?;
        let found = cell.get().filter(|found| fits(found))?;
        remembered(*at);
        Some(found.clone())
    }

    /// Remembers under other names too what is remembered under one.
    pub(super) fn also(&self, name: &str, others: impl IntoIterator<Item = String>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get(name).cloned() else { return };
        for other in others {
            slots.entry(other).or_insert_with(|| slot.clone());
        }
    }

    /// Remembers what came along with another answer.
    pub(super) fn put(&self, name: String, value: Arc<T>) {
        self.forget(&name);
        let (_, cell) = self.cell(name);
        // Whoever was faster knows as much.
        let _ = cell.set(value);
    }

    /// Lets go of what is remembered under a name.
    pub(super) fn forget(&self, name: &str) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn cell(&self, name: String) -> Slot<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, (at, _)| at.elapsed() < self.kept);
        if slots.len() >= MOST {
            slots.clear();
        }
        slots.entry(name).or_insert_with(|| (Instant::now(), Arc::new(OnceCell::new()))).clone()
    }
}
