//! One line of signal, whatever sent it, by the names that people use.
//! It uses JSON of single lines.
//! It never fails for a line that is odd: what can't be read is missing.

use serde_json::{Map, Value};

use crate::ingest::{LogLine, Part, SpanLine, has_failed};

/// A line: values by name.
#[derive(Clone, Debug, Default)]
pub(in crate::backend::embedded) struct Row {
    pub(in crate::backend::embedded) ts: i64,
    pub(in crate::backend::embedded) values: Map<String, Value>,
}

/// The name that a key is kept by.
pub(in crate::backend::embedded) fn canonical(key: &str) -> &str {
    match key {
        "body" | "error.value" | "title" | "log.body" | "feedback.message" | "comments" => "message",
        "span.duration" | "transaction.duration" | "duration_ms" | "check_in.duration" => "duration",
        "span.op" | "transaction.op" | "sentry.op" => "op",
        "span.name" | "span.description" | "description" | "metric.name" => "name",
        "span.status" | "transaction.status" | "check_in.status" | "session.status" => "status",
        "trace_id" | "trace.id" => "trace",
        "http.response.status_code" | "status_code" | "http.status" => "http.status_code",
        "monitor.slug" | "monitor_slug" => "monitor",
        "severity" | "severity_text" => "level",
        "span_id" | "span.id" => "span",
        "user.id" => "user",
        "sentry.release" | "release.version" => "release",
        "sentry.environment" => "environment",
        "associated_event_id" | "event.id" => "event",
        other => other,
    }
}

