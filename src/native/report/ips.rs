//! Crash reports of Apple's systems in their JSON form: a line about the report, then the report. Also those that tell
//! of programs ended for their memory.

use serde_json::Value;

use super::{FRAMES, Frame, IMAGES, Image, Report, THREADS, Thread, apple, hex};
use crate::native::{
    debug_key,
    messages::kind_of,
    reason::{Crash, Kind, Said, kind},
};

/// Kinds of report, by their number: crashes, and ends for memory.
const CRASHES: [&str; 3] = ["309", "385", "109"];
const MEMORY: &str = "298";

/// Whether a text begins as such reports do.
pub(super) fn begins(text: &str) -> bool {
    let line = text.lines().next().unwrap_or("");
    line.starts_with('{') && line.contains("\"bug_type\"") && line.contains("\"os_version\"")
}

/// Reads a report.
pub(super) fn read(text: &str) -> Option<Report> {
    let (head, body) = text.split_once('\n')?;
    let head: Value = serde_json::from_str(head).ok()?;
    let body: Value = serde_json::from_str(body).ok()?;
    let bug = head.get("bug_type").and_then(Value::as_str)?;
    let mut report = match bug {
        MEMORY => of_memory(&body),
        _ if CRASHES.contains(&bug) => of_crash(&body),
        _ => return None,
    };
    about(&mut report, &head, &body);
    Some(report)
}

fn text<'a>(json: &'a Value, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer).and_then(Value::as_str)
}

fn about(report: &mut Report, head: &Value, body: &Value) {
    let os = text(head, "/os_version").unwrap_or("");
    let os = os.split(" (").next().unwrap_or(os);
    let (name, version) = os.rsplit_once(' ').unwrap_or((os, ""));
    report.context("os", "name", Some(name));
    report.context("os", "version", Some(version));
    report.context("device", "model", text(body, "/modelCode").or_else(|| text(body, "/product")));
    report.context("device", "arch", text(body, "/cpuType"));
    report.context("process", "name", text(body, "/procName").or_else(|| text(body, "/largestProcess")));
    let version = text(head, "/app_version").or_else(|| text(body, "/bundleInfo/CFBundleShortVersionString"));
    let build = text(head, "/build_version").or_else(|| text(body, "/bundleInfo/CFBundleVersion"));
    let whole = version.map(|version| build.map_or(version.to_owned(), |build| format!("{version} ({build})")));
    let identifier = text(head, "/bundleID").or_else(|| text(body, "/bundleInfo/CFBundleIdentifier"));
    report.release = apple::release(identifier, whole.as_deref());
    report.timestamp = text(body, "/captureTime").or_else(|| text(head, "/timestamp")).and_then(apple::moment);
}

fn of_crash(body: &Value) -> Report {
    let name = text(body, "/exception/signal").or_else(|| text(body, "/exception/type")).unwrap_or("EXC_CRASH");
    let subtype = text(body, "/exception/subtype").unwrap_or("");
    let (code, address) = subtype
        .split_once(" at ")
        .map_or((subtype, None), |(code, at)| (code, hex(at.split_whitespace().next().unwrap_or(""))));
    let code = (!code.is_empty()).then(|| code.to_owned());
    let kind = kind(name, code.as_deref(), address, None);
    let crash = Crash { name: name.to_owned(), code, address, kind, message: None };
    let mut report = Report::new(crash, "applecrashreport", "cocoa");
    report.context("mach_exception", "name", text(body, "/exception/type"));
    // What libraries said before they ended the program: a list of texts by library.
    let said = body.get("asi").and_then(Value::as_object).into_iter().flatten();
    let said = said.filter_map(|(_, texts)| texts.as_array()?.iter().find_map(Value::as_str)).next();
    let ended = text(body, "/termination/indicator").filter(|_| text(body, "/termination/namespace") != Some("SIGNAL"));
    if let Some(said) = said.or(ended) {
        report.crash.say(Some(Said { kind: kind_of(said), text: said.chars().take(1_000).collect() }));
    }
    let images = body.get("usedImages").and_then(Value::as_array);
    report.images = images.into_iter().flatten().take(IMAGES).map(image).collect();
    let starts: Vec<u64> = report.images.iter().map(|image| image.start.unwrap_or(0)).collect();
    let threads = body.get("threads").and_then(Value::as_array);
    let crashed = body.get("faultingThread").and_then(Value::as_u64);
    report.threads = threads
        .into_iter()
        .flatten()
        .take(THREADS)
        .enumerate()
        .map(|(at, json)| thread(at as u64, crashed, json, &starts))
        .collect();
    // What was thrown says where it began; the thread only says that nobody caught it.
    let thrown = body.get("lastExceptionBacktrace").and_then(Value::as_array);
    let main = report.threads.iter_mut().find(|thread| thread.crashed);
    if let (Some(frames), Some(thread)) = (thrown.filter(|frames| !frames.is_empty()), main) {
        thread.frames = frames.iter().take(FRAMES).map(|json| frame(json, &starts)).collect();
    }
    report
}

