//! What one request told of one trace within one service: kept until the trace is told in full, and as long as it is of use.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Attributes without secrets.
pub(crate) type Attributes = Map<String, Value>;

/// Spans and logs of one trace, one service, one release; without secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Trace, 32 hex digits; none: logs of a session, or alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// `service.name`
    pub service: String,
    /// `service.name@service.version`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// `deployment.environment.name`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The platform as Sentry SDKs name it.
    pub platform: String,
    /// Other attributes of the resource.
    pub resource: Attributes,
    /// Spans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<SpanLine>,
    /// Logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

/// A span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanLine {
    /// 16 hex digits.
    pub id: String,
    /// 16 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Name.
    pub name: String,
    /// `internal`, `server`, `client`, `producer`, `consumer`
    pub kind: String,
    /// Microseconds since 1970.
    pub start: i64,
    /// Microseconds since 1970.
    pub end: i64,
    /// `error`, `ok`; empty: not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// What the status says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// Who, 32 hex digits of the pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Session: a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Whether it follows from spans of other traces.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// Attributes.
    pub attributes: Attributes,
    /// Events but exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventLine>,
    /// Exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thrown: Vec<Thrown>,
}

/// An event within a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// Microseconds since 1970.
    pub at: i64,
    /// Name.
    pub name: String,
    /// Attributes.
    pub attributes: Attributes,
}

/// A log record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Microseconds since 1970.
    pub at: i64,
    /// 16 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// `debug`, `info`, `warning`, `error`, `fatal`
    pub level: String,
    /// Text.
    pub body: String,
    /// Name of the event.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// Logger.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub logger: String,
    /// Who, 32 hex digits of the pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Session: a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Attributes.
    pub attributes: Attributes,
    /// Its exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thrown: Option<Thrown>,
}

/// An exception with its causes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thrown {
    /// Microseconds since 1970.
    pub at: i64,
    /// As in a Sentry event: the root cause first.
    pub values: Vec<Value>,
    /// `exception.type` where that is a code and the class stands in the stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl SpanLine {
    /// A request or message that the service works on.
    pub fn is_served(&self) -> bool {
        matches!(self.kind.as_str(), "server" | "consumer")
    }

    /// Whether it says that it failed: by its status, or by that of HTTP.
    pub fn has_failed(&self) -> bool {
        self.status == "error" || self.kind == "server" && self.http_status().is_some_and(|code| code >= 500)
    }

    /// Status of HTTP, by its new name or its old one.
    pub fn http_status(&self) -> Option<u64> {
        let of = |key: &str| self.attributes.get(key).and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
        of("http.response.status_code").or_else(|| of("http.status_code"))
    }

    /// Text of the first of these attributes that has one.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.attributes.get(*key)?.as_str()).filter(|text| !text.is_empty())
    }

    /// `GET /orders/:id`, else the span's name.
    pub fn operation(&self) -> String {
        let method = self.text(&["http.request.method", "http.method"]);
        match (method, self.text(&["http.route"])) {
            (Some(method), Some(route)) => format!("{method} {route}"),
            _ => self.name.clone(),
        }
    }
}

impl LogLine {
    /// A failure by its level.
    pub fn is_error(&self) -> bool {
        matches!(self.level.as_str(), "error" | "fatal")
    }
}

impl Part {
    /// Whether a failure is told here.
    pub fn is_failing(&self) -> bool {
        self.spans.iter().any(|span| span.has_failed() || !span.thrown.is_empty())
            || self.logs.iter().any(|log| log.is_error() || log.thrown.is_some())
    }
}
