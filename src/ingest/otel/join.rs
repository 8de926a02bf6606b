//! The parts of a trace become failures: one for each exception, else for each error that was logged, else for each request
//! that failed and whose callee didn't.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    cluster::{ExceptionRecord, clusters},
    failure::{Failure, What},
    part::{LogLine, Part, SpanLine},
    place::{Placed, Tree},
};
use crate::store::{FailureKey, ReportedFailure};

/// What frameworks and handlers of last resort write when nothing caught it.
const UNCAUGHT: &[&str] = &[
    "Exception on ",
    "Internal Server Error",
    "Uncaught ",
    "Unhandled ",
    "unhandled ",
    "uncaught ",
    "An unhandled exception",
];

/// The failures that the parts of one trace, or of one session, tell of.
pub(super) fn failures<'a>(parts: &'a [(u64, Part)], reported: &[ReportedFailure]) -> Vec<Failure<'a>> {
    let tree = Tree::new(parts);
    let mut failures = Vec::new();
    let services: BTreeSet<&str> =
        parts.iter().filter(|(_, part)| part.trace.is_some()).map(|(_, part)| part.service.as_str()).collect();
    for service in services {
        failures.extend(Joining { parts, tree: &tree, service, reported }.failures());
    }
    for (at, (_, part)) in parts.iter().enumerate().filter(|(_, (_, part))| part.trace.is_none()) {
        failures.extend(part.logs.iter().filter_map(|log| alone(at, log)));
    }
    failures
}

/// A record that nothing ties to others.
fn alone(part: usize, log: &LogLine) -> Option<Failure<'_>> {
    let told = log.thrown.as_ref().map(|thrown| ExceptionRecord { part, span: None, log: Some(log), thrown });
    let what = match told {
        Some(told) => What::Thrown(vec![told]),
        None if log.is_error() => What::Logged(log),
        None => return None,
    };
    let handled = matches!(what, What::Thrown(_)).then(|| is_uncaught(log).then_some(false)).flatten();
    Some(Failure { part, at: log.at, what, span: None, entry: None, handled, reported_as: None })
}

/// An event of a handler of last resort, or a framework's own words.
fn is_uncaught(log: &LogLine) -> bool {
    let event = (log.event == "exception" || log.event.ends_with(".exception")) && log.is_error();
    event || log.level == "fatal" || UNCAUGHT.iter().any(|words| log.body.starts_with(words))
}

/// One service's share of a trace.
struct Joining<'a, 't> {
    parts: &'a [(u64, Part)],
    tree: &'t Tree<'a>,
    service: &'a str,
    reported: &'t [ReportedFailure],
}

