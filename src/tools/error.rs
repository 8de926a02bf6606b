//! Failures that the caller can mend, as answers.

use super::Rendered;
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Kind, Untrusted},
    say,
    store::StoreError,
    view::{Fitted, fit_error},
};

/// What was wrong, what would be right, and whether trying again helps.
#[derive(Clone, Debug)]
pub struct ToolError {
    /// The contract's kind.
    pub kind: Kind,
    /// What was wrong.
    pub message: Clean,
    /// When to try again.
    pub retry_after_s: Option<u64>,
    /// What would be right.
    pub near: Vec<Clean>,
}

impl ToolError {
    /// An argument can't be understood.
    pub fn invalid(message: Clean) -> Self {
        Self { kind: Kind::InvalidInput, message, retry_after_s: None, near: Vec::new() }
    }

    /// Something failed that no other arguments would mend.
    pub fn internal(message: Clean) -> Self {
        Self { kind: Kind::Internal, ..Self::invalid(message) }
    }

    /// With names that would be right.
    pub fn with_near(mut self, near: Vec<Clean>) -> Self {
        self.near = near;
        self
    }

    /// Something that was named does not exist.
    pub fn not_found(what: &'static str, asked: &Untrusted, near: &[Untrusted]) -> Self {
        let mut guard = Guard::new();
        let asked = guard.line(asked, Limit::Tag);
        let near = near.iter().map(|n| guard.line(n, Limit::Tag)).collect();
        Self { kind: Kind::NotFound, message: say!("no ", what, " \"", asked, "\" here"), retry_after_s: None, near }
    }

    /// Both renderings.
    pub fn rendered(&self) -> Rendered {
        let Fitted { text, data } = fit_error(self.kind, &self.message, self.retry_after_s, &self.near);
        Rendered { text, data, is_error: true }
    }
}

impl From<StoreError> for ToolError {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        let (message, retry_after_s) = match &error {
            StoreError::NotFound { what, asked, near } => return Self::not_found(what, asked, near),
            StoreError::Invalid(why) | StoreError::Unsupported(why) => (Clean::ours(why), None),
            StoreError::Forbidden(why) => (say!("the store refuses: ", *why), None),
            StoreError::Unauthorized(why) => (say!("no valid credential: ", *why), None),
            StoreError::Refused { said } => {
                let said = Guard::new().line(said, Limit::Value);
                (say!("the upstream refuses the question; it says: ", said), None)
            }
            StoreError::Upstream { what, said } if said.is_empty() => (say!("the upstream ", *what), None),
            StoreError::Upstream { what, said } => {
                let said = Guard::new().line(said, Limit::Value);
                (say!("the upstream ", *what, "; it says: ", said), None)
            }
            StoreError::Busy { retry_after_s } => {
                (Clean::ours("the store has too much to do at the moment"), Some(*retry_after_s))
            }
            StoreError::Full => (Clean::ours("the disk of the store is full"), None),
            StoreError::Newer { found, known } => (
                say!(
                    "the store was written by a newer version (format ",
                    *found,
                    ", known here up to ",
                    *known,
                    "): update prodsignal"
                ),
                None,
            ),
            StoreError::Timeout => (Clean::ours("the store did not answer in time"), None),
            StoreError::Cancelled => (Clean::ours("the call was cancelled"), None),
            StoreError::Engine { context, .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "store failed");
                (say!("the store failed while ", *context, "; its log has the cause"), None)
            }
        };
        Self { kind, message, retry_after_s, near: Vec::new() }
    }
}

/// A search that can't be read.
pub(super) fn refused(field: &'static str, error: &crate::store::SearchError) -> ToolError {
    ToolError::invalid(say!(field, ", at character ", error.at, ": ", error.problem))
}