fn image(json: &Value) -> Image {
    Image {
        file: text(json, "/path").or_else(|| text(json, "/name")).unwrap_or("").to_owned(),
        debug_id: text(json, "/uuid").and_then(debug_key),
        start: json.get("base").and_then(Value::as_u64),
        size: json.get("size").and_then(Value::as_u64).unwrap_or(0),
        arch: text(json, "/arch").map(str::to_owned),
        ..Image::default()
    }
}

fn thread(at: u64, crashed: Option<u64>, json: &Value, starts: &[u64]) -> Thread {
    let frames = json.get("frames").and_then(Value::as_array);
    Thread {
        id: json.get("id").and_then(Value::as_u64).unwrap_or(at),
        name: text(json, "/name").or_else(|| text(json, "/queue")).map(str::to_owned),
        crashed: json.get("triggered").and_then(Value::as_bool).unwrap_or(crashed == Some(at)),
        frames: frames.into_iter().flatten().take(FRAMES).map(|json| frame(json, starts)).collect(),
    }
}

fn frame(json: &Value, starts: &[u64]) -> Frame {
    let number = |key: &str| json.get(key).and_then(Value::as_u64);
    let start = number("imageIndex").and_then(|at| starts.get(usize::try_from(at).ok()?));
    Frame {
        address: start.copied().unwrap_or(0).wrapping_add(number("imageOffset").unwrap_or(0)),
        within: None,
        function: text(json, "/symbol").map(str::to_owned),
        file: text(json, "/sourceFile").map(str::to_owned),
        line: number("sourceLine"),
    }
}

/// A report of memory names the program that the system ended for it, else the largest.
fn of_memory(body: &Value) -> Report {
    let processes = || body.get("processes").and_then(Value::as_array).into_iter().flatten();
    let largest = text(body, "/largestProcess");
    let ended = processes().find(|process| process.get("reason").is_some());
    let named = |name: &str| processes().find(|process| text(process, "/name") == Some(name));
    let process = ended.or_else(|| named(largest?));
    let page = body.pointer("/memoryStatus/pageSize").and_then(Value::as_u64).unwrap_or(0);
    let pages = process.and_then(|process| process.get("rpages")).and_then(Value::as_u64).unwrap_or(0);
    let name = process.and_then(|process| text(process, "/name")).or(largest).unwrap_or("a program");
    let why = process.and_then(|process| text(process, "/reason")).unwrap_or("memory pressure");
    let mib = pages.saturating_mul(page) >> 20;
    let message = format!("jetsam ended {name} at {mib} MiB: {why}").chars().take(500).collect();
    let crash = Crash {
        name: "Jetsam".into(),
        code: Some(why.chars().take(100).collect()),
        address: None,
        kind: Kind::OutOfMemory,
        message: Some(message),
    };
    let mut report = Report::new(crash, "jetsam", "cocoa");
    report.context("process", "name", Some(name));
    report
}
