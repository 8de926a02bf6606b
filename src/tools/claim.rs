//! Who works on an issue, as answers show it.

use crate::{
    guard::{Clean, Guard, Limit},
    store::Claim,
    view,
    view::Seconds,
};

view! {
    /// Somebody works on an issue.
    pub struct ClaimView {
        /// Who.
        pub by: Clean,
        /// Until when.
        pub until: Seconds,
    }
}

impl ClaimView {
    /// Of a claim.
    pub(super) fn of(claim: &Claim, guard: &mut Guard) -> Self {
        Self { by: guard.line(&claim.who, Limit::Tag), until: Seconds(claim.until) }
    }
}
