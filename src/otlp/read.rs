//! Bodies become requests.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    logs::v1::{LogRecord, ResourceLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, Span as Sent},
};
use prost::Message;
use serde::de::DeserializeOwned;

use super::{
    Attributes, Encoding, Group, Kind, Log, Request, Signal, Span, SpanEvent, Status, metric,
    value::{attributes, hex, json, micros},
};

/// Most events that are read of one span.
const EVENTS: usize = 128;

/// The body is not what its content type says.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not protobuf, or of another message.
    #[error("the body is not an OTLP message in protobuf")]
    Protobuf(#[source] prost::DecodeError),
    /// Not JSON, or of another shape.
    #[error("the body is not an OTLP message in JSON")]
    Json(#[source] serde_json::Error),
}

/// Reads a body without its content encoding.
///
/// # Errors
/// When it can't be read at all.
pub fn read(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Request, ReadError> {
    let mut request = Request::default();
    match signal {
        Signal::Traces => {
            let sent: ExportTraceServiceRequest = message(encoding, body)?;
            sent.resource_spans.into_iter().for_each(|sent| spans(sent, &mut request));
        }
        Signal::Logs => {
            let sent: ExportLogsServiceRequest = message(encoding, body)?;
            sent.resource_logs.into_iter().for_each(|sent| logs(sent, &mut request));
        }
        Signal::Metrics => {
            let sent: ExportMetricsServiceRequest = message(encoding, body)?;
            sent.resource_metrics.into_iter().for_each(|sent| metric::points(sent, &mut request));
        }
    }
    Ok(request)
}

fn message<M: Message + Default + DeserializeOwned>(encoding: Encoding, body: &[u8]) -> Result<M, ReadError> {
    match encoding {
        Encoding::Protobuf => M::decode(body).map_err(ReadError::Protobuf),
        // Nothing to send is sent as `{}`.
        Encoding::Json if body.iter().filter(|b| !b.is_ascii_whitespace()).eq(b"{}") => Ok(M::default()),
        Encoding::Json => serde_json::from_slice(body).map_err(ReadError::Json),
    }
}

pub(super) fn resource(sent: Option<Resource>) -> Attributes {
    attributes(sent.map(|resource| resource.attributes).unwrap_or_default())
}

fn spans(sent: ResourceSpans, request: &mut Request) {
    let mut group = Group { resource: resource(sent.resource), ..Group::default() };
    let mut lost = 0;
    for scope in sent.scope_spans {
        let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
        for sent in scope.spans {
            match span(sent, &name) {
                Some(span) => group.spans.push(span),
                None => lost += 1,
            }
        }
    }
    if lost > 0 {
        request.faults.push(("a span without a valid trace id and span id", lost));
    }
    request.groups.push(group);
}

fn span(sent: Sent, scope: &str) -> Option<Span> {
    let status = sent.status.unwrap_or_default();
    let (start, end) = (micros(sent.start_time_unix_nano), micros(sent.end_time_unix_nano));
    Some(Span {
        trace: hex(&sent.trace_id, 16)?,
        id: hex(&sent.span_id, 8)?,
        parent: hex(&sent.parent_span_id, 8),
        name: sent.name,
        kind: match sent.kind {
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Internal,
        },
        start: if start == 0 { end } else { start },
        end: end.max(start),
        status: match status.code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        message: status.message,
        linked: !sent.links.is_empty(),
        state: sent.trace_state,
        attributes: attributes(sent.attributes),
        events: sent.events.into_iter().take(EVENTS).map(event).collect(),
        scope: scope.to_owned(),
    })
}

fn event(sent: opentelemetry_proto::tonic::trace::v1::span::Event) -> SpanEvent {
    SpanEvent { time: micros(sent.time_unix_nano), name: sent.name, attributes: attributes(sent.attributes) }
}

fn logs(sent: ResourceLogs, request: &mut Request) {
    let mut group = Group { resource: resource(sent.resource), ..Group::default() };
    for scope in sent.scope_logs {
        let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
        group.logs.extend(scope.log_records.into_iter().map(|sent| log(sent, &name)));
    }
    request.groups.push(group);
}

fn log(sent: LogRecord, scope: &str) -> Log {
    let time = if sent.time_unix_nano == 0 { sent.observed_time_unix_nano } else { sent.time_unix_nano };
    Log {
        time: micros(time),
        severity: sent.severity_number,
        severity_text: sent.severity_text,
        body: sent.body.map_or(serde_json::Value::Null, json),
        event: sent.event_name,
        attributes: attributes(sent.attributes),
        trace: hex(&sent.trace_id, 16),
        span: hex(&sent.span_id, 8),
        scope: scope.to_owned(),
    }
}
