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
    /// The credential is missing, wrong or expired.
    #[error("no valid credential: {0}")]
    Unauthorized(&'static str),
    /// The upstream refuses the question, in its own words.
    #[error("the upstream refuses the question")]
    Refused {
        /// What it says.
        said: Untrusted,
    },
    /// The upstream failed.
    #[error("the upstream {what}")]
    Upstream {
        /// What happened, as the end of a sentence that begins with "the upstream".
        what: &'static str,
        /// What it says itself; may be empty.
        said: Untrusted,
    },
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
            Self::Invalid(_) | Self::Refused { .. } => Kind::InvalidInput,
            Self::Unauthorized(_) => Kind::Unauthorized,
            Self::Upstream { .. } => Kind::Upstream,
            Self::Forbidden(_) => Kind::Forbidden,
            Self::Unsupported(_) => Kind::Unsupported,
            Self::Busy { .. } => Kind::RateLimited,
            Self::Timeout | Self::Cancelled => Kind::Timeout,
            Self::Full | Self::Newer { .. } | Self::Engine { .. } => Kind::Internal,
        }
    }

    /// The same failure again, for a second one who waits for it. The cause of an engine's failure becomes text.
    pub fn again(&self) -> Self {
        match self {
            Self::NotFound { what, asked, near } => Self::NotFound { what, asked: asked.clone(), near: near.clone() },
            Self::Invalid(why) => Self::Invalid(why),
            Self::Forbidden(why) => Self::Forbidden(why),
            Self::Unauthorized(why) => Self::Unauthorized(why),
            Self::Refused { said } => Self::Refused { said: said.clone() },
            Self::Upstream { what, said } => Self::Upstream { what, said: said.clone() },
            Self::Unsupported(why) => Self::Unsupported(why),
            Self::Busy { retry_after_s } => Self::Busy { retry_after_s: *retry_after_s },
            Self::Full => Self::Full,
            Self::Newer { found, known } => Self::Newer { found: *found, known: *known },
            Self::Timeout => Self::Timeout,
            Self::Cancelled => Self::Cancelled,
            Self::Engine { context, source } => Self::Engine { context, source: source.to_string().into() },
        }
    }
}
