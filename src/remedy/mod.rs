//! What an error itself says to do: a database's hint, a missing index, a module to install.
//! It uses `model` alone.
//! It never completes a command, and proposes nothing that the error's own words don't.

mod rules;

use crate::model::{Data, Event, Untrusted};

/// Most remedies of one event.
const MOST: usize = 5;

/// One remedy and the words that it was taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// Sort of remedy: `database_hint`, `missing_index`, `missing_object`, `missing_module`, `permission`, `limit`,
    /// `did_you_mean`.
    pub kind: &'static str,
    /// What the words propose.
    pub action: Action,
    /// The words, as they stand in the event.
    pub evidence: Untrusted,
}

/// What is proposed, with the names that the error gave. A tool makes the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Do as the database says.
    FollowHint,
    /// Create the unique index or constraint that the statement leans on.
    CreateUniqueIndex,
    /// Create an index, or name one that exists.
    CreateIndex(Option<Untrusted>),
    /// Create an object of the database, or use the right name: (table, column …; its name).
    CreateObject(&'static str, Untrusted),
    /// Install a module.
    Install(Untrusted),
    /// Grant a right, on what.
    Grant(Untrusted),
    /// Raise a limit that is named.
    Raise(&'static str),
    /// Use another name.
    UseInstead(Untrusted),
}

/// The remedies that an event names, those in the words of the root cause first.
pub fn remedies(event: &Event) -> Vec<Remedy> {
    let mut found: Vec<Remedy> = Vec::new();
    let mut add = |remedy: Remedy| {
        if found.len() < MOST && !found.iter().any(|known| known.evidence == remedy.evidence) {
            found.push(remedy);
        }
    };
    for hint in hints(event) {
        add(Remedy { kind: "database_hint", action: Action::FollowHint, evidence: hint });
    }
    let texts = event.exceptions.iter().rev().filter_map(|e| e.value.as_ref()).chain(&event.message);
    for text in texts {
        rules::of_text(text.raw()).into_iter().for_each(&mut add);
    }
    found
}

/// What drivers keep beside the message: a field `hint`, in a context named after the error.
fn hints(event: &Event) -> Vec<Untrusted> {
    let in_context = |(_, data): &(Untrusted, Data)| data.get("hint").and_then(Data::text).cloned();
    event.contexts.iter().filter_map(in_context).filter(|hint| !hint.raw().trim().is_empty()).collect()
}
