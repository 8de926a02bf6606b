//! A version alone that several packages of a project have: the one that the issue occurs in is meant, or none.

use crate::{
    guard::{Guard, Limit},
    model::{FixHistory, Release, Timestamp, Untrusted},
    release::{resolve, split_name},
    say,
    tools::ToolError,
};

/// The whole name that a version means, where it means another than the history took.
///
/// # Errors
/// When several packages have such a release and the issue occurs in several of them, or in none.
pub(super) fn meant(history: &FixHistory, typed: &Untrusted) -> Result<Option<Untrusted>, ToolError> {
    let release = |name: &Untrusted| Release {
        version: name.clone(),
        first_seen: Timestamp::UNIX_EPOCH,
        last_seen: Timestamp::UNIX_EPOCH,
        deploys: Vec::new(),
    };
    let known: Vec<Release> =
        history.releases.iter().map(|known| &known.version).filter(|name| !name.is_empty()).map(release).collect();
    let Ok(found) = resolve(typed, &known) else { return Ok(None) };
    if found.others.is_empty() {
        return Ok(None);
    }
    let names: Vec<&Untrusted> = std::iter::once(&known[found.index].version).chain(&found.others).collect();
    let package = |name: &'_ Untrusted| split_name(name.raw()).0.to_owned();
    let occurs = |name: &&&Untrusted| {
        let hits = history.hits.iter().filter(|hit| hit.group == 0);
        hits.map(|hit| &history.releases[hit.release].version).any(|hit| package(hit) == package(name))
    };
    if let [one] = names.iter().filter(occurs).collect::<Vec<_>>()[..] {
        return Ok((**one != history.asked).then(|| (*one).clone()));
    }
    let mut guard = Guard::new();
    let near = names.iter().map(|name| guard.line(name, Limit::Tag)).collect();
    let typed = guard.line(typed, Limit::Tag);
    Err(ToolError::invalid(say!("several packages have a release \"", typed, "\": name one of them in full"))
        .with_near(near))
}