impl Row {
    /// The value under a name or another name for the same.
    pub(in crate::backend::embedded) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(canonical(key)).or_else(|| self.values.get(key))
    }

    fn put(&mut self, key: &str, value: Value) {
        let empty = value.is_null() || value.as_str().is_some_and(str::is_empty);
        if !empty && !self.values.contains_key(key) {
            self.values.insert(key.to_owned(), value);
        }
    }

    /// Attributes, plain or as `{value, type}`.
    fn attributes(&mut self, attributes: Option<&Value>) {
        for (key, value) in attributes.and_then(Value::as_object).into_iter().flatten() {
            let value = value.get("value").unwrap_or(value).clone();
            if let Some(vital) = key.strip_prefix("browser.web_vital.").and_then(|rest| rest.strip_suffix(".value")) {
                self.put(vital, value.clone());
            }
            if let Some(flag) = key.strip_prefix("flag.evaluation.") {
                self.put(&format!("flag:{flag}"), value.clone());
            }
            let own = key.strip_prefix("sentry.").unwrap_or(key);
            self.put(canonical(own), value);
        }
    }

    /// Whether it tells of a failure.
    pub(in crate::backend::embedded) fn failed(&self) -> bool {
        let status = self.values.get("status").and_then(Value::as_str).unwrap_or("");
        let level = self.values.get("level").and_then(Value::as_str).unwrap_or("");
        has_failed(status) || matches!(level, "error" | "fatal")
    }

    /// A line of a Sentry container: a log, a span or a metric.
    pub(in crate::backend::embedded) fn of_line(kind: &'static str, ts: i64, json: &Value) -> Self {
        let mut row = Self { ts, ..Self::default() };
        row.put("kind", kind.into());
        let named = ["level", "status", "unit", "value", "type", "name", "op", "description", "is_segment"];
        named.iter().for_each(|key| row.put(canonical(key), json.get(key).cloned().unwrap_or_default()));
        row.put("message", json.get("body").cloned().unwrap_or_default());
        row.put("trace", json.get("trace_id").cloned().unwrap_or_default());
        row.put("span", json.get("span_id").cloned().unwrap_or_default());
        row.put("parent", json.get("parent_span_id").cloned().unwrap_or_default());
        row.put("duration", duration(json));
        row.attributes(json.get("attributes"));
        row.attributes(json.get("data"));
        if let Some(segment) = row.values.get("segment.name").cloned() {
            row.put("transaction", segment);
        }
        if kind == "transaction"
            && let Some(name) = row.values.get("name").cloned()
        {
            row.put("transaction", name);
        }
        row
    }

    /// A whole transaction.
    pub(in crate::backend::embedded) fn of_transaction(ts: i64, json: &Value) -> Self {
        let mut row = Self { ts, ..Self::default() };
        row.put("kind", "transaction".into());
        row.put("transaction", json.get("transaction").cloned().unwrap_or_default());
        row.put("message", json.get("transaction").cloned().unwrap_or_default());
        row.put("duration", duration(json));
        row.whole(json);
        let spans = json.get("spans").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_query = |span: &&Value| span.get("op").and_then(Value::as_str).is_some_and(|op| op.starts_with("db"));
        row.put("spans", spans.len().into());
        row.put("queries", spans.iter().filter(is_query).count().into());
        for (name, value) in json.get("measurements").and_then(Value::as_object).into_iter().flatten() {
            row.put(name, value.get("value").cloned().unwrap_or_default());
        }
        row
    }

    /// A check-in or a feedback.
    pub(in crate::backend::embedded) fn of_item(kind: &'static str, ts: i64, json: &Value) -> Self {
        let mut row = Self { ts, ..Self::default() };
        row.put("kind", kind.into());
        row.put("monitor", json.get("monitor_slug").cloned().unwrap_or_default());
        row.put("id", json.get("check_in_id").or_else(|| json.get("event_id")).cloned().unwrap_or_default());
        row.put("status", json.get("status").cloned().unwrap_or_default());
        row.put("monitor_config", json.get("monitor_config").cloned().unwrap_or_default());
        let seconds = json.get("duration").and_then(Value::as_f64);
        row.put("duration", seconds.map_or(Value::Null, |s| (s * 1_000.0).into()));
        let feedback = json.pointer("/contexts/feedback");
        let said = |key: &str| feedback.and_then(|f| f.get(key)).or_else(|| json.get(key)).cloned().unwrap_or_default();
        row.put("message", said("message"));
        row.put("message", said("comments"));
        row.put("event", said("associated_event_id"));
        row.put("replay", said("replay_id"));
        if json.get("comments").is_some() {
            row.put("event", json.get("event_id").cloned().unwrap_or_default());
        }
        row.whole(json);
        row
    }

    /// What events of all kinds share.
    fn whole(&mut self, json: &Value) {
        let trace = json.pointer("/contexts/trace");
        for (key, from) in [("trace", "trace_id"), ("span", "span_id"), ("op", "op"), ("status", "status")] {
            self.put(key, trace.and_then(|trace| trace.get(from)).cloned().unwrap_or_default());
        }
        self.put("url", json.pointer("/request/url").cloned().unwrap_or_default());
        self.put("platform", json.get("platform").cloned().unwrap_or_default());
        self.put("http.status_code", json.pointer("/contexts/response/status_code").cloned().unwrap_or_default());
        self.attributes(trace.and_then(|trace| trace.get("data")));
        self.attributes(json.get("tags"));
        for flag in json.pointer("/contexts/flags/values").and_then(Value::as_array).into_iter().flatten() {
            if let Some(name) = flag.get("flag").and_then(Value::as_str) {
                self.put(&format!("flag:{name}"), flag.get("result").cloned().unwrap_or_default());
            }
        }
    }

    /// Spans within a transaction.
    pub(in crate::backend::embedded) fn within(json: &Value) -> Vec<Self> {
        let spans = json.get("spans").and_then(Value::as_array).into_iter().flatten();
        let micros = |span: &Value| {
            let end = crate::protocol::timestamp(span.get("timestamp")?)?;
            Some(end.as_microsecond())
        };
        let made = spans.filter_map(|span| {
            let mut row = Self::of_line("span", micros(span)?, span);
            row.put("transaction", json.get("transaction").cloned().unwrap_or_default());
            Some(row)
        });
        made.collect()
    }

    /// A span of OpenTelemetry.
    pub(in crate::backend::embedded) fn of_span(kind: &'static str, span: &SpanLine, part: &Part) -> Self {
        let mut row = Self { ts: span.start, ..Self::default() };
        row.put("kind", kind.into());
        row.put("name", span.name.clone().into());
        row.put("op", span.kind.clone().into());
        row.put("duration", ((span.end - span.start) as f64 / 1_000.0).into());
        row.put("status", if span.has_failed() { "error".into() } else { span.status.clone().into() });
        row.put("status_message", span.said.clone().into());
        row.put("trace", part.trace.clone().into());
        row.put("span", span.id.clone().into());
        row.put("parent", span.parent.clone().into());
        row.put("http.status_code", span.http_status().into());
        if kind == "transaction" {
            row.put("transaction", span.operation().into());
            row.put("message", span.operation().into());
        }
        row.attributes(Some(&Value::Object(span.attributes.clone())));
        row
    }

    /// A log record of OpenTelemetry.
    pub(in crate::backend::embedded) fn of_log(log: &LogLine, part: &Part) -> Self {
        let mut row = Self { ts: log.at, ..Self::default() };
        row.put("kind", "log".into());
        row.put("level", log.level.clone().into());
        let thrown = || log.thrown.as_ref().and_then(|t| t.values.last()?.get("value")).cloned().unwrap_or_default();
        let body = if log.body.is_empty() { thrown() } else { log.body.clone().into() };
        row.put("message", body);
        row.put("message", log.event.clone().into());
        row.put("event_name", log.event.clone().into());
        row.put("logger", log.logger.clone().into());
        row.put("trace", part.trace.clone().into());
        row.put("span", log.span.clone().into());
        row.attributes(Some(&Value::Object(log.attributes.clone())));
        row
    }
}

/// Milliseconds between begin and end.
fn duration(json: &Value) -> Value {
    let at = |key: &str| json.get(key).and_then(crate::protocol::timestamp);
    let end = at("end_timestamp").or_else(|| at("timestamp"));
    match (at("start_timestamp"), end) {
        (Some(start), Some(end)) => ((end.as_microsecond() - start.as_microsecond()) as f64 / 1_000.0).into(),
        _ => Value::Null,
    }
}
