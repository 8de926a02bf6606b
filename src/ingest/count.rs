//! Items that are counted: sessions, and what the SDK says it dropped.

use serde_json::Value;

use super::{Around, digest16, taken::EnvelopeLog};
use crate::{
    protocol::{self, Item},
    store::{DroppedRecord, Outcome, Record, SessionRecord, SessionsRecord},
};

/// Most lines of a client's report.
const LINES: usize = 1_000;

pub(super) fn session(mut json: Value, around: &Around<'_>) -> Result<SessionRecord, &'static str> {
    scrub_attributes(&mut json, around);
    let update = protocol::session(&json, around.clock)?;
    Ok(SessionRecord {
        sid: digest16(&[b"session", update.sid.raw().as_bytes()]),
        user: update.did.as_ref().map(|did| around.scrubber.pseudonyms().user(did)),
        started: update.started,
        timestamp: update.timestamp,
        status: update.status,
        errors: update.errors,
        release: update.attributes.release,
        environment: update.attributes.environment,
        user_agent: update.attributes.user_agent,
    })
}

pub(super) fn sessions(
    item: &Item<'_>,
    mut json: Value,
    around: &Around<'_>,
    taken: &mut EnvelopeLog,
) -> Result<(), &'static str> {
    scrub_attributes(&mut json, around);
    for line in protocol::aggregates(&json, around.clock)? {
        match line {
            Ok(line) => taken.keep(Record::Sessions(SessionsRecord {
                started: line.started,
                user: line.did.as_ref().map(|did| around.scrubber.pseudonyms().user(did)),
                exited: line.exited,
                errored: line.errored,
                crashed: line.crashed,
                abnormal: line.abnormal,
                unhandled: line.unhandled,
                release: line.attributes.release,
                environment: line.attributes.environment,
            })),
            Err(reason) => taken.lose(item, reason, 1),
        }
    }
    Ok(())
}

/// Release and environment are kept as events keep theirs, so that both mean the same; ids of session and user stay.
fn scrub_attributes(json: &mut Value, around: &Around<'_>) {
    for key in ["attrs", "attributes"] {
        if let Some(attributes) = json.get_mut(key) {
            around.scrubber.event(attributes);
        }
    }
}

/// Reasons that the protocol knows.
const REASONS: &[&str] = &[
    "sample_rate",
    "event_processor",
    "before_send",
    "ratelimit_backoff",
    "network_error",
    "queue_overflow",
    "cache_overflow",
    "send_error",
    "internal_sdk_error",
    "insufficient_data",
    "backpressure",
    "no_parent_span",
    "ignored",
];
/// Categories that the protocol knows.
const CATEGORIES: &[&str] = &[
    "error",
    "default",
    "transaction",
    "span",
    "session",
    "attachment",
    "replay",
    "profile",
    "log_item",
    "log_byte",
    "monitor",
    "feedback",
    "metric_bucket",
    "trace_metric",
];

/// Categories of what becomes an event of an issue.
const ERRORS: [&str; 2] = ["error", "default"];

/// Reasons that are no loss: an event processor takes out what was reported already, and what the SDK is set to leave out.
const NO_LOSS: [&str; 1] = ["event_processor"];

/// What the SDK itself dropped. Reasons and categories are the protocol's: others are counted as `other`.
pub(super) fn discarded(item: &Item<'_>, json: &Value, around: &Around<'_>, taken: &mut EnvelopeLog) {
    let known = |list: &[&'static str], value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or("");
        list.iter().copied().find(|known| *known == text).unwrap_or("other")
    };
    let lists = ["discarded_events", "rate_limited_events", "filtered_events"];
    let lines: Vec<&Value> = lists.iter().filter_map(|key| json.get(*key)?.as_array()).flatten().collect();
    taken.lose(item, "more lines than a report may have", lines.len().saturating_sub(LINES) as u64);
    let mut errors = 0_u64;
    for line in lines.into_iter().take(LINES) {
        let quantity = line.get("quantity").and_then(Value::as_u64).unwrap_or(1).min(1 << 32);
        let says =
            |key: &str, list: &[&str]| line.get(key).and_then(Value::as_str).is_some_and(|said| list.contains(&said));
        if says("category", &ERRORS) && !says("reason", &NO_LOSS) {
            errors += quantity;
        }
        taken.count(Outcome {
            item: known(CATEGORIES, line.get("category")),
            outcome: "dropped_by_sdk",
            reason: known(REASONS, line.get("reason")),
            quantity,
            named: None,
        });
    }
    if errors > 0 {
        let timestamp = match json.get("timestamp").and_then(protocol::timestamp) {
            Some(said) => around.clock.correct(said),
            None => around.clock.received(),
        };
        // Its release is that of what came with it, which may stand behind it.
        taken.keep(Record::Dropped(DroppedRecord { timestamp, release: None, environment: None, errors }));
    }
}
