//! Whether an issue fulfils a condition of a search.

use super::super::{
    cell::DayCount,
    facts::Counts,
    pattern::{allows, count_of, text_fits, times_of},
    releases::{Releases, first_and_last},
    scope::ResolvedScope,
    terms::{levels_of, truth_of},
};
use crate::{
    model::{Issue, Untrusted},
    store::{Field, StoreError, Term, Test},
};

/// An issue as conditions see it.
pub(crate) struct Subject<'a> {
    pub(crate) issue: &'a Issue,
    pub(crate) history: &'a [DayCount],
    pub(crate) counts: Counts,
    pub(crate) releases: &'a Releases,
}

impl Subject<'_> {
    /// Whether a condition on issues holds, its negation aside.
    pub(crate) fn fulfils(&self, term: &Term, bounds: &ResolvedScope) -> Result<bool, StoreError> {
        let (field, op, values) = match &term.test {
            Test::Field { field, op, values } => (field, *op, values),
            Test::Has(field) => return Ok(self.has(field)),
            Test::Status(status) => return Ok(self.issue.status == *status),
            Test::Text(_) | Test::Change(_) => return Ok(true),
        };
        if let Some(text) = self.text(field) {
            return Ok(values.iter().any(|value| text_fits(op, value.raw(), text)));
        }
        match field {
            Field::Level => Ok(levels_of(op, values)?.contains(&self.issue.level)),
            Field::Unhandled => Ok(truth_of(values)? == self.issue.unhandled),
            Field::FirstRelease => {
                let first = first_and_last(self.history, self.releases).0;
                Ok(first.is_some_and(|first| self.releases.fitting(op, values).contains(first)))
            }
            Field::TimesSeen | Field::UserCount => {
                let own = if *field == Field::TimesSeen { self.counts.events } else { self.counts.users };
                self.any(values, |text| Ok(allows(op, own.cmp(&count_of(text)?))))
            }
            Field::FirstSeen | Field::LastSeen => {
                let times = self.history.iter();
                let own = if *field == Field::FirstSeen {
                    times.map(|cell| cell.first).min()
                } else {
                    times.map(|cell| cell.last).max()
                };
                let now = (bounds.hi != i64::MAX).then_some(bounds.hi);
                self.any(values, |text| {
                    let (lo, hi) = times_of(op, text, now)?;
                    Ok(own.is_some_and(|own| (lo..=hi).contains(&own)))
                })
            }
            _ => Ok(false),
        }
    }

    fn any(
        &self,
        values: &[Untrusted],
        mut holds: impl FnMut(&str) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        for value in values {
            if holds(value.raw())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The text of a field that has one; empty where it is missing.
    fn text(&self, field: &Field) -> Option<&str> {
        Some(match field {
            Field::Issue => &self.issue.short_id,
            Field::Project => &self.issue.project,
            Field::Title => self.issue.title.raw(),
            Field::Type => self.issue.ty.as_ref().map_or("", |text| text.raw()),
            Field::Value => self.issue.value.as_ref().map_or("", |text| text.raw()),
            Field::Culprit => self.issue.culprit.as_ref().map_or("", |text| text.raw()),
            _ => return None,
        })
    }

    fn has(&self, field: &Field) -> bool {
        match field {
            Field::FirstRelease => first_and_last(self.history, self.releases).0.is_some(),
            _ => self.text(field).is_none_or(|text| !text.is_empty()),
        }
    }
}
