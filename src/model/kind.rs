//! The kinds of failure that a caller can tell apart.

/// What went wrong, in the nine words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The thing named doesn't exist in this scope.
    NotFound,
    /// The arguments can't be understood.
    InvalidInput,
    /// No valid credential.
    Unauthorized,
    /// The credential lacks the right.
    Forbidden,
    /// Too many requests; a later try helps.
    RateLimited,
    /// The signal store behind answered wrongly.
    Upstream,
    /// It took too long.
    Timeout,
    /// This signal store can't answer that.
    Unsupported,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::InvalidInput => "invalid_input",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::Upstream => "upstream",
            Self::Timeout => "timeout",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}
