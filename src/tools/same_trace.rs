//! What else failed in the traces of an issue's events, in other issues and services.

use super::{Ctx, ToolError};
use crate::{
    guard::{Clean, Guard, Limit},
    model::{Event, Untrusted},
    store::{Aggregate, Field, Grouper, Op, Scope, SearchQuery, StoreKind, Term, Test, Value},
    view,
};

/// Other issues that are told at most.
const MOST: usize = 4;
/// How much earlier or later than the events the same trace is looked for, hours.
const AROUND_H: i64 = 1;

view! {
    /// An issue with events in the same traces.
    pub struct SameTraceView {
        /// The issue, for people.
        pub issue: Clean,
        /// Its project.
        pub project: Clean,
        /// One line that names it.
        pub title: Clean,
        /// Its events in the traces that were looked at.
        pub events: u64,
        /// Traces that have both, of those that were looked at.
        pub traces: u64,
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Traces that were looked at.
    pub(super) looked: u64,
    pub(super) issues: Vec<Seen>,
}

/// An issue that shares traces.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) issue: Untrusted,
    pub(super) project: Untrusted,
    title: Untrusted,
    events: u64,
    pub(super) traces: u64,
}

impl Seen {
    /// Its place in the answer.
    pub(super) fn view(&self, guard: &mut Guard) -> SameTraceView {
        SameTraceView {
            issue: guard.line(&self.issue, Limit::Tag),
            project: guard.line(&self.project, Limit::Tag),
            title: guard.line(&self.title, Limit::Title),
            events: self.events,
            traces: self.traces,
        }
    }
}

/// Looks for other issues in the traces of these events, in every project that the call may see.
pub(super) async fn find(ctx: &Ctx, scope: &Scope, own: &str, events: &[&Event]) -> Result<Found, ToolError> {
    let mut traces: Vec<Untrusted> = events.iter().filter_map(|event| event.trace_id.clone()).collect();
    traces.sort();
    traces.dedup();
    let times = || events.iter().map(|event| event.timestamp);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Found::default()) };
    // A server is asked for no more than it must be.
    if traces.is_empty() || ctx.store.source().store != StoreKind::Embedded {
        return Ok(Found::default());
    }
    let around = jiff::SignedDuration::from_hours(AROUND_H);
    let end = last.checked_add(around).ok();
    let looked = traces.len() as u64;
    let is = |field: Field, values: Vec<Untrusted>| Test::Field { field, op: Op::Is, values };
    let query = SearchQuery {
        scope: Scope {
            project: scope.project.clone().filter(|_| ctx.defaults.locked),
            environment: scope.environment.clone(),
            start: first.checked_sub(around).ok(),
            end: end.into_iter().chain(scope.end).min(),
        },
        filter: vec![
            Term { negated: false, test: is(Field::Trace, traces) },
            Term { negated: true, test: is(Field::Issue, vec![own.into()]) },
        ],
        group_by: [Field::Issue, Field::Project, Field::Title].map(Grouper::Field).into(),
        aggregate: vec![Aggregate::Count, Aggregate::CountUnique(Field::Trace)],
        limit: MOST,
        ..SearchQuery::default()
    };
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => text.clone(),
        _ => Untrusted::default(),
    };
    let number = |value: Option<&Value>| if let Some(Value::Count(n)) = value { *n } else { 0 };
    let page = ctx.store.search(&query).await?;
    let seen = page.items.iter().map(|row| Seen {
        issue: text(row.values.first()),
        project: text(row.values.get(1)),
        title: text(row.values.get(2)),
        events: number(row.values.get(3)),
        traces: number(row.values.get(4)),
    });
    Ok(Found { looked, issues: seen.collect() })
}
