//! Searches as typed, meant: releases by their aliases, and no field that nothing has.

use super::{Ctx, Resolved, ToolError, error::refused, input::Text, resolve, signals};
use crate::{
    guard::{Guard, Limit},
    model::Untrusted,
    release::nearest,
    say,
    store::{self, Field, Scope, Term, Test},
};

/// Conditions that were read, and the text where the store has a grammar of its own and reads it itself.
pub(super) type Searched = (Vec<Term>, Option<Untrusted>);

/// Reads a search. A field that no event has is refused: an empty answer would read as if nothing had failed.
pub(super) async fn read(ctx: &Ctx, asked: &Resolved, query: Option<&Text>) -> Result<Searched, ToolError> {
    let Some(text) = query else { return Ok((Vec::new(), None)) };
    if ctx.store.reads_search() {
        return Ok((Vec::new(), Some(text.untrusted())));
    }
    let mut terms =
        store::parse_search(&signals::with_flags(text.raw()), asked.as_of).map_err(|e| refused("query", &e))?;
    let fields = terms.iter().filter_map(|term| match &term.test {
        Test::Field { field, .. } | Test::Has(field) => Some(field),
        Test::Text(_) | Test::Status(_) | Test::Change(_) => None,
    });
    known(ctx, "query", fields).await?;
    for term in &mut terms {
        if let Test::Field { field: Field::Release | Field::FirstRelease, values, .. } = &mut term.test {
            name_releases(ctx, &asked.scope, values).await?;
        }
    }
    Ok((terms, None))
}

/// `latest` and `previous` by their names.
async fn name_releases(ctx: &Ctx, scope: &Scope, values: &mut [Untrusted]) -> Result<(), ToolError> {
    for value in values {
        if ["latest", "previous"].contains(&value.raw().to_ascii_lowercase().as_str()) {
            *value = resolve::release_named(ctx, scope, value).await?;
        }
    }
    Ok(())
}

/// Refuses tags that no event has, with the nearest names that there are.
pub(super) async fn known<'f>(
    ctx: &Ctx,
    input: &'static str,
    fields: impl Iterator<Item = &'f Field>,
) -> Result<(), ToolError> {
    let tags: Vec<&Untrusted> =
        fields.filter_map(|field| if let Field::Tag(name) = field { Some(name) } else { None }).collect();
    if tags.is_empty() {
        return Ok(());
    }
    // An empty store has no tags, and no answer that could mislead.
    let Some(keys) = ctx.store.tag_keys().await?.filter(|keys| !keys.is_empty()) else { return Ok(()) };
    for tag in tags {
        if keys.iter().any(|key| key.raw() == tag.raw()) {
            continue;
        }
        let names: Vec<Untrusted> = Field::names().map(Untrusted::from).chain(keys).collect();
        let mut guard = Guard::new();
        let near = nearest(tag, &names).iter().take(3).map(|name| guard.line(name, Limit::Tag)).collect();
        let tag = guard.line(tag, Limit::Tag);
        let said = say!(input, ": no event has a field or tag \"", tag, "\", so nothing can be said of it");
        return Err(ToolError::invalid(said).with_near(near));
    }
    Ok(())
}
