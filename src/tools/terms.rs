//! Searches as typed, meant: releases by their aliases, and no field that nothing has.

use super::{Ctx, Resolved, ToolError, error::refused, input::Text, resolve, signals};
use crate::{
    guard::{Guard, Limit},
    model::Untrusted,
    release::{self, nearest},
    say,
    store::{self, Field, IssueRef, Op, Scope, Term, Test},
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
    name_releases(ctx, &asked.scope, &mut terms, true).await?;
    for term in &mut terms {
        match &mut term.test {
            Test::Text(text) => {
                if let Some(issue) = short_id(ctx, &asked.scope, text).await? {
                    term.test = issue;
                }
            }
            Test::Field { field: Field::Issue, values, .. } => {
                for value in values.iter().filter(|value| !value.raw().contains('*')) {
                    ctx.store.bare_issue(&IssueRef::Named(value.clone()), &asked.scope).await?;
                }
            }
            Test::Field { field: Field::Project, values, .. } => seen("project", values, &ctx.store.slugs().await?)?,
            Test::Field { field: Field::Environment, values, .. } => {
                let anywhere = Scope { environment: None, start: None, end: None, ..asked.scope.clone() };
                seen("environment", values, &ctx.store.environments(&anywhere).await?)?;
            }
            _ => {}
        }
    }
    Ok((terms, None))
}

/// Releases by their whole names, as they were meant: `latest`, `2.3.0` of each package that has it. With `refuse`, a
/// name that is no release's is refused: nothing found would read as if nothing had failed.
pub(super) async fn name_releases(ctx: &Ctx, scope: &Scope, terms: &mut [Term], refuse: bool) -> Result<(), ToolError> {
    let of_release = |test: &Test| matches!(test, Test::Field { field: Field::Release | Field::FirstRelease, .. });
    if !terms.iter().any(|term| of_release(&term.test)) {
        return Ok(());
    }
    let anywhere = Scope { environment: None, end: None, ..scope.clone() };
    let known = resolve::known_releases(ctx, &anywhere).await?;
    for term in terms {
        let Test::Field { field: Field::Release | Field::FirstRelease, values, .. } = &mut term.test else { continue };
        let mut named = Vec::with_capacity(values.len());
        for value in values.drain(..) {
            match release::resolve(&value, &known) {
                _ if value.raw().contains('*') || known.is_empty() => named.push(value),
                Ok(found) => {
                    named.push(known[found.index].version.clone());
                    named.extend(found.others);
                }
                Err(unresolved) if refuse => return Err(ToolError::not_found("release", &value, &unresolved.near)),
                Err(_) => named.push(value),
            }
        }
        *values = named;
    }
    Ok(())
}

/// Refuses names that nothing was ever seen of.
fn seen(what: &'static str, values: &[Untrusted], known: &[Untrusted]) -> Result<(), ToolError> {
    let is_seen = |value: &&Untrusted| {
        value.raw().contains('*') || known.iter().any(|name| name.raw().eq_ignore_ascii_case(value.raw()))
    };
    match values.iter().find(|value| !is_seen(value)) {
        Some(unseen) if !known.is_empty() => Err(ToolError::not_found(what, unseen, &nearest(unseen, known))),
        _ => Ok(()),
    }
}

/// The condition that a short id means which stands alone, such as `SHOP-4K`.
async fn short_id(ctx: &Ctx, scope: &Scope, text: &Untrusted) -> Result<Option<Test>, ToolError> {
    let is_short_id = text.raw().rsplit_once('-').is_some_and(|(project, number)| {
        let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        !project.is_empty()
            && (1..=8).contains(&number.len())
            && project.chars().all(|c| capital(c) || "-_".contains(c))
            && number.chars().all(capital)
    });
    if !is_short_id || ctx.store.bare_issue(&IssueRef::Named(text.clone()), scope).await.is_err() {
        return Ok(None);
    }
    Ok(Some(Test::Field { field: Field::Issue, op: Op::Is, values: vec![text.clone()] }))
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
