//! Conditions of a search, by what they are tested on.

use roaring::RoaringBitmap;

use super::{
    facts::Facts,
    pattern::{Pattern, allows, text_fits},
    releases::Releases,
    scope::ResolvedScope,
};
use crate::{
    model::{Level, Untrusted},
    store::{Field, Op, StoreError, Term, Test},
};

/// Whether conditions speak of issues or of events where both have the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Issues,
    Events,
}

/// Conditions, by what they are tested on.
pub(crate) struct Filter<'q, T> {
    /// On issues.
    pub(crate) issue: Vec<&'q Term>,
    /// Numbers of the issues that fit the texts, each condition its own set.
    pub(crate) texts: Vec<(bool, RoaringBitmap)>,
    /// On events.
    pub(crate) event: Option<T>,
}

impl<T> Filter<'_, T> {
    /// Whether an issue fits the conditions on texts.
    pub(crate) fn texts_fit(&self, issue: i64) -> bool {
        let within = |ids: &RoaringBitmap| u32::try_from(issue).is_ok_and(|id| ids.contains(id));
        self.texts.iter().all(|(negated, ids)| within(ids) != *negated)
    }
}

/// Makes conditions ready.
pub(crate) fn ready<'q, F: Facts>(
    facts: &F,
    terms: &'q [Term],
    of: Of,
    bounds: &ResolvedScope,
    releases: &Releases,
) -> Result<Filter<'q, F::Test>, StoreError> {
    let (mut issue, mut texts, mut event) = (Vec::new(), Vec::new(), Vec::new());
    for term in terms {
        match &term.test {
            Test::Text(text) => texts.push((term.negated, facts.issues_with(text)?)),
            Test::Status(_) | Test::Change(_) => issue.push(term),
            Test::Field { field, op, values } if is_mentioned(field) => {
                texts.push((term.negated, facts.issues_mentioning(field, *op, values)?));
            }
            Test::Has(field) if field.is_of_frames() => texts.push((term.negated, facts.issues_with_any(field)?)),
            Test::Field { field, .. } | Test::Has(field) if of_issue(field, of) => issue.push(term),
            Test::Field { .. } | Test::Has(_) => event.push(term),
        }
    }
    let event = (!event.is_empty()).then(|| facts.event_test(&event, bounds, releases)).transpose()?;
    Ok(Filter { issue, texts, event })
}

/// Whether issues are found by what their events mention of the field.
fn is_mentioned(field: &Field) -> bool {
    matches!(field, Field::Type | Field::Value | Field::Function | Field::File | Field::Module)
}

/// Whether a field is one of issues; `level` and `error.unhandled` are of both.
fn of_issue(field: &Field, of: Of) -> bool {
    match field {
        Field::Level | Field::Unhandled => of == Of::Issues,
        Field::Issue
        | Field::Project
        | Field::Title
        | Field::Type
        | Field::Value
        | Field::Culprit
        | Field::TimesSeen
        | Field::UserCount
        | Field::FirstSeen
        | Field::LastSeen
        | Field::FirstRelease => true,
        _ => false,
    }
}

/// The words that a condition takes.
pub(crate) fn fitting(words: Vec<(u32, String)>, op: Op, values: &[Untrusted]) -> RoaringBitmap {
    if op == Op::Is {
        let patterns: Vec<Pattern> = values.iter().map(|value| Pattern::new(value.raw())).collect();
        let fits = |text: &str| patterns.iter().any(|pattern| pattern.fits(text));
        return words.into_iter().filter(|(_, text)| fits(text)).map(|(id, _)| id).collect();
    }
    let fits = |text: &str| values.iter().any(|value| text_fits(op, value.raw(), text));
    words.into_iter().filter(|(_, text)| fits(text)).map(|(id, _)| id).collect()
}

/// The levels that a condition takes.
pub(crate) fn levels_of(op: Op, values: &[Untrusted]) -> Result<Vec<Level>, StoreError> {
    let mut levels = Vec::new();
    for value in values {
        let asked =
            Level::parse(value.raw()).ok_or(StoreError::Invalid("levels are debug, info, warning, error and fatal"))?;
        let all = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];
        levels.extend(all.into_iter().filter(|level| allows(op, level.cmp(&asked))));
    }
    Ok(levels)
}

/// What a condition that is true or false asks for.
pub(crate) fn truth_of(values: &[Untrusted]) -> Result<bool, StoreError> {
    match values.first().map(|value| value.raw().to_ascii_lowercase()).as_deref() {
        Some("true" | "1" | "yes") | None => Ok(true),
        Some("false" | "0" | "no") => Ok(false),
        _ => Err(StoreError::Invalid("this field is true or false")),
    }
}
