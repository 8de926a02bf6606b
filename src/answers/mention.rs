//! Texts by which an issue is found beside its own: inner exceptions, frames of the application, breadcrumbs.
//! They are kept of the first event with each stack; later ones say the same with other values.

use crate::{
    model::{Event, Untrusted},
    store::Field,
};

/// Longest text that is kept, in characters.
const LONGEST: usize = 300;
/// Texts of one event at most, and of one issue.
const PER_EVENT: usize = 200;
pub(crate) const MENTIONS: i64 = 2_000;
/// Breadcrumbs of one event, the last ones.
const BREADCRUMBS: usize = 30;

/// What a text is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mention {
    Type = 0,
    Value = 1,
    Function = 2,
    File = 3,
    Module = 4,
    Breadcrumb = 5,
}

impl Mention {
    /// The kind that a field names.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        match field {
            Field::Type => Some(Self::Type),
            Field::Value => Some(Self::Value),
            Field::Function => Some(Self::Function),
            Field::File => Some(Self::File),
            Field::Module => Some(Self::Module),
            _ => None,
        }
    }
}

/// The texts of an event, each with its kind.
pub(crate) fn mentions(event: &Event) -> Vec<(Mention, String)> {
    let mut found = Vec::new();
    let mut add = |kind: Mention, text: Option<&Untrusted>| {
        let text: String = text.map(|text| text.raw().trim().chars().take(LONGEST).collect()).unwrap_or_default();
        if !text.is_empty() && found.len() < PER_EVENT && !found.contains(&(kind, text.clone())) {
            found.push((kind, text));
        }
    };
    for exception in &event.exceptions {
        add(Mention::Type, exception.ty.as_ref());
        add(Mention::Value, exception.value.as_ref());
        for frame in exception.frames.iter().filter(|frame| frame.in_app) {
            add(Mention::Function, frame.function.as_ref());
            add(Mention::File, frame.file.as_ref());
            add(Mention::Module, frame.module.as_ref());
        }
    }
    for breadcrumb in event.breadcrumbs.iter().rev().take(BREADCRUMBS) {
        add(Mention::Breadcrumb, breadcrumb.message.as_ref());
    }
    found
}

/// A text as SQL's `LIKE` has it, `*` for anything.
pub(crate) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('*', "%")
}
