//! Projects that are deleted or get another key, as callers see it.
//! It uses the writer's queue.
//! It never asks whether that is meant: the command did.

use super::EmbeddedStore;
use crate::{model::Project, store::StoreError};

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
}
