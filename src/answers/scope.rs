//! A scope's names as the store's numbers, and which events count.
//! It never takes a name that the store doesn't hold: then it says which it does.

use roaring::RoaringBitmap;

use super::{
    cell::DayCount,
    facts::Facts,
    near::not_found,
    time::{DAY_US, day_of, micros, moment},
};
use crate::{
    model::{Timestamp, Untrusted},
    store::{Scope, StoreError},
};

/// A scope, resolved.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedScope {
    /// Number and slug of each project, by slug.
    pub(crate) projects: Vec<(u64, String)>,
    pub(crate) env: Option<u32>,
    pub(crate) lo: i64,
    pub(crate) hi: i64,
}

impl ResolvedScope {
    pub(crate) fn slug(&self, project: u64) -> Option<&str> {
        self.projects.iter().find(|(id, _)| *id == project).map(|(_, slug)| slug.as_str())
    }

    /// The same, its first day whole: sets of users are kept by day.
    pub(crate) fn whole_days(&self) -> Self {
        let lo = if self.lo == i64::MIN { self.lo } else { day_of(self.lo).saturating_mul(DAY_US) };
        Self { lo, ..self.clone() }
    }

    /// The same, from the beginning of time.
    pub(crate) fn all_time(&self) -> Self {
        Self { lo: i64::MIN, ..self.clone() }
    }
}

/// Which events count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventFilter<'a> {
    pub(crate) lo: i64,
    pub(crate) hi: i64,
    pub(crate) env: Option<u32>,
    /// Only of these releases.
    pub(crate) rels: Option<&'a RoaringBitmap>,
}

impl<'a> EventFilter<'a> {
    pub(crate) fn of(bounds: &ResolvedScope, rels: Option<&'a RoaringBitmap>) -> Self {
        Self { lo: bounds.lo, hi: bounds.hi, env: bounds.env, rels }
    }

    /// Whether such an event counts.
    pub(crate) fn takes(&self, ts: i64, rel: u32, env: u32) -> bool {
        (self.lo..=self.hi).contains(&ts) && self.takes_key(rel, env)
    }

    fn takes_key(&self, rel: u32, env: u32) -> bool {
        self.env.is_none_or(|wanted| wanted == env) && self.rels.is_none_or(|rels| rels.contains(rel))
    }

    /// Whether some events of the cell may count.
    pub(crate) fn touches(&self, cell: &DayCount) -> bool {
        cell.last >= self.lo && cell.first <= self.hi && self.takes_key(cell.rel, cell.env)
    }

    /// Whether all events of the cell count.
    pub(crate) fn holds(&self, cell: &DayCount) -> bool {
        cell.first >= self.lo && cell.last <= self.hi && self.takes_key(cell.rel, cell.env)
    }
}

/// Resolves a scope.
pub(crate) fn resolve(facts: &impl Facts, scope: &Scope) -> Result<ResolvedScope, StoreError> {
    let mut projects = facts.project_slugs()?;
    if let Some(asked) = &scope.project {
        let wanted = asked.raw().trim();
        if !projects.iter().any(|(_, slug)| slug.eq_ignore_ascii_case(wanted)) {
            return Err(not_found("project", asked, projects.into_iter().map(|(_, slug)| slug)));
        }
        projects.retain(|(_, slug)| slug.eq_ignore_ascii_case(wanted));
    }
    Ok(ResolvedScope {
        projects,
        env: scope.environment.as_ref().map(|asked| environment(facts, asked)).transpose()?,
        lo: scope.start.map_or(i64::MIN, micros_up),
        hi: scope.end.map_or(i64::MAX, micros),
    })
}

fn environment(facts: &impl Facts, asked: &Untrusted) -> Result<u32, StoreError> {
    let known = facts.environment_names()?;
    match known.iter().find(|(_, name)| name == asked.raw()) {
        Some((id, _)) => Ok(*id),
        None => Err(not_found("environment", asked, known.into_iter().map(|(_, name)| name))),
    }
}

/// Microseconds, upwards: an event within the first begun microsecond of a scope may lie before it.
fn micros_up(at: Timestamp) -> i64 {
    let whole = micros(at);
    whole + i64::from(moment(whole) < at)
}
