//! When each project last sent anything.

use super::super::engine::pool::Snapshot;
use crate::{
    answers,
    store::{Life, Scope, StoreError},
};

impl Snapshot<'_> {
    /// Answers `SignalStore::life`.
    pub(in crate::backend::embedded) fn life(&mut self, scope: &Scope) -> Result<Vec<Life>, StoreError> {
        answers::life(self, scope)
    }
}
