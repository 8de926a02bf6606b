//! Crashes that a system wrote down: tombstones of Android (as text or protobuf), crash reports of Apple's systems and what these say
//! of programs that were ended for their memory. Each becomes an event as a dump does.

mod apple;
mod ips;
mod tombstone;
mod tombstone_proto;

use serde_json::{Map, Value, json};

use super::reason::Crash;

/// Media type under which a report is kept. Text is scrubbed as such; what is none holds memory, and is kept as dumps are.
pub fn report_type(bytes: &[u8]) -> &'static str {
    if tombstone_proto::begins(bytes) { super::DUMP_TYPE } else { "text/plain" }
}

/// Threads, frames of each, and loaded files that are read.
const THREADS: usize = 500;
const FRAMES: usize = 500;
const IMAGES: usize = 4_000;
/// Longest report that is read, in bytes.
const LONGEST: usize = 8 << 20;

/// One report, read.
struct Report {
    crash: Crash,
    /// The kind of report, as the event's mechanism names it.
    mechanism: &'static str,
    /// What made it: `native`, `cocoa`.
    platform: &'static str,
    threads: Vec<Thread>,
    images: Vec<Image>,
    contexts: Map<String, Value>,
    tags: Map<String, Value>,
    /// The moment of the crash, as RFC 3339 has it, where the report says one.
    timestamp: Option<String>,
    release: Option<String>,
    /// Addresses of callers are those of their calls, not of what follows.
    at_calls: bool,
}

#[derive(Default)]
struct Thread {
    id: u64,
    name: Option<String>,
    crashed: bool,
    /// From the innermost outwards.
    frames: Vec<Frame>,
}

#[derive(Default)]
struct Frame {
    address: u64,
    /// The file that the address counts from, by its place among the images; `None`: the address is one in memory.
    within: Option<usize>,
    function: Option<String>,
    file: Option<String>,
    line: Option<u64>,
}

#[derive(Default)]
struct Image {
    file: String,
    debug_id: Option<String>,
    code_id: Option<String>,
    start: Option<u64>,
    size: u64,
    arch: Option<String>,
}

/// Whether these are the first bytes of a report.
pub fn is_report(bytes: &[u8]) -> bool {
    if tombstone_proto::begins(bytes) {
        return true;
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let start = start.trim_start_matches(['\u{feff}', ' ', '\r', '\n']);
    tombstone::begins(start) || apple::begins(start) || ips::begins(start)
}

/// Reads a report: what ended the program, its threads, loaded files, facts of system and process, as an event's JSON
/// has them. Frames are not named yet, but for names that the report has itself.
///
/// `None`: not a report, or one that can't be read.
pub fn read_report(bytes: &[u8]) -> Option<Value> {
    if tombstone_proto::begins(bytes) {
        return tombstone_proto::read(bytes.get(..LONGEST).unwrap_or(bytes)).map(Report::event);
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
    let text = text.trim_start_matches(['\u{feff}', ' ', '\r', '\n']);
    let report = match () {
        () if tombstone::begins(text) => tombstone::read(text),
        () if apple::begins(text) => apple::read(text),
        () if ips::begins(text) => ips::read(text)?,
        () => return None,
    };
    Some(report.event())
}

impl Report {
    fn new(crash: Crash, mechanism: &'static str, platform: &'static str) -> Self {
        Self {
            crash,
            mechanism,
            platform,
            threads: Vec::new(),
            images: Vec::new(),
            contexts: Map::new(),
            tags: Map::new(),
            timestamp: None,
            release: None,
            at_calls: false,
        }
    }

    /// Adds a value to a context, unless there is none.
    fn context(&mut self, name: &str, key: &str, value: Option<&str>) {
        let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return };
        let context = self.contexts.entry(name).or_insert_with(|| json!({}));
        context[key] = value.into();
    }

    fn event(self) -> Value {
        let crashed = self.threads.iter().find(|thread| thread.crashed);
        let mut exception = json!({
            "type": self.crash.name,
            "value": self.crash.text(),
            "mechanism": { "type": self.mechanism, "handled": false, "synthetic": true },
        });
        if let Some(thread) = crashed {
            exception["thread_id"] = thread.id.into();
            exception["stacktrace"] = self.stacktrace(thread);
        }
        let thread = |thread: &Thread| {
            let mut value = json!({ "id": thread.id, "crashed": thread.crashed, "current": thread.crashed });
            if let Some(name) = &thread.name {
                value["name"] = name.as_str().into();
            }
            if !thread.crashed {
                value["stacktrace"] = self.stacktrace(thread);
            }
            value
        };
        let mut event = json!({
            "platform": self.platform,
            "level": "fatal",
            "exception": { "values": [exception] },
            "threads": { "values": self.threads.iter().map(thread).collect::<Vec<_>>() },
            "debug_meta": { "images": self.images.iter().map(Image::json).collect::<Vec<_>>() },
            "tags": self.tags,
            "contexts": self.contexts,
        });
        event["contexts"]["crash"] = self.crash.context();
        for (key, value) in [("timestamp", self.timestamp), ("release", self.release)] {
            if let Some(value) = value {
                event[key] = value.into();
            }
        }
        event
    }

    /// Frames in the order of payloads, the innermost last.
    fn stacktrace(&self, thread: &Thread) -> Value {
        let frames: Vec<Value> = thread.frames.iter().take(FRAMES).rev().map(Frame::json).collect();
        let mut stack = json!({ "frames": frames });
        if self.at_calls {
            stack["instruction_addr_adjustment"] = "none".into();
        }
        stack
    }
}

impl Frame {
    fn json(&self) -> Value {
        let mut value = json!({ "instruction_addr": format!("{:#x}", self.address) });
        if let Some(at) = self.within {
            value["addr_mode"] = format!("rel:{at}").into();
        }
        for (key, text) in [("function", &self.function), ("filename", &self.file)] {
            if let Some(text) = text {
                value[key] = text.as_str().into();
            }
        }
        if let Some(line) = self.line {
            value["lineno"] = line.into();
        }
        value
    }
}

impl Image {
    fn json(&self) -> Value {
        let kind = if self.code_id.is_some() { "elf" } else { "macho" };
        let mut value = json!({ "type": kind, "code_file": self.file });
        for (key, text) in [("debug_id", &self.debug_id), ("code_id", &self.code_id), ("arch", &self.arch)] {
            if let Some(text) = text {
                value[key] = text.as_str().into();
            }
        }
        if let Some(start) = self.start {
            value["image_addr"] = format!("{start:#x}").into();
        }
        if self.size > 0 {
            value["image_size"] = self.size.into();
        }
        value
    }
}

/// A number in hexadecimal, with `0x` or without.
fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

#[cfg(test)]
mod tests;
