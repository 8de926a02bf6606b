//! What else failed in the traces of an issue's events, in other issues and services.

use super::{Ctx, ToolError};
use crate::{
    guard::{Clean, Guard, Limit},
    ingest::has_failed,
    model::{Event, Untrusted},
    say,
    store::{Aggregate, Field, Grouper, Op, Scope, SearchQuery, SignalKind, SignalQuery, StoreKind, Term, Test, Value},
    view,
};

/// Other issues that are told at most.
const MOST: usize = 4;
/// Spans of a trace that are looked at.
const SPANS: usize = 500;
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

view! {
    /// A span of the same trace that failed.
    pub struct FailedSpanView {
        /// Its project.
        pub project: Clean,
        /// What it did: `http.client GET /pay`.
        pub span: Clean,
        /// How it ended.
        pub status: Clean,
        /// How long it took, milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub duration_ms: Option<u64>,
    }
}

/// Spans of an event's trace that failed, the earliest first.
pub(super) async fn failed_spans(ctx: &Ctx, scope: &Scope, event: &Event) -> Result<Vec<FailedSpanView>, ToolError> {
    let Some(trace) = event.trace_id.clone().filter(|_| ctx.store.source().store == StoreKind::Embedded) else {
        return Ok(Vec::new());
    };
    let around = jiff::SignedDuration::from_hours(AROUND_H);
    let of_trace = Test::Field { field: Field::Trace, op: Op::Is, values: vec![trace] };
    let query = SignalQuery {
        scope: Scope {
            project: scope.project.clone().filter(|_| ctx.defaults.locked),
            environment: scope.environment.clone(),
            start: event.timestamp.checked_sub(around).ok(),
            end: event.timestamp.checked_add(around).ok().into_iter().chain(scope.end).min(),
        },
        kind: SignalKind::Span,
        filter: vec![Term { negated: false, test: of_trace }],
        fields: ["project", "op", "name", "status", "duration"].map(Untrusted::from).into(),
        group_by: Vec::new(),
        aggregate: Vec::new(),
        limit: SPANS,
        skip: 0,
    };
    let page = ctx.store.signals(&query).await?;
    let mut guard = Guard::new();
    let mut failed: Vec<FailedSpanView> =
        page.items.iter().filter_map(|row| failed_span(&row.values, &mut guard)).collect();
    failed.reverse();
    Ok(failed)
}

fn failed_span(values: &[Value], guard: &mut Guard) -> Option<FailedSpanView> {
    let text = |at: usize| match values.get(at) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    let status = text(3).filter(|status| has_failed(status.raw()))?;
    let (op, name) = (guard.opt(text(1), Limit::Tag), guard.opt(text(2), Limit::Title));
    let gap = if op.is_some() && name.is_some() { " " } else { "" };
    Some(FailedSpanView {
        project: guard.line(text(0)?, Limit::Tag),
        span: say!(op, gap, name),
        status: guard.line(status, Limit::Tag),
        duration_ms: match values.get(4) {
            Some(Value::Count(ms)) => Some(*ms),
            Some(Value::Number(ms)) => Some(ms.round() as u64),
            _ => None,
        },
    })
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
