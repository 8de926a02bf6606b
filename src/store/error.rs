//! Why a store could not answer.

use crate::model::{Kind, Untrusted};

/// A failure of a store. The texts are the program's own; what was asked is carried beside them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing in this scope.
    #[error("no such {what}")]
    NotFound {
        /// `issue`, `event`, `release`, `project`, `environment`, `replay`.
        what: &'static str,
        /// As asked.
        asked: Untrusted,
        /// The nearest names that exist, best first, five at most.
        near: Vec<Untrusted>,
    },
    /// The question makes no sense to this store.
    #[error("{0}")]
    Invalid(&'static str),
    /// The file or the upstream refuses.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// This store can't answer that.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Too much at once; a later try helps.
    #[error("too many requests at once")]
    Busy {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The store was written by a newer version of this program.
    #[error("the store has format {found}, this program knows {known}: use a newer prodsignal")]
    Newer {
        /// Format of the store.
        found: i64,
        /// Newest format known here.
        known: i64,
    },
    /// It took longer than allowed.
    #[error("the store did not answer in time")]
    Timeout,
    /// The call was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The engine below failed.
    #[error("the store failed: {context}")]
    Engine {
        /// What was being done.
        context: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// The contract's word for it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Invalid(_) => Kind::InvalidInput,
            Self::Forbidden(_) => Kind::Forbidden,
            Self::Unsupported(_) => Kind::Unsupported,
            Self::Busy { .. } => Kind::RateLimited,
            Self::Timeout | Self::Cancelled => Kind::Timeout,
            Self::Full | Self::Newer { .. } | Self::Engine { .. } => Kind::Internal,
        }
    }
}
