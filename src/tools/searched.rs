//! A search as typed: read here, or left to a store that has a grammar of its own.

use super::{Ctx, Resolved, ToolError, error::refused, input::Text};
use crate::{
    model::Untrusted,
    store::{Term, parse_search},
};

/// Conditions that were read, and the text where the store reads it itself.
pub(super) type Searched = (Vec<Term>, Option<Untrusted>);

/// Reads the `query` of a call.
pub(super) fn read(ctx: &Ctx, asked: &Resolved, query: Option<&Text>) -> Result<Searched, ToolError> {
    match query {
        Some(text) if ctx.store.reads_search() => Ok((Vec::new(), Some(text.untrusted()))),
        Some(text) => Ok((parse_search(text.raw(), asked.as_of).map_err(|e| refused("query", &e))?, None)),
        None => Ok((Vec::new(), None)),
    }
}
