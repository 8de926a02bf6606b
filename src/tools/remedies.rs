//! Remedies that an error names, as answers show them.

use super::sentence;
use crate::{
    guard::{Clean, Guard, Limit},
    model::Event,
    remedy, view,
    view::Word,
};

view! {
    /// What the error itself says to do.
    pub struct RemedyView {
        /// Sort of remedy.
        pub kind: Word,
        /// What it proposes.
        pub action: Clean,
        /// The words that it was taken from.
        pub evidence: Clean,
    }
}

/// Those of an event, the root cause's first.
pub(super) fn of(event: &Event, guard: &mut Guard) -> Vec<RemedyView> {
    let view = |remedy: &remedy::Remedy| RemedyView {
        kind: Word(remedy.kind),
        action: sentence::remedy(&remedy.action, guard),
        evidence: guard.line(&remedy.evidence, Limit::Value),
    };
    remedy::remedies(event).iter().map(view).collect()
}
