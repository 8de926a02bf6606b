//! Tombstones in their binary form, as Android hands them to the program that crashed and SDKs attach them
//! (`tombstone.pb`). Numbers of fields: `debuggerd/proto/tombstone.proto` of Android.

use std::collections::BTreeMap;

use prost::Message;

use super::{
    FRAMES, Frame, Report, THREADS, Thread,
    tombstone::{image, moment},
};
use crate::native::{
    messages::kind_of,
    reason::{Crash, Kind, Said, kind},
};

/// Names of processors, by number.
const PROCESSORS: [&str; 5] = ["arm", "arm64", "x86", "x86_64", "riscv64"];
/// First bytes of fields: the processor's number, the length of the build's name.
const PROCESSOR: u8 = 0x08;
const BUILD: u8 = 0x12;
/// Longest name of a build that is recognized, in bytes.
const LONGEST: u8 = 127;

// Texts are bytes here: one that is no UTF-8 must not cost the rest.
#[derive(Clone, PartialEq, Message)]
struct Tombstone {
    #[prost(int32, tag = "1")]
    processor: i32,
    #[prost(bytes = "vec", tag = "2")]
    build: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    timestamp: Vec<u8>,
    #[prost(uint32, tag = "6")]
    thread: u32,
    #[prost(bytes = "vec", repeated, tag = "9")]
    command_line: Vec<Vec<u8>>,
    #[prost(message, optional, tag = "10")]
    signal: Option<Signal>,
    #[prost(bytes = "vec", tag = "14")]
    abort_message: Vec<u8>,
    #[prost(message, repeated, tag = "15")]
    causes: Vec<Cause>,
    #[prost(btree_map = "uint32, message", tag = "16")]
    threads: BTreeMap<u32, ThreadOf>,
    #[prost(uint32, tag = "20")]
    uptime_s: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Signal {
    #[prost(bytes = "vec", tag = "2")]
    name: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    code: Vec<u8>,
    #[prost(bool, tag = "8")]
    has_address: bool,
    #[prost(uint64, tag = "9")]
    address: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Cause {
    #[prost(bytes = "vec", tag = "1")]
    text: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ThreadOf {
    #[prost(bytes = "vec", tag = "2")]
    name: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    frames: Vec<FrameOf>,
}

#[derive(Clone, PartialEq, Message)]
struct FrameOf {
    #[prost(uint64, tag = "1")]
    address: u64,
    #[prost(bytes = "vec", tag = "4")]
    function: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    file: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    build_id: Vec<u8>,
}

/// Whether bytes begin as such tombstones do: maybe the processor, then the build's name, `acme/stove/stove:14/…`.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let rest = match bytes {
        [PROCESSOR, number, rest @ ..] if usize::from(*number) < PROCESSORS.len() => rest,
        _ => bytes,
    };
    let [BUILD, length @ 1..=LONGEST, rest @ ..] = rest else { return false };
    let name = rest.get(..usize::from(*length)).unwrap_or_default();
    name.contains(&b'/') && name.contains(&b':') && name.iter().all(u8::is_ascii_graphic)
}

/// Reads a tombstone; `None`: it is cut, or none.
pub(super) fn read(bytes: &[u8]) -> Option<Report> {
    let sent = Tombstone::decode(bytes).ok()?;
    let mut report = Report::new(crash(&sent), "tombstone", "native");
    report.at_calls = true;
    report.timestamp = moment(&text(&sent.timestamp));
    report.context("os", "name", Some("Android"));
    report.context("os", "build", Some(&text(&sent.build)));
    let processor = usize::try_from(sent.processor).ok().and_then(|number| PROCESSORS.get(number));
    report.context("device", "arch", processor.copied());
    let line: Vec<String> = sent.command_line.iter().map(|word| text(word)).collect();
    report.context("process", "name", line.first().map(String::as_str));
    report.context("process", "command_line", Some(&line.join(" ")));
    if sent.uptime_s > 0 {
        report.context("process", "uptime", Some(&format!("{}s", sent.uptime_s)));
    }
    // The one that crashed first: limits must not cut it off.
    let mut threads: Vec<(u32, ThreadOf)> = sent.threads.into_iter().collect();
    threads.sort_by_key(|(id, _)| *id != sent.thread);
    for (id, thread) in threads.into_iter().take(THREADS) {
        let name = Some(text(&thread.name)).filter(|name| !name.is_empty());
        let frames = thread.frames.iter().take(FRAMES).map(|frame| of(frame, &mut report)).collect();
        report.threads.push(Thread { id: id.into(), name, crashed: id == sent.thread, frames });
    }
    Some(report)
}

fn crash(sent: &Tombstone) -> Crash {
    let signal = sent.signal.clone().unwrap_or_default();
    let full = |text: String| (!text.is_empty()).then_some(text);
    let name = full(text(&signal.name)).unwrap_or_else(|| "SIGNAL".to_owned());
    let (code, address) = (full(text(&signal.code)), signal.has_address.then_some(signal.address));
    let kind = kind(&name, code.as_deref(), address, None);
    let mut crash = Crash { name, code, address, kind, message: None };
    let cause = sent.causes.iter().map(|cause| text(&cause.text)).find(|text| !text.is_empty());
    if cause.as_ref().is_some_and(|cause| cause.contains("stack overflow")) {
        crash.kind = Kind::StackOverflow;
    }
    crash.message = cause;
    if let Some(said) = full(text(&sent.abort_message)) {
        crash.say(Some(Said { kind: kind_of(&said), text: said }));
    }
    crash
}

fn of(frame: &FrameOf, report: &mut Report) -> Frame {
    let build_id = Some(text(&frame.build_id)).filter(|id| !id.is_empty());
    let within = image(report, &text(&frame.file), build_id.as_deref());
    let function = Some(text(&frame.function)).filter(|name| !name.is_empty());
    Frame { address: frame.address, within, function, ..Frame::default() }
}

/// Text of at most 1,000 characters.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(4_000)]).chars().take(1_000).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::native::{is_report, read_report};

