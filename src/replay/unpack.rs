//! From a segment's bytes to its events: header line, zlib or plain, each event by itself.
//! It uses `flate2` and `serde_stacker`.
//! It never fails for one bad event, and never unpacks without an end.

use std::{
    borrow::Cow,
    io::{Read, Write},
};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::event::Event;

/// What reading may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest segment unpacked, in bytes.
    pub segment_bytes: usize,
    /// Deepest nesting of JSON in an event: a page's elements take two levels each.
    pub depth: usize,
    /// Most steps and marks of a replay.
    pub steps: usize,
    /// Most nodes of a page.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, depth: 4_096, steps: 20_000, nodes: 1_000_000 }
    }
}

/// Why a segment can't be read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// There is nothing after the header line.
    #[error("empty")]
    Empty,
    /// The zlib stream is broken or cut.
    #[error("broken compression")]
    Compression,
    /// It unpacks to more than is allowed.
    #[error("larger than allowed")]
    TooLarge,
    /// It is no list of events, or one that ends in the middle.
    #[error("not a list of events")]
    Malformed,
}

/// A segment, unpacked: its number and the JSON list.
pub(super) struct Unpacked<'a> {
    /// As its header line says.
    pub(super) number: Option<u64>,
    json: Cow<'a, [u8]>,
    /// What went wrong while unpacking; what came out before it is kept.
    fault: Option<SegmentError>,
}

impl<'a> Unpacked<'a> {
    /// Takes the header line off and undoes the compression, which is seen in the bytes alone.
    pub(super) fn of(bytes: &'a [u8], limits: &Limits) -> Result<Self, SegmentError> {
        let (number, rest) = split_header(bytes);
        let start = rest.iter().position(|b| !b.is_ascii_whitespace()).ok_or(SegmentError::Empty)?;
        if matches!(rest[start], b'[' | b'{') {
            let fault = (rest.len() > limits.segment_bytes).then_some(SegmentError::TooLarge);
            let json = Cow::Borrowed(&rest[start..rest.len().min(limits.segment_bytes)]);
            return Ok(Self { number, json, fault });
        }
        let mut json = Vec::new();
        let most = limits.segment_bytes as u64;
        let read = flate2::read::ZlibDecoder::new(rest).take(most + 1).read_to_end(&mut json);
        let fault = match read {
            Err(_) => Some(SegmentError::Compression),
            Ok(length) if length > limits.segment_bytes => Some(SegmentError::TooLarge),
            Ok(_) => None,
        };
        match fault {
            Some(fault) if json.is_empty() => Err(fault),
            _ => Ok(Self { number, json: Cow::Owned(json), fault }),
        }
    }

    /// Hands over each event that can be read, in the order of the list.
    ///
    /// # Errors
    /// When the list ends before its end; what came before was handed over.
    pub(super) fn events<'j>(&'j self, depth: usize, take: impl FnMut(Event<'j>)) -> Result<(), SegmentError> {
        let mut json = serde_json::Deserializer::from_slice(&self.json);
        let whole = json.deserialize_seq(Each { depth, take }).is_ok();
        match self.fault {
            Some(fault) => Err(fault),
            None if whole => Ok(()),
            None => Err(SegmentError::Malformed),
        }
    }
}

/// A segment with its JSON made anew by `change`: header line and compression stay as they were. What is broken or too
/// large to unpack is cut there.
pub fn rewritten(bytes: &[u8], limits: &Limits, change: impl Fn(&str) -> String) -> Vec<u8> {
    let (_, rest) = split_header(bytes);
    let head = &bytes[..bytes.len() - rest.len()];
    let Ok(unpacked) = Unpacked::of(bytes, limits) else { return bytes.to_vec() };
    let json = change(&String::from_utf8_lossy(&unpacked.json));
    let packed = match unpacked.json {
        Cow::Borrowed(_) => Ok(json.into_bytes()),
        Cow::Owned(_) => {
            let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(5));
            zip.write_all(json.as_bytes()).and_then(|()| zip.finish())
        }
    };
    let packed = packed.expect("memory takes what is written");
    [head, &packed].concat()
}

/// The header line is JSON with the segment's number; recordings of some senders have none.
fn split_header(bytes: &[u8]) -> (Option<u64>, &[u8]) {
    #[derive(Deserialize)]
    struct Header {
        segment_id: Option<u64>,
    }
    let line = bytes.iter().position(|b| *b == b'\n');
    let header = line.and_then(|end| serde_json::from_slice::<Header>(&bytes[..end]).ok().map(|header| (header, end)));
    match header {
        Some((header, end)) => (header.segment_id, &bytes[end + 1..]),
        None => (None, bytes),
    }
}

/// Walks a list, each element as it stands in the text.
struct Each<F> {
    depth: usize,
    take: F,
}

impl<'j, F: FnMut(Event<'j>)> Visitor<'j> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'j>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(text) = list.next_element::<&'j RawValue>()? {
            if let Some(event) = one(text.get(), self.depth) {
                (self.take)(event);
            }
        }
        Ok(())
    }
}

fn one(text: &str, depth: usize) -> Option<Event<'_>> {
    match serde_json::from_str(text) {
        Ok(event) => Some(event),
        Err(error) if error.to_string().starts_with("recursion limit") && levels(text) <= depth => {
            let mut json = serde_json::Deserializer::from_str(text);
            json.disable_recursion_limit();
            Event::deserialize(serde_stacker::Deserializer::new(&mut json)).ok()
        }
        Err(_) => None,
    }
}

/// How deep brackets nest in a JSON text.
fn levels(text: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bytes: &[u8]) -> (usize, Result<(), SegmentError>) {
        let limits = Limits { segment_bytes: 10_000, ..Limits::default() };
        let unpacked = match Unpacked::of(bytes, &limits) {
            Ok(unpacked) => unpacked,
            Err(error) => return (0, Err(error)),
        };
        let mut n = 0;
        let read = unpacked.events(limits.depth, |_| n += 1);
        (n, read)
    }

    #[test]
    fn a_bad_event_costs_itself_and_a_cut_list_its_end() {
        let list = br#"{"segment_id":3}
[{"type":4,"timestamp":1,"data":{"href":"/"}},{"type":"x"},7,{"type":4,"timestamp":2,"data":{}}]"#;
        assert_eq!(events(list), (2, Ok(())));
        assert_eq!(events(&list[..list.len() - 30]), (1, Err(SegmentError::Malformed)));
        assert_eq!(events(b"{\"segment_id\":3}\n"), (0, Err(SegmentError::Empty)));
        assert_eq!(events(b"{\"segment_id\":3}\n\x78\x9cnonsense"), (0, Err(SegmentError::Compression)));
    }

    #[test]
    fn unpacking_ends_at_the_limit() {
        let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let event = r#"{"type":4,"timestamp":1,"data":{}},"#;
        zip.write_all(b"[").unwrap();
        for _ in 0..100_000 {
            zip.write_all(event.as_bytes()).unwrap();
        }
        let (n, read) = events(&zip.finish().unwrap());
        assert!(n > 200 && n < 300, "{n}");
        assert_eq!(read, Err(SegmentError::TooLarge));
    }
}
