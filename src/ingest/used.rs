//! What transactions, spans and lines of Sentry SDKs say of use.

use serde_json::Value;

use super::tags;
use crate::{
    model::{Timestamp, Untrusted, UserKey},
    protocol,
    store::{EntryUse, ItemKind},
};

/// Statuses of spans, check-ins and sessions that are no failure of the service: it went well, or the asker was wrong.
const WELL: &[&str] = &[
    "",
    "ok",
    "unset",
    "unknown",
    "cancelled",
    "in_progress",
    "exited",
    "not_found",
    "invalid_argument",
    "unauthenticated",
    "permission_denied",
    "already_exists",
    "failed_precondition",
    "out_of_range",
];

/// Whether a status says that the service failed.
pub fn has_failed(status: &str) -> bool {
    !WELL.contains(&status)
}

/// The request that a transaction tells of.
pub(super) fn by_transaction(
    json: &Value,
    at: Timestamp,
    user: Option<UserKey>,
    tags: Vec<(Untrusted, Untrusted)>,
) -> EntryUse {
    let trace = json.pointer("/contexts/trace");
    let status = trace.and_then(|trace| trace.get("status")).and_then(Value::as_str).unwrap_or("");
    let code = json.pointer("/contexts/response/status_code").and_then(Value::as_u64);
    let rate = trace
        .and_then(|trace| trace.get("client_sample_rate").or_else(|| trace.get("data")?.get("sentry.sample_rate")));
    EntryUse {
        operation: json.get("transaction").and_then(protocol::name),
        at,
        duration_us: duration_us(json),
        failed: has_failed(status) || code.is_some_and(|code| code >= 500),
        user,
        session: None,
        weight: weight(rate),
        tags,
    }
}

/// What a line says: a span that nothing of the same service stands around is a request, all else a sign of use.
pub(super) fn by_line(kind: ItemKind, line: &Value, at: Timestamp, user: Option<UserKey>) -> EntryUse {
    let is_request = kind == ItemKind::Span && line.get("is_segment").and_then(Value::as_bool) == Some(true);
    let name = || line.get("name").or_else(|| line.get("description")).and_then(protocol::name);
    let Some(operation) = is_request.then(name).flatten() else { return EntryUse::sign(at, user, None) };
    let of = |key: &str| line.get("attributes").and_then(|all| all.get(key)?.get("value"));
    let code = of("http.response.status_code").and_then(Value::as_u64);
    EntryUse {
        operation: Some(operation),
        at,
        duration_us: duration_us(line),
        failed: has_failed(line.get("status").and_then(Value::as_str).unwrap_or(""))
            || code.is_some_and(|code| code >= 500),
        user,
        session: None,
        weight: weight(of("sentry.sample_rate")),
        tags: of_attributes(line),
    }
}

/// The conditions that a span's attributes tell, as events name them.
fn of_attributes(line: &Value) -> Vec<(Untrusted, Untrusted)> {
    let all = line.get("attributes").and_then(Value::as_object);
    let texts = all.into_iter().flatten().filter_map(|(key, value)| {
        let text = match value.get("value")? {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value["value"].to_string(),
            _ => return None,
        };
        Some((key.as_str(), text))
    });
    tags::of_segment(texts)
}

fn duration_us(json: &Value) -> u64 {
    let at = |key: &str| json.get(key).and_then(protocol::timestamp);
    let end = at("end_timestamp").or_else(|| at("timestamp"));
    let micros = at("start_timestamp").zip(end).map(|(start, end)| end.as_microsecond() - start.as_microsecond());
    micros.and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0)
}

/// How many requests one stands for at a rate of sampling; 1 where nothing is said.
fn weight(rate: Option<&Value>) -> f64 {
    let rate = rate.and_then(|rate| rate.as_f64().or_else(|| rate.as_str()?.parse().ok()));
    rate.filter(|rate| *rate > 0.0 && *rate <= 1.0).map_or(1.0, |rate| 1.0 / rate)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn transactions_and_segments_are_requests_and_lines_are_signs() {
        let at: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let transaction = json!({ "transaction": "/pay", "start_timestamp": 10.0, "timestamp": 10.25,
            "contexts": { "trace": { "status": "internal_error", "client_sample_rate": 0.25 } } });
        let used = by_transaction(&transaction, at, None, Vec::new());
        assert_eq!((used.operation, used.duration_us, used.failed), (Some("/pay".into()), 250_000, true));
        assert_eq!(used.weight, 4.0);
        let segment = json!({ "name": "/pay", "is_segment": true, "start_timestamp": 1.0, "end_timestamp": 1.5, "status": "ok",
            "attributes": { "sentry.sample_rate": { "value": "0.5" } } });
        let used = by_line(ItemKind::Span, &segment, at, None);
        assert_eq!((used.operation, used.duration_us, used.failed), (Some("/pay".into()), 500_000, false));
        assert_eq!(used.weight, 2.0);
        let user = Some(UserKey([1; 16]));
        let inner = json!({ "name": "query", "is_segment": false });
        assert_eq!(by_line(ItemKind::Span, &inner, at, user), EntryUse::sign(at, user, None));
    }
}
