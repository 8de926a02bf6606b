//! Names of issues, events and replays in arguments: ids, short ids, web addresses.

use super::{ToolError, input::Text};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{EventId, Untrusted},
    say,
    store::IssueRef,
};

/// An issue: id, short id or web URL.
pub(super) fn issue(text: &Text) -> IssueRef {
    IssueRef::Named(Untrusted::from(text.raw()))
}

/// An event: its id, or a web URL that holds it.
pub(super) fn event(text: &Text) -> Result<EventId, ToolError> {
    id("event", text)
}

/// A replay: its id, or a web URL that holds it.
pub(super) fn replay(text: &Text) -> Result<EventId, ToolError> {
    id("replay", text)
}

/// The id that a text is, or that an address holds.
pub fn id_in(text: &str) -> Option<EventId> {
    let in_url = || text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').rev().find_map(|p| p.parse().ok());
    text.parse().ok().or_else(in_url)
}

fn id(what: &'static str, text: &Text) -> Result<EventId, ToolError> {
    id_in(text.raw()).ok_or_else(|| {
        let asked = Guard::new().line(&text.untrusted(), Limit::Tag);
        ToolError::invalid(say!(what, " \"", asked, "\": its id has 32 hex digits"))
    })
}

/// Exactly one of an issue and an event has to be named.
pub(super) fn missing() -> ToolError {
    ToolError::invalid(Clean::ours("say which: issue (such as SHOP-4K) or event (32 hex digits)"))
}
