//! Searches as typed, meant: releases by their aliases, and no field that nothing has.

use super::{Ctx, Resolved, ToolError, error::refused, input::Text, resolve, signals};
use crate::{
    guard::{Guard, Limit},
    model::Untrusted,
    release::{self, nearest},
    say,
    store::{self, Field, IssueRef, Op, Scope, SearchQuery, Term, Test},
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
    mean_fields(ctx, &mut terms).await?;
    let fields = terms.iter().filter_map(|term| match &term.test {
        Test::Field { field, .. } | Test::Has(field) => Some(field),
        Test::Text(_) | Test::Status(_) | Test::Change(_) => None,
    });
    known(ctx, "query", fields).await?;
    name_releases(ctx, &asked.scope, &mut terms, true).await?;
    for term in &mut terms {
        match &mut term.test {
            Test::Text(text) => {
                if let Some(meant) = short_id(ctx, &asked.scope, text).await?.or_else(|| user(text)) {
                    term.test = meant;
                }
            }
            Test::Field { field: Field::Issue, values, .. } => {
                // A number means the issue's id; lists show and compare short ids.
                for value in values.iter_mut().filter(|value| !value.raw().contains('*')) {
                    let issue = ctx.store.bare_issue(&IssueRef::Named(value.clone()), &asked.scope).await?;
                    *value = issue.short_id.as_str().into();
                }
            }
            Test::Field { field: field @ Field::EventId, values, .. } => {
                if let Some(other) = meant_by_id(ctx, &asked.scope, text.raw(), values).await? {
                    *field = other;
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

/// Names of other programs, and `tags.NAME`, as the fields that they mean, where no tag is called so.
async fn mean_fields(ctx: &Ctx, terms: &mut [Term]) -> Result<(), ToolError> {
    let of_tag =
        |term: &&mut Term| matches!(&term.test, Test::Field { field: Field::Tag(_), .. } | Test::Has(Field::Tag(_)));
    let mut of_tags = terms.iter_mut().filter(of_tag).peekable();
    if of_tags.peek().is_none() {
        return Ok(());
    }
    let keys = ctx.store.tag_keys().await?.unwrap_or_default();
    for term in of_tags {
        let (Test::Field { field, .. } | Test::Has(field)) = &mut term.test else { continue };
        let Field::Tag(name) = &*field else { continue };
        let is_key = |name: &str| keys.iter().any(|key| key.raw() == name);
        let bare = name.raw().strip_prefix("tags.").filter(|bare| is_key(bare));
        if is_key(name.raw()) {
            continue;
        }
        if let Some(meant) = bare.and_then(Field::parse).or_else(|| Field::synonym(name.raw())) {
            *field = meant;
        }
    }
    Ok(())
}

/// What an id alone is of, where no event has it: a trace or a replay.
async fn meant_by_id(ctx: &Ctx, scope: &Scope, typed: &str, ids: &[Untrusted]) -> Result<Option<Field>, ToolError> {
    let alone = |id: &&Untrusted| typed.split_whitespace().any(|word| word.eq_ignore_ascii_case(id.raw()));
    let [id] = ids else { return Ok(None) };
    if Some(id).filter(alone).is_none() || ctx.store.reads_search() {
        return Ok(None);
    }
    let anywhere = Scope { start: None, ..scope.clone() };
    for field in [Field::EventId, Field::Trace, Field::Replay] {
        let plain = id.raw().replace('-', "").to_ascii_lowercase();
        if has_events(ctx, &anywhere, &field, &plain.as_str().into()).await? {
            return Ok((field != Field::EventId).then_some(field));
        }
    }
    Ok(None)
}

/// Whether any event has the value.
pub(super) async fn has_events(ctx: &Ctx, scope: &Scope, field: &Field, value: &Untrusted) -> Result<bool, ToolError> {
    let test = Test::Field { field: field.clone(), op: Op::Is, values: vec![value.clone()] };
    let query = SearchQuery {
        scope: scope.clone(),
        filter: vec![Term { negated: false, test }],
        typed: None,
        fields: vec![Field::EventId],
        group_by: Vec::new(),
        aggregate: Vec::new(),
        limit: 1,
        skip: 0,
    };
    Ok(!ctx.store.search(&query).await?.items.is_empty())
}

/// The condition that a pseudonym alone means.
fn user(text: &Untrusted) -> Option<Test> {
    is_pseudonym(text.raw()).then(|| Test::Field { field: Field::User, op: Op::Is, values: vec![text.clone()] })
}

/// `user-7f3a91c04b2d`, as answers call people.
pub(super) fn is_pseudonym(text: &str) -> bool {
    let digits = text.strip_prefix("user-").unwrap_or("");
    digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit())
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
        let capital = |c: char| c.is_ascii_alphanumeric();
        !project.is_empty()
            && (1..=8).contains(&number.len())
            && project.chars().all(|c| capital(c) || "-_".contains(c))
            && number.chars().all(capital)
    });
    if !is_short_id {
        return Ok(None);
    }
    let found = ctx.store.bare_issue(&IssueRef::Named(text.clone()), scope).await.ok();
    Ok(found.map(|issue| Test::Field { field: Field::Issue, op: Op::Is, values: vec![issue.short_id.as_str().into()] }))
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
        let mut names: Vec<Untrusted> = Field::names().map(Untrusted::from).chain(keys).collect();
        names.sort();
        names.dedup();
        let mut guard = Guard::new();
        let near = nearest(tag, &names).iter().take(3).map(|name| guard.line(name, Limit::Tag)).collect();
        let tag = guard.line(tag, Limit::Tag);
        let said = say!(input, ": no event has a field or tag \"", tag, "\", so nothing can be said of it");
        return Err(ToolError::invalid(said).with_near(near));
    }
    Ok(())
}
