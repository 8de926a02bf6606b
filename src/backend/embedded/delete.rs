//! What is deleted, and keys that are changed, as callers see it.
//! It uses the writer's queue.
//! It never asks whether that is meant: the command did.

use super::{EmbeddedStore, Erased, ErasedScope};
use crate::{
    guard::Pseudonyms,
    model::{Project, Untrusted},
    store::StoreError,
};

impl EmbeddedStore {
    /// Gives a project a new public key; senders with the old one are refused from then on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such project.
    pub async fn rotate_key(&self, slug: &str) -> Result<Project, StoreError> {
        let slug = slug.to_owned();
        self.control(move |writer| writer.rotate_key(&slug)).await
    }

    /// Deletes a project with its issues, events, sessions, releases and maps.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such project.
    pub async fn delete_project(&self, slug: &str) -> Result<(), StoreError> {
        let slug = slug.to_owned();
        self.control(move |writer| writer.delete_project(&slug)).await
    }

    /// Deletes what a person sent: their events, replays, feedback, attachments, sessions, spans and logs, in every
    /// project. `who` is the id, login name, e-mail or address that was sent, or a pseudonym as answers show it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erase_user(&self, who: &Untrusted) -> Result<Erased, StoreError> {
        // A pseudonym is taken for itself.
        let key = Pseudonyms::new(self.key).returning().user(who);
        let mut shown = [0; 6];
        shown.copy_from_slice(&key.0[..6]);
        self.control(move |writer| writer.erase_user(shown)).await
    }

    /// Deletes all that came from an environment, from a release, or from both at once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such project, environment or release; those of the database.
    pub async fn erase_scope(&self, scope: ErasedScope) -> Result<Erased, StoreError> {
        self.control(move |writer| writer.erase_scope(&scope)).await
    }
}
