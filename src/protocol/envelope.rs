//! The frame of an envelope: a header line, then items.

use serde_json::Value;

use super::{Auth, Dsn, Limits, timestamp};
use crate::model::{EventId, Timestamp};

/// An envelope taken apart; payloads are still bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// The event or replay that its items belong to.
    pub event_id: Option<EventId>,
    /// When the sender sent it, by its clock.
    pub sent_at: Option<Timestamp>,
    /// The DSN in its header.
    pub dsn: Option<Dsn>,
    /// Trace that it belongs to.
    pub trace_id: Option<String>,
    /// What could be read.
    pub items: Vec<Item<'a>>,
    /// What could not.
    pub faults: Vec<Fault>,
}

impl Envelope<'_> {
    /// The key that its header carries.
    pub fn auth(&self) -> Option<Auth> {
        self.dsn.clone().map(Auth::from)
    }
}

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// Its place in the envelope, from 0.
    pub index: usize,
    /// What it is.
    pub ty: ItemType,
    /// Its header.
    pub header: Value,
    /// Its payload.
    pub payload: &'a [u8],
}

/// Something that could not be taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Place of the item in the envelope, from 0.
    pub item: usize,
    /// Its type, as far as it is known.
    pub item_type: &'static str,
    /// Why, in the program's own words.
    pub reason: &'static str,
}

/// Why an envelope can't be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// There is nothing.
    #[error("the envelope is empty")]
    Empty,
    /// Its first line is no JSON object.
    #[error("the first line is not a JSON object")]
    Header,
    /// The event is no JSON object (`/store/`).
    #[error("the body is not a JSON object")]
    Body,
    /// Larger than allowed.
    #[error("the envelope is too large")]
    TooLarge,
}

macro_rules! item_types {
    ($($name:ident $text:literal),* $(,)?) => {
        /// The types of items that are known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the protocol's")]
        pub enum ItemType { $($name,)* Unknown }

        impl ItemType {
            /// The protocol's word, or `unknown`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            fn parse(text: &str) -> Self {
                match text { $($text => Self::$name,)* _ => Self::Unknown }
            }
        }
    };
}

item_types! {
    Event "event", Transaction "transaction", Session "session", Sessions "sessions", ReplayEvent "replay_event",
    ReplayRecording "replay_recording", ReplayVideo "replay_video", UserReport "user_report", Feedback "feedback",
    Log "log", OtelLog "otel_log", CheckIn "check_in", Attachment "attachment", ClientReport "client_report",
    Profile "profile", ProfileChunk "profile_chunk", Span "span", OtelSpan "otel_span", Statsd "statsd",
    MetricBuckets "metric_buckets", TraceMetric "trace_metric",
}

impl ItemType {
    /// Largest payload of this type, in bytes.
    fn limit(self, limits: &Limits) -> usize {
        match self {
            Self::Attachment | Self::ReplayRecording | Self::ReplayVideo | Self::Profile | Self::ProfileChunk => {
                limits.attachment_bytes
            }
            Self::Span | Self::Log | Self::OtelLog | Self::TraceMetric | Self::Statsd | Self::MetricBuckets => {
                limits.event_bytes.saturating_mul(10)
            }
            _ => limits.event_bytes,
        }
    }
}

/// Takes an envelope apart. A broken item costs itself alone wherever the next one can still be found.
///
/// # Errors
/// When not even the header can be read.
pub fn parse<'a>(body: &'a [u8], limits: &Limits) -> Result<Envelope<'a>, EnvelopeError> {
    if body.len() > limits.envelope_bytes {
        return Err(EnvelopeError::TooLarge);
    }
    let (first, mut rest) = line(body);
    if body.trim_ascii().is_empty() {
        return Err(EnvelopeError::Empty);
    }
    let Ok(Value::Object(header)) = serde_json::from_slice::<Value>(first) else { return Err(EnvelopeError::Header) };
    let text = |key: &str| header.get(key).and_then(Value::as_str);
    let mut envelope = Envelope {
        event_id: text("event_id").and_then(|id| id.parse().ok()),
        sent_at: header.get("sent_at").and_then(timestamp),
        dsn: text("dsn").and_then(Dsn::parse),
        trace_id: header.get("trace").and_then(|t| t.get("trace_id")).and_then(Value::as_str).map(str::to_owned),
        items: Vec::new(),
        faults: Vec::new(),
    };
    let mut index = 0;
    while !rest.is_empty() {
        let (head, after) = line(rest);
        if head.trim_ascii().is_empty() {
            rest = after;
            continue;
        }
        if index >= limits.items {
            envelope.faults.push(Fault {
                item: index,
                item_type: "unknown",
                reason: "too many items: this and the rest",
            });
            break;
        }
        rest = item(&mut envelope, index, head, after, limits);
        index += 1;
    }
    Ok(envelope)
}

/// Takes one item off; returns what is after it.
fn item<'a>(envelope: &mut Envelope<'a>, index: usize, head: &[u8], after: &'a [u8], limits: &Limits) -> &'a [u8] {
    let mut fault = |item_type, reason| envelope.faults.push(Fault { item: index, item_type, reason });
    let Ok(header @ Value::Object(_)) = serde_json::from_slice::<Value>(head) else {
        fault("unknown", "the item's header is not a JSON object");
        // Where its payload ends can't be known; a line is the best guess, and what follows may be whole.
        return line(after).1;
    };
    let ty = header.get("type").and_then(Value::as_str).map_or(ItemType::Unknown, ItemType::parse);
    let (payload, rest) = match header.get("length") {
        None | Some(Value::Null) => line(after),
        Some(length) => match length.as_u64().map(|n| n as usize) {
            Some(n) if n <= after.len() => (
                &after[..n],
                after[n..].strip_prefix(b"\r\n").or_else(|| after[n..].strip_prefix(b"\n")).unwrap_or(&after[n..]),
            ),
            Some(_) => {
                fault(ty.as_str(), "its length reaches beyond the body");
                return line(after).1;
            }
            None => {
                fault(ty.as_str(), "its length is not a number of bytes");
                return line(after).1;
            }
        },
    };
    if payload.len() > ty.limit(limits) {
        fault(ty.as_str(), "too large");
    } else {
        envelope.items.push(Item { index, ty, header, payload });
    }
    rest
}

/// The first line without its end, and the rest.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
