//! Which issue a name means, and which environments there are.
//! It never finds what lies outside the scope.

use super::{
    facts::Facts,
    near::not_found,
    scope::{ResolvedScope, resolve},
};
use crate::{
    model::Untrusted,
    store::{IssueRef, Scope, StoreError},
};

/// Answers `SignalStore::environments`.
pub(crate) fn environments(facts: &mut impl Facts, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
    let bounds = resolve(facts, scope)?;
    let mut ids: Vec<u32> = facts.activity(&bounds)?.iter().map(|row| row.env).filter(|env| *env != 0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut names: Vec<Untrusted> = ids.into_iter().map(|id| facts.environment_name(id)).collect::<Result<_, _>>()?;
    names.sort();
    Ok(names)
}

/// The issue that is meant, if it is of the scope and has an event up to its end.
pub(crate) fn meant_issue<F: Facts>(
    facts: &mut F,
    issue: &IssueRef,
    bounds: &ResolvedScope,
) -> Result<F::IssueRow, StoreError> {
    let (id, asked) = match issue {
        IssueRef::Named(asked) => (issue_named(facts, asked, bounds)?, asked.clone()),
        IssueRef::OfEvent(event) => (facts.issue_of_event(*event, bounds)?, event.to_string().into()),
    };
    if let Some(id) = id
        && let Some(known) = facts.known_issue(id, bounds)?
        && !facts.history(&known, bounds)?.is_empty()
    {
        return Ok(known);
    }
    Err(match issue {
        IssueRef::Named(_) => not_found("issue", &asked, facts.short_ids(bounds)?),
        IssueRef::OfEvent(_) => StoreError::NotFound { what: "event", asked, near: Vec::new() },
    })
}

fn issue_named(facts: &impl Facts, asked: &Untrusted, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
    let name = last_of_url(asked.raw());
    match name.parse::<i64>() {
        Ok(id) => Ok(Some(id)),
        Err(_) => facts.issue_with_short_id(name, bounds),
    }
}

/// What names the issue within a web URL; anything else as it is.
fn last_of_url(asked: &str) -> &str {
    let asked = asked.trim();
    match asked.rsplit_once("/issues/") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or(rest),
        None => asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_issues() {
        for (asked, name) in [
            ("https://x.sentry.io/issues/123/", "123"),
            ("https://sentry.io/organizations/o/issues/SHOP-4K?project=1", "SHOP-4K"),
            ("http://h/issues/7/events/abc/", "7"),
            (" shop-4k ", "shop-4k"),
        ] {
            assert_eq!(last_of_url(asked), name);
        }
    }
}
