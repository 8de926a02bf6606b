//! OTLP: bodies of OpenTelemetry exporters, protobuf or JSON, become plain spans, logs and metric points.
//! It uses `opentelemetry-proto` and `prost`, and nothing of the program.
//! It never does IO, and never fails a request for one record: those that can't be read are counted.

mod answer;
mod metric;
mod read;
mod value;

pub use answer::{accepted, refused};
pub use read::{ReadError, read};
pub use value::Attributes;

/// What an exporter sends to one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `/v1/traces`
    Traces,
    /// `/v1/logs`
    Logs,
    /// `/v1/metrics`
    Metrics,
}

/// How a body is written, and how its answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Encoding {
    /// Reads the header `Content-Type`; `None`: neither.
    pub fn of_content_type(text: &str) -> Option<Self> {
        match text.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The content type of answers.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// One request, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// What each resource sent.
    pub groups: Vec<Group>,
    /// Records that could not be read, by reason.
    pub faults: Vec<(&'static str, u64)>,
}

/// What one resource (a process of a service) sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Attributes of the resource.
    pub resource: Attributes,
    /// Spans that have ended.
    pub spans: Vec<Span>,
    /// Log records and events.
    pub logs: Vec<Log>,
    /// Points of metrics.
    pub points: Vec<Point>,
}

/// What part a span plays in its trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Work within a service.
    #[default]
    Internal,
    /// A request that is served.
    Server,
    /// A request to another service.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is worked on.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Nothing was said.
    #[default]
    Unset,
    /// The application says that it went well.
    Ok,
    /// It failed.
    Error,
}

/// One span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// Trace, 32 hex digits.
    pub trace: String,
    /// Span, 16 hex digits.
    pub id: String,
    /// Parent, 16 hex digits.
    pub parent: Option<String>,
    /// Name.
    pub name: String,
    /// Part in the trace.
    pub kind: Kind,
    /// Begin, microseconds since 1970.
    pub start: i64,
    /// End, microseconds since 1970.
    pub end: i64,
    /// Outcome.
    pub status: Status,
    /// What the status says.
    pub message: String,
    /// `tracestate` of W3C, as sent.
    pub state: String,
    /// Attributes.
    pub attributes: Attributes,
    /// Whether it follows from spans of other traces, as a message from those that sent it.
    pub linked: bool,
    /// What happened within, in the order sent.
    pub events: Vec<SpanEvent>,
    /// Instrumentation that made it.
    pub scope: String,
}

/// Something that happened within a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanEvent {
    /// When, microseconds since 1970; 0: not said.
    pub time: i64,
    /// Name.
    pub name: String,
    /// Attributes.
    pub attributes: Attributes,
}

/// One log record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// When it happened, else when it was seen, microseconds since 1970; 0: not said.
    pub time: i64,
    /// Severity, 1 (trace) to 24 (fatal); 0: not said.
    pub severity: i32,
    /// The sender's word for it.
    pub severity_text: String,
    /// The text, or a value.
    pub body: serde_json::Value,
    /// Name of the event, where it is one.
    pub event: String,
    /// Attributes.
    pub attributes: Attributes,
    /// Trace, 32 hex digits.
    pub trace: Option<String>,
    /// Span, 16 hex digits.
    pub span: Option<String>,
    /// Logger, or instrumentation that made it.
    pub scope: String,
}

/// One point of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Metric.
    pub name: String,
    /// Unit as sent (UCUM).
    pub unit: String,
    /// `gauge`, `sum`, `histogram`, `summary`.
    pub kind: &'static str,
    /// When, microseconds since 1970; 0: not said.
    pub time: i64,
    /// Value, or sum of a distribution.
    pub value: f64,
    /// Values of a distribution.
    pub count: Option<u64>,
    /// Attributes.
    pub attributes: Attributes,
}
