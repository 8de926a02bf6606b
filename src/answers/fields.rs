//! Fields of events and issues, for tables.

use crate::{
    model::{Event, Frame, Issue, Untrusted},
    store::Field,
};

/// The application's frame nearest to the crash of the root cause.
pub(crate) fn crash_frame(event: &Event) -> Option<&Frame> {
    event.exceptions.iter().rev().find_map(|exception| exception.frames.iter().find(|frame| frame.in_app))
}

/// A text of an issue.
pub(crate) fn of_issue(issue: &Issue, field: &Field) -> Option<Untrusted> {
    match field {
        Field::Issue => Some(issue.short_id.as_str().into()),
        Field::Project => Some(issue.project.as_str().into()),
        Field::Title => Some(issue.title.clone()),
        Field::Type => issue.ty.clone(),
        Field::Value => issue.value.clone(),
        Field::Culprit => issue.culprit.clone(),
        _ => None,
    }
}
