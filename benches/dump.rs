//! How long a large crash takes: a dump of 50 MB with 200 modules and 60 threads, its symbols ready, read and named; and the memory
//! that this takes at most, where the system tells.
//!
//! `cargo bench --bench dump`.

#![allow(clippy::print_stdout)]

use std::{
    io::Read,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use prodsignal::native::{Found, Object, Symbols, WantedImage, merge, read_debug_file, read_dump, symbolicate};
use serde_json::json;

const MODULES: u64 = 200;
const THREADS: u64 = 60;
const BYTES: usize = 50 << 20;
const RUNS: usize = 10;

/// Where modules and stacks lie.
const MODULE_AT: u64 = 0x5500_0000_0000;
const MODULE_BYTES: u64 = 1 << 20;
const STACK_AT: u64 = 0x7f00_0000_0000;
const STACK_BYTES: usize = 64 << 10;
/// An offset at which the symbols know a function.
const CODE: u64 = 0x26dd;

fn main() {
    let dump = dump();
    let ready = Ready(Arc::new(symbols()));
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let mut event = json!({});
            merge(&mut event, read_dump(&dump, &ready, 1).expect("a dump"), &[]);
            symbolicate(&mut event, &ready, 1);
            let threads = event["threads"]["values"].as_array().map_or(0, Vec::len);
            assert_eq!(threads as u64, THREADS);
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{} MB, {MODULES} modules, {THREADS} threads: median {:?}, longest {:?}",
        dump.len() >> 20,
        times[RUNS / 2],
        times[RUNS - 1]
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("memory with the dump itself: {}", peak.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
    }
}

/// The same symbols for every module.
struct Ready(Arc<Object>);

impl Symbols for Ready {
    fn any_symbols(&self) -> bool {
        true
    }

    fn object(&self, _: u64, _: &WantedImage) -> Option<Arc<Object>> {
        Some(self.0.clone())
    }

    fn source(&self, _: u64, _: &WantedImage, _: &str) -> Option<Arc<str>> {
        None
    }
}

fn symbols() -> Object {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/native/press.debug.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).expect("symbols")).read_to_end(&mut bytes).expect("symbols");
    let files = read_debug_file("press.debug", None, &bytes).expect("symbols");
    Object::new(files.into_iter().next().map_or_else(Found::default, |file| file.found))
}

/// Parts of a dump, one after the other; places are counted from its beginning.
struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.0.len() as u32;
        self.0.extend_from_slice(bytes);
        at
    }

    /// Text as such files have it: length in bytes, then UTF-16.
    fn text(&mut self, text: &str) -> u32 {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let at = self.put(&(units.len() as u32).to_le_bytes());
        self.put(&units);
        self.put(&[0, 0]);
        at
    }

    /// Registers of a thread.
    fn context(&mut self, rip: u64, rsp: u64) -> u32 {
        let mut context = vec![0; 1232];
        context[0x30..0x34].copy_from_slice(&0x0010_000b_u32.to_le_bytes());
        context[0x98..0xa0].copy_from_slice(&rsp.to_le_bytes());
        context[0xa0..0xa8].copy_from_slice(&(rsp + 64).to_le_bytes());
        context[0xf8..0x100].copy_from_slice(&rip.to_le_bytes());
        self.put(&context)
    }
}

/// A thread's stack: addresses of code among other words, as scanning finds them.
fn stack(thread: u64) -> Vec<u8> {
    let words = STACK_BYTES as u64 / 8;
    let word = |at: u64| match at % 7 {
        3 => MODULE_AT + (at + thread) % MODULES * MODULE_BYTES + CODE,
        other => at.wrapping_mul(0x9e37_79b9).wrapping_add(other),
    };
    (0..words).flat_map(|at| word(at).to_le_bytes()).collect()
}

fn dump() -> Vec<u8> {
    let mut out = Writer(vec![0; 32 + 12 * 5]);
    let mut system = vec![0; 56];
    (system[0], system[6]) = (9, 8);
    system[20..24].copy_from_slice(&0x8201_u32.to_le_bytes());
    let mut streams = vec![(7_u32, system)];
    let (mut threads, mut memory) = ((THREADS as u32).to_le_bytes().to_vec(), Vec::new());
    let mut crash = 0;
    for thread in 0..THREADS {
        let start = STACK_AT + thread * (1 << 20);
        let at = out.put(&stack(thread));
        let registers = out.context(MODULE_AT + thread * MODULE_BYTES + CODE, start);
        crash = if thread == 0 { registers } else { crash };
        for number in [thread as u32 + 1, 0, 0, 0, 0, 0] {
            threads.extend(number.to_le_bytes());
        }
        threads.extend(start.to_le_bytes());
        for number in [STACK_BYTES as u32, at, 1232, registers] {
            threads.extend(number.to_le_bytes());
        }
        memory.push((start, STACK_BYTES as u32, at));
    }
    streams.push((3, threads));
    let mut modules = (MODULES as u32).to_le_bytes().to_vec();
    for module in 0..MODULES {
        let name = out.text(&format!("/opt/desk/lib{module}.so"));
        let mut record = b"RSDS".to_vec();
        record.extend((u128::from(module) + 1).to_le_bytes());
        record.extend([0; 5]);
        let at = out.put(&record);
        modules.extend((MODULE_AT + module * MODULE_BYTES).to_le_bytes());
        for number in [MODULE_BYTES as u32, 0, 0, name] {
            modules.extend(number.to_le_bytes());
        }
        modules.extend([0; 52]);
        for number in [record.len() as u32, at, 0, 0, 0, 0, 0, 0] {
            modules.extend(number.to_le_bytes());
        }
    }
    streams.push((4, modules));
    let mut exception: Vec<u8> = [1_u32, 0, 11, 1].into_iter().flat_map(u32::to_le_bytes).collect();
    exception.extend([0; 144]);
    for number in [1232, crash] {
        exception.extend(number.to_le_bytes());
    }
    streams.push((6, exception));
    let rest = BYTES - out.0.len();
    let at = out.put(&vec![0x2e; rest]);
    memory.push((0x7e00_0000_0000, rest as u32, at));
    let mut list = (memory.len() as u32).to_le_bytes().to_vec();
    for (start, size, at) in memory {
        list.extend(start.to_le_bytes());
        list.extend(size.to_le_bytes());
        list.extend(at.to_le_bytes());
    }
    streams.push((5, list));
    head(out, streams)
}

/// Writes streams, directory and header.
fn head(mut out: Writer, streams: Vec<(u32, Vec<u8>)>) -> Vec<u8> {
    let mut directory = Vec::new();
    let count = streams.len() as u32;
    for (kind, bytes) in streams {
        let at = out.put(&bytes);
        for number in [kind, bytes.len() as u32, at] {
            directory.extend(number.to_le_bytes());
        }
    }
    let mut header = b"MDMP".to_vec();
    for number in [0xa793_u32, count, 32, 0, 1_795_132_800, 0, 0] {
        header.extend(number.to_le_bytes());
    }
    out.0[..32].copy_from_slice(&header);
    out.0[32..32 + directory.len()].copy_from_slice(&directory);
    out.0
}
