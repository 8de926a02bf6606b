//! What stands beside a recording's segments: the replay event of each.
//! It uses `serde_json`.
//! It never believes one header more than another: lists are put together, the first of a single value counts.

use serde_json::Value;

use crate::model::{EventId, Untrusted};

/// The headers of a replay, put together.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// Milliseconds since 1970.
    pub(super) started: Option<i64>,
    pub(super) buffered: bool,
    pub(super) urls: Vec<Untrusted>,
    /// Errors named, each with the end of the segment that named it in milliseconds since 1970.
    pub(super) errors: Vec<(EventId, i64)>,
    pub(super) platform: Option<Untrusted>,
    pub(super) user_agent: Option<Untrusted>,
    pub(super) locale: Option<Untrusted>,
    pub(super) timezone: Option<Untrusted>,
    pub(super) release: Option<Untrusted>,
    pub(super) environment: Option<Untrusted>,
    /// Numbers of the segments that were announced.
    pub(super) numbers: Vec<u64>,
    /// Of each segment announced: its number, when its page began to record, and its end, in milliseconds since 1970.
    pub(super) parts: Vec<(u64, i64, i64)>,
}

/// Most addresses and errors of a replay.
const MOST: usize = 1_000;

impl Header {
    /// Adds what one segment's header says.
    pub(super) fn add(&mut self, json: &Value) {
        let seconds = |key: &str| json.get(key).and_then(Value::as_f64).filter(|at| (0.0..1e11).contains(at));
        let ms = |key: &str| seconds(key).map(|at| (at * 1000.0).round() as i64);
        if let Some(started) = ms("replay_start_timestamp") {
            self.started = Some(self.started.map_or(started, |known| known.min(started)));
        }
        let at = ms("timestamp").unwrap_or(0);
        self.buffered |= json.get("replay_type").and_then(Value::as_str) == Some("buffer");
        let number = json.get("segment_id").and_then(Value::as_u64);
        self.numbers.extend(number);
        if let (Some(number), Some(began)) = (number, ms("replay_start_timestamp")) {
            self.parts.push((number, began, at));
        }
        let list = |key: &str| json.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for url in list("urls").filter(|url| !url.is_empty()).take(MOST) {
            if self.urls.len() < MOST && !self.urls.iter().any(|known| known.raw() == url) {
                self.urls.push(url.into());
            }
        }
        for id in list("error_ids").filter_map(|id| id.parse::<EventId>().ok()).take(MOST) {
            if self.errors.len() < MOST && !self.errors.iter().any(|(known, _)| *known == id) {
                self.errors.push((id, at));
            }
        }
        let text =
            |path: &str| json.pointer(path).and_then(Value::as_str).filter(|t| !t.is_empty()).map(Untrusted::from);
        let firsts = [
            (&mut self.platform, text("/platform")),
            (&mut self.user_agent, text("/request/headers/User-Agent")),
            (&mut self.locale, text("/contexts/culture/locale")),
            (&mut self.timezone, text("/contexts/culture/timezone")),
            (&mut self.release, text("/release")),
            (&mut self.environment, text("/environment")),
        ];
        for (known, said) in firsts {
            if known.is_none() {
                *known = said;
            }
        }
    }

    /// When the page of a segment began to record: just before its first event if it is a page's first; else that of the
    /// header which was sent soonest after its last event.
    pub(super) fn began(&self, number: u64, first: i64, last: i64) -> Option<i64> {
        let parts = self.parts.iter().filter(|(n, ..)| *n == number);
        let best = parts.min_by_key(|(_, began, at)| match number {
            0 => (false, *began > first + 1, (began - first).abs()),
            _ => (*at + 1 < last, *began > first + 1, (at - last).abs()),
        });
        best.map(|(_, began, _)| *began)
    }

    /// Whether that page has a segment of its own with that number.
    pub(super) fn has(&self, number: u64, began: i64) -> bool {
        self.parts.iter().any(|part| (part.0, part.1) == (number, began))
    }
}