impl<'a> Joining<'a, '_> {
    fn own(&self) -> impl Iterator<Item = (usize, &'a Part)> {
        let parts = self.parts.iter().enumerate();
        parts
            .filter(|(_, (_, part))| part.trace.is_some() && part.service == self.service)
            .map(|(at, (_, part))| (at, part))
    }

    fn failures(&self) -> Vec<Failure<'a>> {
        let mut failures = self.thrown();
        let told = |failures: &[Failure<'a>]| -> BTreeSet<Option<&'a str>> {
            failures.iter().map(|failure| failure.entry.map(|entry| entry.span.id.as_str())).collect()
        };
        for failure in &mut failures {
            failure.reported_as = self.report_of(failure).map(|report| report.seq);
        }
        let reported = self.entries_reported();
        let by_exception = told(&failures).union(&reported).copied().collect();
        failures.extend(self.logged(&by_exception));
        let by_any = told(&failures).union(&reported).copied().collect();
        failures.extend(self.ended(&by_any));
        failures
    }

    /// Requests within which an SDK reported a failure: what else says no more than that they failed is the same.
    fn entries_reported(&self) -> BTreeSet<Option<&'a str>> {
        let spans = self.reported.iter().filter_map(|report| self.tree.get(report.key.span.as_deref()));
        let own = spans.filter(|placed| self.parts[placed.part].1.service == self.service);
        own.map(|placed| self.entry(Some(&placed.span.id)).map(|entry| entry.span.id.as_str())).collect()
    }

    /// How an SDK reported the same failure: what was thrown is the same, and where it was known stands in one line of spans.
    fn report_of(&self, failure: &Failure<'a>) -> Option<&ReportedFailure> {
        let What::Thrown(records) = &failure.what else { return None };
        let spans = || records.iter().filter_map(|record| record.at());
        let key = FailureKey::new(None, failure.said().into_iter());
        let is_same = |report: &&ReportedFailure| {
            let Some(span) = report.key.span.as_deref() else { return false };
            report.key.says_as(&key)
                && spans().any(|own| own == span || self.is_within(own, span) || self.is_within(span, own))
        };
        self.reported.iter().find(is_same)
    }

    /// Whether a span stands in another of the same service.
    fn is_within(&self, span: &str, other: &str) -> bool {
        let way = self.tree.way_up(Some(span));
        let own = way.iter().take_while(|placed| self.parts[placed.part].1.service == self.service);
        own.into_iter().any(|placed| placed.span.id == other)
    }

    fn entry(&self, span: Option<&str>) -> Option<Placed<'a>> {
        self.tree.entry(self.service, span)
    }

    /// Exceptions. What only the caller's side of a request tells is part of what the caller made of it; where the request
    /// that it was made for went well, it is no failure.
    fn thrown(&self) -> Vec<Failure<'a>> {
        let mut told = Vec::new();
        for (part, own) in self.own() {
            let of_span = |span: &'a SpanLine| {
                span.thrown.iter().map(move |thrown| ExceptionRecord { part, span: Some(span), log: None, thrown })
            };
            told.extend(own.spans.iter().flat_map(of_span));
            told.extend(own.logs.iter().filter_map(|log| {
                let span = self.tree.get(log.span.as_deref()).map(|placed| placed.span);
                Some(ExceptionRecord { part, span, log: Some(log), thrown: log.thrown.as_ref()? })
            }));
        }
        let (callers, own): (Vec<_>, Vec<_>) =
            clusters(told).into_iter().partition(|cluster| cluster.iter().all(ExceptionRecord::is_callers));
        let mut failures: Vec<Failure<'a>> = own.into_iter().map(|cluster| self.failure(cluster)).collect();
        for cluster in callers {
            let failure = self.failure(cluster);
            let same = |other: &Failure<'a>| match (other.entry, failure.entry) {
                (Some(one), Some(two)) => one.span.id == two.span.id,
                _ => true,
            };
            let failed = failure.entry.is_some_and(|entry| entry.span.has_failed());
            if failed && !failures.iter().any(same) && !self.is_echo(failure.entry) {
                failures.push(failure);
            }
        }
        failures
    }

    /// Whether a request failed because one that it made failed elsewhere.
    fn is_echo(&self, entry: Option<Placed<'a>>) -> bool {
        entry.is_some_and(|entry| self.tree.callee_failed(entry.span))
    }

    fn failure(&self, cluster: Vec<ExceptionRecord<'a>>) -> Failure<'a> {
        let best = cluster[0];
        let spans = || cluster.iter().filter_map(|told| told.at());
        let entry = spans().find_map(|id| self.entry(Some(id))).or_else(|| self.entry(None));
        let deepest = spans().max_by_key(|id| self.tree.way_up(Some(id)).len());
        let span = self.tree.get(deepest).map(|placed| placed.span);
        Failure {
            part: best.part,
            at: cluster.iter().map(|told| told.thrown.at).min().unwrap_or(best.thrown.at),
            span: span.or_else(|| cluster.iter().find_map(|told| told.span)),
            handled: handled(&cluster, entry),
            entry,
            reported_as: None,
            what: What::Thrown(cluster),
        }
    }

    /// Errors that were logged without an exception, within requests that no exception is told of: each text once.
    fn logged(&self, told: &BTreeSet<Option<&'a str>>) -> Vec<Failure<'a>> {
        let mut first: BTreeMap<(Option<&str>, String), Failure<'a>> = BTreeMap::new();
        for (part, own) in self.own() {
            for log in own.logs.iter().filter(|log| log.thrown.is_none() && log.is_error()) {
                let entry = self.entry(log.span.as_deref());
                let id = entry.map(|entry| entry.span.id.as_str());
                if told.contains(&id) || told.contains(&None) || id.is_none() && !told.is_empty() {
                    continue;
                }
                let failure = Failure {
                    part,
                    at: log.at,
                    what: What::Logged(log),
                    span: self.tree.get(log.span.as_deref()).map(|placed| placed.span),
                    entry,
                    handled: None,
                    reported_as: None,
                };
                let slot = first.entry((id, shape(&log.body))).or_insert(failure);
                if log.at < slot.at {
                    (slot.at, slot.what, slot.part) = (log.at, What::Logged(log), part);
                }
            }
        }
        first.into_values().collect()
    }

    /// Requests that failed, and nothing else tells why: by the innermost span that says so.
    fn ended(&self, told: &BTreeSet<Option<&'a str>>) -> Vec<Failure<'a>> {
        if told.contains(&None) {
            return Vec::new();
        }
        let entries = self.tree.of_service(self.service).filter(|p| p.span.is_served() || p.span.parent.is_none());
        let failed = entries.filter(|entry| entry.span.has_failed() && !told.contains(&Some(&entry.span.id)));
        let own = failed.filter(|entry| !self.is_echo(Some(*entry)));
        own.map(|entry| {
            let mut below = self.tree.below(entry.span, self.service);
            below.retain(|(depth, p)| p.span.status == "error" && (*depth == 0 || !p.span.said.is_empty()));
            let innermost = below.iter().max_by_key(|(depth, p)| (*depth, std::cmp::Reverse(p.span.start)));
            let at = innermost.map_or(entry, |(_, p)| *p);
            Failure {
                part: at.part,
                at: at.span.start,
                what: What::Ended(words(at.span, entry.span)),
                span: Some(at.span),
                entry: Some(entry),
                handled: None,
                reported_as: None,
            }
        })
        .collect()
    }
}

/// What is said of a request that failed without a word.
fn words(span: &SpanLine, entry: &SpanLine) -> String {
    if !span.said.is_empty() {
        return span.said.clone();
    }
    match entry.http_status() {
        Some(status) => format!("{} answered {status}", entry.operation()),
        None => format!("{} failed", entry.operation()),
    }
}

/// A text without its numbers: what it says of one request, it says of another.
pub(super) fn shape(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).take(200).collect()
}

/// False: it ended the request, or reached a handler of last resort. True: the request went well all the same.
fn handled(cluster: &[ExceptionRecord<'_>], entry: Option<Placed<'_>>) -> Option<bool> {
    if cluster.iter().filter_map(|told| told.log).any(is_uncaught) {
        return Some(false);
    }
    let entry = entry.map(|entry| entry.span).filter(|entry| entry.is_served())?;
    if !entry.has_failed() {
        return Some(true);
    }
    // It reached the request's own span, or the outermost of those that a framework puts around what it calls.
    let reached =
        |span: &SpanLine| span.id == entry.id || span.kind == "internal" && span.parent.as_ref() == Some(&entry.id);
    cluster.iter().filter(|told| told.log.is_none()).filter_map(|told| told.span).any(reached).then_some(false)
}
