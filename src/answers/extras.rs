//! What belongs to an event beside it, read out of what was sent.
//! It never fails: what can't be read is nothing.

use serde_json::Value;

use super::time::moment;
use crate::{
    model::{Data, Untrusted},
    store::LogLine,
};

/// A log line as SDKs send it: `attributes` holds `{value, type}` by name.
pub(crate) fn log_line(ts: i64, body: &[u8]) -> Option<LogLine> {
    let line: Value = serde_json::from_slice(body).ok()?;
    let attributes = line.get("attributes").and_then(Value::as_object).into_iter().flatten();
    Some(LogLine {
        timestamp: moment(ts),
        level: line.get("level").and_then(Value::as_str).map(Into::into),
        body: line.get("body").and_then(Value::as_str)?.into(),
        attributes: attributes
            .map(|(key, value)| (key.as_str().into(), Data::from(value.get("value").unwrap_or(value))))
            .collect(),
    })
}

/// What a user wrote: in a user report, or in a feedback event's context.
pub(crate) fn message_of(body: &Value) -> Option<Untrusted> {
    let report = body.get("comments").and_then(Value::as_str);
    let feedback = || body.pointer("/contexts/feedback/message").and_then(Value::as_str);
    report.or_else(feedback).or_else(|| body.get("message").and_then(Value::as_str)).map(Into::into)
}
