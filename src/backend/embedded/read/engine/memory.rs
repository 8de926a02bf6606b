//! What is kept in memory between answers, of days that hardly ever change.
//! It uses nothing but the standard library.
//! It never answers with what was written over since: each entry has the stamp of the rows it was made from.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Entries at most; past them all are dropped and made again as needed.
const MOST: usize = 96;

/// Which users: of which projects and environment, by which tag, over which days.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::backend::embedded::read) struct SettledKey {
    pub(in crate::backend::embedded::read) projects: Vec<u64>,
    pub(in crate::backend::embedded::read) env: Option<u32>,
    pub(in crate::backend::embedded::read) tag: u32,
    pub(in crate::backend::embedded::read) days: (i64, i64),
}

/// For each project the highest number of its rows, and how many there are.
pub(in crate::backend::embedded::read) type Stamp = Vec<(i64, i64)>;

/// What was made of rows; whoever asks knows its type.
type Kept = Arc<dyn Any + Send + Sync>;

/// Shared by all connections of a pool.
#[derive(Default)]
pub(in crate::backend::embedded::read) struct Memory {
    settled: Mutex<HashMap<SettledKey, (Stamp, Kept)>>,
}

impl Memory {
    /// What was kept, if its rows are still the same and it is of that type.
    pub(in crate::backend::embedded::read) fn get<T: Any + Send + Sync>(
        &self,
        key: &SettledKey,
        stamp: &Stamp,
    ) -> Option<Arc<T>> {
        // A panic elsewhere leaves the map whole: each change to it is one step.
        let kept = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, value) = kept.get(key).filter(|(seen, _)| seen == stamp)?;
        Arc::clone(value).downcast().ok()
    }

    /// Keeps what the rows came to.
    pub(in crate::backend::embedded::read) fn keep(
        &self,
        key: SettledKey,
        stamp: Stamp,
        value: Arc<dyn Any + Send + Sync>,
    ) {
        let mut kept = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(key, (stamp, value));
    }
}
