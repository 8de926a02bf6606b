//! One failure, however many records tell of it.

use super::{
    cluster::{ExceptionRecord, text},
    part::{LogLine, SpanLine},
    place::Placed,
};

/// What is known of a failure.
pub(super) struct Failure<'a> {
    /// The part that tells most of it.
    pub(super) part: usize,
    /// When, microseconds since 1970.
    pub(super) at: i64,
    pub(super) what: What<'a>,
    /// The innermost span that it happened in.
    pub(super) span: Option<&'a SpanLine>,
    /// The request that failed by it, or went well all the same.
    pub(super) entry: Option<Placed<'a>>,
    /// Whether the application dealt with it; `None`: it can't be told.
    pub(super) handled: Option<bool>,
    /// The event by which an SDK reported it.
    pub(super) reported_as: Option<i64>,
}

/// How it was told.
pub(super) enum What<'a> {
    /// An exception; the record that tells most first.
    Thrown(Vec<ExceptionRecord<'a>>),
    /// An error that was logged.
    Logged(&'a LogLine),
    /// A span that says it failed, and the words for it.
    Ended(String),
}

impl<'a> Failure<'a> {
    /// The log record that tells most of it.
    pub(super) fn log(&self) -> Option<&'a LogLine> {
        match &self.what {
            What::Thrown(told) => told.iter().find_map(|told| told.log),
            What::Logged(log) => Some(log),
            What::Ended(_) => None,
        }
    }

    /// Type and text of what was thrown, by each record that tells of it; of what was logged the text.
    pub(super) fn said(&self) -> Vec<(&'a str, &'a str)> {
        match &self.what {
            What::Thrown(told) => {
                let values = told.iter().flat_map(|told| &told.thrown.values);
                values.map(|value| (text(value, "type"), text(value, "value"))).collect()
            }
            What::Logged(log) => vec![("", &log.body)],
            What::Ended(_) => Vec::new(),
        }
    }
}
