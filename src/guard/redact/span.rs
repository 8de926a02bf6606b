//! Parts of a text that go, and what takes their place.

use std::borrow::Cow;

use super::super::pseudonym::Pseudonyms;

/// What stands where something was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// `[redacted: KIND]`.
    Gone(&'static str),
    /// A pseudonym of the kind, of the value in its normal form; without pseudonyms it is only gone.
    Person(&'static str, String),
}

impl Put {
    fn text(&self, pseudonyms: Option<&Pseudonyms>) -> String {
        match (self, pseudonyms) {
            (Self::Gone(kind), _) | (Self::Person(kind, _), None) => format!("[redacted: {kind}]"),
            (Self::Person(kind, value), Some(pseudonyms)) => pseudonyms.named(kind, value),
        }
    }
}

/// A part of a text, in bytes, that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub put: Put,
    /// Whether a key said so: no setting keeps it then.
    pub by_key: bool,
}

impl Span {
    pub(super) fn gone(start: usize, end: usize, kind: &'static str) -> Self {
        Self { start, end, put: Put::Gone(kind), by_key: false }
    }

    pub(super) fn person(start: usize, end: usize, kind: &'static str, value: String) -> Self {
        Self { start, end, put: Put::Person(kind, value), by_key: false }
    }

    pub(super) fn by_key(start: usize, end: usize, put: Put) -> Self {
        Self { start, end, put, by_key: true }
    }
}

/// The text with all parts replaced; of parts that overlap, the one that begins first names the whole, and of two that
/// begin alike the longer.
pub(super) fn applied<'a>(text: &'a str, mut spans: Vec<Span>, pseudonyms: Option<&Pseudonyms>) -> Cow<'a, str> {
    spans.retain(|span| span.start < span.end);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(b.by_key.cmp(&a.by_key)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut spans = spans.into_iter().peekable();
    while let Some(mut span) = spans.next() {
        while let Some(next) = spans.next_if(|next| next.start < span.end) {
            span.end = span.end.max(next.end);
        }
        out.push_str(&text[done..span.start]);
        out.push_str(&span.put.text(pseudonyms));
        done = span.end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}
