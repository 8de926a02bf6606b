//! Which records tell of the same exception: inner span, server span and log each tell it in their own words.

use serde_json::Value;

use super::part::{LogLine, SpanLine, Thrown};

/// Most records that are compared with each other.
const MOST: usize = 256;
/// Shorter texts stand in others by chance.
const TELLING: usize = 6;

/// One record that tells of an exception.
#[derive(Clone, Copy)]
pub(super) struct ExceptionRecord<'a> {
    /// The part that it came in.
    pub(super) part: usize,
    /// The span that holds it.
    pub(super) span: Option<&'a SpanLine>,
    /// The log record, where it is one.
    pub(super) log: Option<&'a LogLine>,
    pub(super) thrown: &'a Thrown,
}

impl<'a> ExceptionRecord<'a> {
    /// The span that it was recorded in.
    pub(super) fn at(&self) -> Option<&'a str> {
        match self.log {
            Some(log) => log.span.as_deref(),
            None => self.span.map(|span| span.id.as_str()),
        }
    }

    /// Told by the span of a request to another service alone.
    pub(super) fn is_callers(&self) -> bool {
        self.log.is_none() && self.span.is_some_and(|span| span.kind == "client")
    }

    /// How much it tells: exceptions, then frames.
    fn weight(&self) -> (usize, usize, bool) {
        let frames = |value: &Value| value.pointer("/stacktrace/frames").and_then(Value::as_array).map_or(0, Vec::len);
        let values = &self.thrown.values;
        let named = values.last().is_some_and(|outer| outer.get("type").is_some());
        (values.len(), values.iter().map(frames).sum(), named)
    }
}

/// Sorts records into exceptions, the record that tells most first.
pub(super) fn clusters(told: Vec<ExceptionRecord<'_>>) -> Vec<Vec<ExceptionRecord<'_>>> {
    let mut clusters: Vec<Vec<ExceptionRecord<'_>>> = Vec::new();
    for one in told.into_iter().take(MOST) {
        let (mut same, others): (Vec<_>, Vec<_>) =
            clusters.into_iter().partition(|cluster| cluster.iter().any(|other| is_same(&one, other)));
        let mut joined: Vec<ExceptionRecord<'_>> = same.drain(..).flatten().collect();
        joined.push(one);
        clusters = others;
        clusters.push(joined);
    }
    for cluster in &mut clusters {
        cluster.sort_by_key(|told| (std::cmp::Reverse(told.weight()), told.thrown.at));
    }
    clusters.sort_by_key(|cluster| cluster.iter().map(|told| told.thrown.at).min());
    clusters
}

fn is_same(a: &ExceptionRecord<'_>, b: &ExceptionRecord<'_>) -> bool {
    let (left, right) = (&a.thrown.values, &b.thrown.values);
    let mut pairs = left.iter().flat_map(|l| right.iter().map(move |r| (l, r)));
    if pairs.any(|(l, r)| is_link(l, r)) {
        return true;
    }
    // Without a stack, a text of one that stands in the other, or the code that one has for a type.
    let bare = |told: &ExceptionRecord<'_>| told.thrown.values.iter().all(|value| crash(value).is_none());
    if !bare(a) && !bare(b) {
        return false;
    }
    let texts = |told: &ExceptionRecord<'_>| -> Vec<String> {
        let own = told.thrown.values.iter().map(|value| text(value, "value").to_owned());
        let said = told.span.filter(|_| told.is_callers()).map(|span| span.said.clone());
        own.chain(said).filter(|text| text.len() >= TELLING).collect()
    };
    let (left, right) = (texts(a), texts(b));
    let code = |told: &ExceptionRecord<'_>, texts: &[String]| {
        told.thrown.code.as_ref().is_some_and(|code| texts.iter().any(|text| text.contains(code.as_str())))
    };
    left.iter().any(|l| right.iter().any(|r| l.contains(r.as_str()) || r.contains(l.as_str())))
        || code(a, &right)
        || code(b, &left)
}

/// Thrown at the same place with a text that is the same, or part of the other's; without a place, both the same.
fn is_link(a: &Value, b: &Value) -> bool {
    let (left, right) = (text(a, "value"), text(b, "value"));
    match (crash(a), crash(b)) {
        (Some(one), Some(other)) => {
            one == other && (left.contains(right) || right.contains(left) || left.is_empty() || right.is_empty())
        }
        (None, None) => left == right && text(a, "type") == text(b, "type"),
        _ => false,
    }
}

/// Function, file and line where it was thrown.
fn crash(value: &Value) -> Option<(&str, &str, u64, u64)> {
    let frame = value.pointer("/stacktrace/frames")?.as_array()?.iter().rev().find(|f| f.get("lineno").is_some())?;
    let number = |key: &str| frame.get(key).and_then(Value::as_u64).unwrap_or(0);
    Some((text(frame, "function"), text(frame, "filename"), number("lineno"), number("colno")))
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}