    pub(super) fn sent() -> Tombstone {
        let frame = |address, function: &str, file: &str, build_id: &str| FrameOf {
            address,
            function: function.into(),
            file: file.into(),
            build_id: build_id.into(),
        };
        let own = "/data/app/~~ab==/com.acme.kettle-cd==/base.apk!libkettle.so";
        let crashed = ThreadOf {
            name: "Boiler".into(),
            frames: vec![
                frame(0x1234, "boil(int)", own, "f4bae09e6e4bd7507a8efc7ed3144b73aabbccdd"),
                frame(0x5000, "__pthread_start(void*)", "/apex/com.android.runtime/lib64/bionic/libc.so", "1122"),
            ],
        };
        Tombstone {
            processor: 1,
            build: "acme/stove/stove:14/AB1A.240101.001/1:user/release-keys".into(),
            timestamp: "2026-11-20 10:11:12.123456789+0100".into(),
            thread: 2331,
            command_line: vec!["com.acme.kettle".into()],
            signal: Some(Signal {
                name: "SIGSEGV".into(),
                code: "SEGV_MAPERR".into(),
                has_address: true,
                address: 0x10,
            }),
            causes: vec![Cause { text: "null pointer dereference".into() }],
            threads: [(2331, crashed), (7, ThreadOf { name: b"\xff pool".to_vec(), frames: Vec::new() })].into(),
            uptime_s: 12,
            ..Tombstone::default()
        }
    }

    #[test]
    fn a_binary_tombstone_tells_what_the_text_tells() {
        let bytes = sent().encode_to_vec();
        assert!(is_report(&bytes));
        let event = read_report(&bytes).unwrap();
        let at = |pointer: &str| event.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/exception/values/0/type"), "SIGSEGV");
        assert_eq!(at("/contexts/crash/kind"), "null_pointer");
        assert_eq!(at("/exception/values/0/stacktrace/frames/1/function"), "boil(int)");
        assert_eq!(at("/exception/values/0/stacktrace/frames/1/addr_mode"), "rel:0");
        assert_eq!(at("/debug_meta/images/0/debug_id"), "9ee0baf4-4b6e-50d7-7a8e-fc7ed3144b73");
        assert_eq!(at("/timestamp"), "2026-11-20T10:11:12.123456789+01:00");
        assert_eq!(
            (at("/threads/values/0/crashed"), at("/threads/values/1/name")),
            (json!(true), json!("\u{fffd} pool"))
        );
        assert_eq!((at("/contexts/device/arch"), at("/contexts/process/uptime")), (json!("arm64"), json!("12s")));
    }

    #[test]
    fn an_abort_says_its_message_and_cut_bytes_are_refused_or_read() {
        let mut told = sent();
        told.signal = Some(Signal { name: "SIGABRT".into(), code: "SI_QUEUE".into(), ..Signal::default() });
        (told.causes, told.abort_message) = (Vec::new(), "Check failed: level < 4".into());
        let bytes = told.encode_to_vec();
        let event = read_report(&bytes).unwrap();
        assert_eq!(event["exception"]["values"][0]["value"], "Assertion failed: Check failed: level < 4");
        for end in 0..bytes.len() {
            let _ = read_report(&bytes[..end]);
        }
        assert!(!is_report(b"\x08\x01\x12\x05words") && !is_report(b"\x12\xff") && !is_report(b""));
    }
}
