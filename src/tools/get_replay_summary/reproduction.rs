//! A test that does again what the user did.

use super::choice::Chosen;
use crate::{
    guard::{Clean, Guard},
    model::EventId,
    replay::Replay,
    say,
    script::{self, Wanted},
    view,
    view::{Doc, Omission, tokens},
};

view! {
    /// A test that does again what the user did, and fails while the recorded error comes back.
    pub struct ReproductionView {
        /// A whole spec file for @playwright/test.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub script: Option<Clean>,
        /// `typescript`.
        pub language: Clean,
        /// How far to trust it: 0.95 where all is known, less for each thing that isn't.
        pub confidence: f64,
        /// What could not be known; values made up for it are marked PLACEHOLDER in the script.
        pub gaps: Vec<Clean>,
    }
}

/// The reproduction of the replay that was chosen, about the issue that it was chosen for.
pub(super) fn of(chosen: &Chosen, guard: &mut Guard) -> ReproductionView {
    let replay = &chosen.loaded.replay;
    let events = chosen.event.map(|event| alike(replay, event)).unwrap_or_default();
    let wanted = if events.is_empty() { Wanted::All } else { Wanted::Events(&events) };
    let made = script::write(replay, wanted, guard);
    let language = made.language;
    ReproductionView {
        script: Some(made.script),
        language: Clean::ours(language),
        confidence: made.confidence,
        gaps: made.gaps,
    }
}

/// The replay's events of the same issue; none when the event is not the replay's.
fn alike(replay: &Replay, event: EventId) -> Vec<EventId> {
    let Some((_, own)) = replay.errors.iter().find(|(_, failure)| failure.event == event) else { return Vec::new() };
    let same = replay.errors.iter().filter(|(_, f)| f.event == event || (own.issue.is_some() && f.issue == own.issue));
    same.map(|(_, failure)| failure.event).collect()
}

/// How many ways there are to say less.
pub(super) const PLANS: usize = 2;

/// Says less: first of the gaps, then without the script, which is of no use in part.
pub(super) fn apply(made: &mut ReproductionView, step: usize) -> Vec<Omission> {
    let mut omitted = Vec::new();
    let gone = made.gaps.len().saturating_sub(3) as u64;
    if gone > 0 {
        made.gaps.truncate(3);
        omitted.push(Omission {
            what: say!(gone, " more gaps"),
            call: Clean::ours("the same call with a larger max_tokens"),
        });
    }
    if step < PLANS {
        return omitted;
    }
    if let Some(script) = made.script.take() {
        // As data it has its line ends and quotes escaped, and the answer has more than the script.
        let needed = (tokens::estimate(script.as_str()) * 3 / 2 + 800).next_multiple_of(500) as u64;
        omitted.push(Omission {
            what: Clean::ours("the script"),
            call: say!("the same call with \"max_tokens\":", needed, ", or: prodsignal replay ID --playwright FILE"),
        });
    }
    omitted
}

/// Writes it for the model to read.
pub(super) fn write(made: &ReproductionView, doc: &mut Doc) {
    doc.line("Confidence: ", &[&made.confidence]);
    for gap in &made.gaps {
        doc.bullet(&say!("not known: ", gap));
    }
    if let Some(script) = &made.script {
        doc.code("typescript", script);
    }
}
