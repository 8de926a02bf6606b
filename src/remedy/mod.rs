//! What an error itself says to do: a database's hint, a missing index, a module to install.
//!
//! Forms are those of the systems' own messages: PostgreSQL's style of HINT lines and its sources, the error message
//! references of MySQL, MariaDB and SQLite, MongoDB's and Firestore's servers, Redis, the API machinery of Kubernetes, Node's
//! `errors` and module loader, CPython's suggestions, messages of Chromium, Firefox and React. An object that doesn't exist
//! or a right that is denied without naming which is no remedy: the error doesn't say what to do about it.
//! It uses `model` alone.
//! It never completes a command, and proposes nothing that the error's own words don't.

mod advice;
mod databases;
mod platforms;
mod rules;
mod runtimes;

use crate::model::{Data, Event, Untrusted};

/// Most remedies of one event.
const MOST: usize = 5;
/// Longer texts are data; a remedy stands near their beginning, or in their last lines. In bytes.
const READ: usize = 16_000;

/// One remedy and the words that it was taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// Sort of remedy: `database_hint`, `missing_index`, `missing_module`, `permission`, `limit`, `retry`,
    /// `did_you_mean`, `advice`.
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
    /// Install a module.
    Install(Untrusted),
    /// Bring a file of the application's own, or name the one that is there.
    CreateFile(Untrusted),
    /// Grant a right, on what.
    Grant(Untrusted),
    /// Raise a limit that is named.
    Raise(&'static str),
    /// Use another name.
    UseInstead(Untrusted),
    /// Run the transaction again.
    Retry,
    /// End what listens at the address, or listen at another.
    FreePort,
    /// Do what the words say.
    AsItSays,
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
        of_text(text.raw()).into_iter().for_each(&mut add);
    }
    found
}

/// What one text proposes. Words of a system's own come first; general advice only where these say nothing.
fn of_text(text: &str) -> Vec<Remedy> {
    let text = beginning(text);
    let tables = [&*databases::RULES, &*runtimes::RULES, &*platforms::RULES];
    let found: Vec<Remedy> = tables.iter().flat_map(|rules| rules.iter()).filter_map(|rule| rule.find(text)).collect();
    if found.is_empty() { advice::RULES.iter().filter_map(|rule| rule.find(text)).take(1).collect() } else { found }
}

fn beginning(text: &str) -> &str {
    let end = (0..=text.len().min(READ)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// What drivers keep beside the message: a field `hint`, in a context named after the error.
fn hints(event: &Event) -> Vec<Untrusted> {
    let in_context = |(_, data): &(Untrusted, Data)| data.get("hint").and_then(Data::text).cloned();
    event.contexts.iter().filter_map(in_context).filter(|hint| !hint.raw().trim().is_empty()).collect()
}
