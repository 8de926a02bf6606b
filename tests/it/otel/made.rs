//! Requests of OTLP, made by hand.

use serde_json::{Value, json};

pub const JSON: (&str, &str) = ("Content-Type", "application/json");

pub fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// A span of 4 ms that failed. `parent` 0: none; `kind` as OTLP numbers it: 1 internal, 2 server, 3 client.
pub fn failed(trace: u128, id: u64, parent: u64, kind: u8, name: &str) -> Value {
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({ "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "parentSpanId": parent, "name": name,
        "kind": kind, "startTimeUnixNano": "1794819901399000000", "endTimeUnixNano": "1794819901403000000",
        "status": { "code": 2 } })
}

/// An exception of Python, as a span's event tells it.
pub fn thrown(ty: &str, message: &str, function: &str) -> Value {
    let stack = format!(
        "Traceback (most recent call last):\n  File \"/srv/pay/till.py\", line 14, in {function}\n    \
         RATES[country]\n{ty}: {message}\n"
    );
    json!({ "name": "exception", "timeUnixNano": "1794819901402000000", "attributes": [
        attribute("exception.type", ty), attribute("exception.message", message),
        attribute("exception.stacktrace", &stack)] })
}

/// A body of `/v1/traces`.
pub fn traces(service: &str, spans: &[Value]) -> String {
    json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": [{ "spans": spans }] }] }).to_string()
}

/// A Python service of version 2.0.0.
pub fn resource(service: &str) -> Value {
    json!({ "attributes": [attribute("service.name", service), attribute("service.version", "2.0.0"),
        attribute("telemetry.sdk.language", "python")] })
}

/// A body of `/v1/logs`: one error within a span, with type, text and function of an exception or without.
pub fn logs(service: &str, trace: u128, span: u64, text: &str, exception: Option<(&str, &str, &str)>) -> String {
    let attributes =
        exception.map_or(json!([]), |(ty, message, function)| thrown(ty, message, function)["attributes"].take());
    let record = json!({ "timeUnixNano": "1794819901402500000", "severityNumber": 17, "body": { "stringValue": text },
        "traceId": format!("{trace:032x}"), "spanId": format!("{span:016x}"), "attributes": attributes });
    json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "logRecords": [record] }] }] })
        .to_string()
}
