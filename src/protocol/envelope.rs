//! The frame of an envelope: a header line, then items.

use serde_json::Value;

use super::{Auth, Dsn, Limits, event_id, read_json, timestamp};
use crate::model::{EventId, Timestamp};

/// Longest header of an envelope or item, in bytes: without a bound, a body of one line would be mended as a header.
const HEADER: usize = 64 << 10;

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
    pub faults: Vec<ItemError>,
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
pub struct ItemError {
    /// Place of the item in the envelope, from 0.
    pub item: usize,
    /// Its type, as far as it is known.
    pub item_type: &'static str,
    /// Why, in the program's own words.
    pub reason: &'static str,
    /// How many things were lost: 1 mostly, more for lines of a container or items beyond a limit.
    pub quantity: u64,
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
    /// The event of `/store/` is larger than one may be; the limit in bytes.
    #[error("the event is larger than {0} bytes, which is the limit of one event")]
    EventTooLarge(usize),
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
            Self::Attachment | Self::Profile | Self::ProfileChunk => limits.attachment_bytes,
            Self::ReplayRecording | Self::ReplayVideo => limits.recording_bytes,
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
    let header = header(first, limits).ok_or(EnvelopeError::Header)?;
    let text = |key: &str| header.get(key).and_then(Value::as_str);
    let mut envelope = Envelope {
        event_id: header.get("event_id").and_then(event_id),
        sent_at: header.get("sent_at").and_then(timestamp),
        dsn: text("dsn").and_then(Dsn::parse),
        trace_id: header.get("trace").and_then(|t| t.get("trace_id")).and_then(Value::as_str).map(str::to_owned),
        items: Vec::new(),
        faults: Vec::new(),
    };
    let (mut index, mut beyond) = (0, 0);
    while !rest.is_empty() {
        let (head, after) = line(rest);
        if head.trim_ascii().is_empty() {
            rest = after;
            continue;
        }
        let (taken, next) = item(index, head, after, limits);
        match taken {
            _ if index >= limits.items => beyond += 1,
            Ok(item) => envelope.items.push(item),
            Err(fault) => envelope.faults.push(fault),
        }
        (index, rest) = (index + 1, next);
    }
    if beyond > 0 {
        let reason = "more items than an envelope may have";
        envelope.faults.push(ItemError { item: limits.items, item_type: "unknown", reason, quantity: beyond });
    }
    Ok(envelope)
}

/// Takes one item off; returns what is after it.
fn item<'a>(index: usize, head: &[u8], after: &'a [u8], limits: &Limits) -> (Result<Item<'a>, ItemError>, &'a [u8]) {
    let fault = |item_type, reason| Err(ItemError { item: index, item_type, reason, quantity: 1 });
    let Some(header) = header(head, limits) else {
        return (fault("unknown", "the item's header is not a JSON object"), resume(after, limits));
    };
    let Some(ty) = header.get("type").and_then(Value::as_str).map(ItemType::parse) else {
        return (fault("unknown", "the item's header has no type"), resume(after, limits));
    };
    let (payload, rest) = match framed(header.get("length"), after) {
        Ok(framed) => framed,
        Err(reason) => return (fault(ty.as_str(), reason), resume(after, limits)),
    };
    if payload.len() > ty.limit(limits) {
        return (fault(ty.as_str(), "too large"), rest);
    }
    (Ok(Item { index, ty, header, payload }), rest)
}

/// The payload and what is after it: so many bytes and a line's end, or a line where no length is said.
fn framed<'a>(length: Option<&Value>, after: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), &'static str> {
    let Some(length) = length.filter(|length| !length.is_null()) else { return Ok(line(after)) };
    let length = length.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or("its length is not a number of bytes")?;
    let (payload, rest) = after.split_at_checked(length).ok_or("its length reaches beyond the body")?;
    match rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        Some(next) => Ok((payload, next)),
        None if rest.is_empty() => Ok((payload, rest)),
        None => Err("its length is not that of its payload"),
    }
}

/// Where the next item begins after one whose end can't be known: at the next line that can be nothing but a header.
/// What is passed over belongs to the item that is lost.
fn resume<'a>(after: &'a [u8], limits: &Limits) -> &'a [u8] {
    let mut rest = after;
    while !rest.is_empty() {
        let (head, next) = line(rest);
        if is_header(head, limits) {
            break;
        }
        rest = next;
    }
    rest
}

/// A known type says so, unless it is a payload that repeats it, as transactions do: those have an id or a time.
fn is_header(line: &[u8], limits: &Limits) -> bool {
    let Some(header) = header(line, limits) else { return false };
    let ty = header.get("type").and_then(Value::as_str).map(ItemType::parse);
    let known = ty.is_some_and(|ty| ty != ItemType::Unknown);
    known && header.get("event_id").is_none() && header.get("timestamp").is_none()
}

/// A line as a JSON object.
fn header(line: &[u8], limits: &Limits) -> Option<Value> {
    let is_object = line.trim_ascii_start().starts_with(b"{") && line.len() <= HEADER;
    is_object.then(|| read_json(line, limits.depth).ok()).flatten().filter(Value::is_object)
}

/// The first line without its end, and the rest.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}
