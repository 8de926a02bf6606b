//! How long a large replay takes to be summarised, and what it needs: a page of 3,000 elements used for an hour.
//!
//! `cargo bench --bench replay` makes a recording of 50 MB (and one of 100 MB) out of 100 KB pieces, stores it as ingestion does,
//! asks for its summary in a process of its own, and prints seconds and the most memory that it held.

#![allow(clippy::print_stdout)]

use std::{fmt::Write as _, io::Write as _, process::Command, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};

/// Elements of the page.
const ELEMENTS: usize = 3_000;
/// When it starts, in milliseconds since 1970.
const START: u64 = 1_795_480_000_000;
/// Id of the replay.
const REPLAY: &str = "0123456789abcdef0123456789abcdef";

fn main() {
    for (megabytes, compressed) in [(50, true), (50, false), (100, true)] {
        let store = tempfile::tempdir().expect("a folder for the store");
        let program = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_prodsignal"));
            command.arg("--store").arg(store.path().join("store"));
            command
        };
        let file = store.path().join("replay.ndjson");
        let bytes = write(&file, megabytes << 20, compressed);
        let taken = program().arg("import").arg(&file).output().expect("an import");
        assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
        let started = Instant::now();
        let arguments = format!("{{\"replay\":\"{REPLAY}\"}}");
        let told = program().args(["call", "get_replay_summary", &arguments]).output().expect("a summary");
        let seconds = started.elapsed().as_secs_f64();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        let peak = peak_mb(program().args(["call", "get_replay_summary", &arguments]));
        println!(
            "{:.1} MB{}: {seconds:.2} s, {peak:.0} MB resident at most",
            bytes as f64 / 1e6,
            if compressed { " (compressed)" } else { "" }
        );
    }
}

/// The most memory of a command, watched while it runs.
fn peak_mb(command: &mut Command) -> f64 {
    let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("a summary");
    let mut peak = 0.0f64;
    while child.try_wait().expect("its state").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kb: f64 = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0.0);
        peak = peak.max(kb / 1024.0);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    peak
}

/// Writes envelopes of one replay until so many bytes of events are in it; returns how many that are.
fn write(file: &std::path::Path, bytes: usize, compressed: bool) -> usize {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("a file"));
    let (mut total, mut number, mut next_id) = (0, 0u64, 100_000u64);
    while total < bytes {
        let mut events = String::from("[");
        if number == 0 {
            snapshot(&mut events);
        }
        let base = START + number * 5_000;
        for step in 0..400u64 {
            let at = base + 1_000 + step * 9;
            change(&mut events, at, &mut next_id);
            if step % 50 == 0 {
                click(&mut events, at + 3, 10 + (number * 7 + step) % ELEMENTS as u64);
            }
        }
        events.pop();
        events.push(']');
        total += events.len();
        let envelope = envelope(number, base, events.as_bytes(), compressed);
        writeln!(out, "{{\"envelope_base64\":\"{}\"}}", STANDARD.encode(envelope)).expect("room on the disk");
        number += 1;
    }
    total
}

fn envelope(number: u64, at: u64, events: &[u8], compressed: bool) -> Vec<u8> {
    let mut recording = format!("{{\"segment_id\":{number}}}\n").into_bytes();
    if compressed {
        let mut zip = flate2::write::ZlibEncoder::new(&mut recording, flate2::Compression::fast());
        zip.write_all(events).expect("memory");
        zip.finish().expect("memory");
    } else {
        recording.extend(events);
    }
    let header = format!(
        "{{\"type\":\"replay_event\",\"replay_id\":\"{REPLAY}\",\"segment_id\":{number},\"replay_type\":\"session\",\
         \"replay_start_timestamp\":{},\"timestamp\":{}}}",
        START / 1_000,
        at / 1_000 + 5
    );
    let mut envelope = format!(
        "{{\"event_id\":\"{REPLAY}\"}}\n{{\"type\":\"replay_event\"}}\n{header}\n{{\"type\":\"replay_recording\",\"length\":{}}}\n",
        recording.len()
    )
    .into_bytes();
    envelope.extend(recording);
    envelope
}

fn snapshot(out: &mut String) {
    let _ = write!(
        out,
        "{{\"type\":0,\"timestamp\":{START},\"data\":{{}}}},{{\"type\":4,\"timestamp\":{START},\"data\":{{\"href\":\"https://shop.test/\",\
         \"width\":1280,\"height\":720}}}},{{\"type\":2,\"timestamp\":{START},\"data\":{{\"node\":{{\"type\":0,\"id\":1,\"childNodes\":[\
         {{\"type\":2,\"id\":2,\"tagName\":\"html\",\"attributes\":{{}},\"childNodes\":[{{\"type\":2,\"id\":3,\"tagName\":\"body\",\
         \"attributes\":{{}},\"childNodes\":["
    );
    for id in 10..10 + ELEMENTS {
        let _ = write!(
            out,
            "{{\"type\":2,\"id\":{id},\"tagName\":\"button\",\"attributes\":{{\"class\":\"cell c{}\",\"data-row\":\"{id}\"}},\"childNodes\":[\
             {{\"type\":3,\"id\":{},\"textContent\":\"Item {id}\"}}]}},",
            id % 40,
            id + 50_000
        );
    }
    out.pop();
    out.push_str("]}]}]}}},");
}

fn change(out: &mut String, at: u64, next_id: &mut u64) {
    let id = *next_id;
    *next_id += 2;
    let gone = id.saturating_sub(200);
    let _ = write!(
        out,
        "{{\"type\":3,\"timestamp\":{at},\"data\":{{\"source\":0,\"texts\":[],\"attributes\":[{{\"id\":10,\"attributes\":{{\"class\":\
         \"cell on\"}}}}],\"removes\":[{{\"parentId\":3,\"id\":{gone}}}],\"adds\":[{{\"parentId\":3,\"nextId\":null,\"node\":{{\"type\":2,\
         \"id\":{id},\"tagName\":\"div\",\"attributes\":{{\"class\":\"row\",\"style\":\"transform: translate(0px, {id}px)\"}},\"childNodes\":[]\
         }}}},{{\"parentId\":{id},\"nextId\":null,\"node\":{{\"type\":3,\"id\":{},\"textContent\":\"Row {id} of the table\"}}}}]}}}},",
        id + 1
    );
}

fn click(out: &mut String, at: u64, id: u64) {
    for (after, ty) in [(0, 1), (1, 0), (2, 2)] {
        let _ = write!(
            out,
            "{{\"type\":3,\"timestamp\":{},\"data\":{{\"source\":2,\"type\":{ty},\"id\":{id},\"x\":10,\"y\":10}}}},",
            at + after
        );
    }
}
