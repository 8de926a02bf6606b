//! The bodies of fuzz targets over changed files for some time: how many inputs, the slowest of them, and whether one was
//! too much. An input that panics is left as `mutation-TARGET` in the folder for temporary files.
//!
//! `cargo bench --bench mutations -- SECONDS TARGET FOLDER`; without words, a minute each of the targets of crashes.

#![allow(clippy::print_stdout)]

#[path = "../fuzz/bodies.rs"]
#[allow(dead_code)]
mod bodies;
#[path = "../fuzz/changes.rs"]
mod changes;

use std::{
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use changes::{Random, changed};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match words.as_slice() {
        [seconds, target, folder] => {
            let seconds = seconds.parse().expect("seconds");
            run(target, seconds, &[PathBuf::from(folder)]);
        }
        _ => {
            let native = root.join("tests/data/native");
            for target in ["crash", "debug_file"] {
                run(target, 60, &[root.join("fuzz/seeds").join(target), native.clone()]);
            }
        }
    }
}

/// Files of folders, unpacked where their names say that they are packed.
fn seeds(folders: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("a file");
        let mut plain = Vec::new();
        match path.extension().is_some_and(|end| end == "gz") {
            true => flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain).map(|_| plain).expect("gzip"),
            false => bytes,
        }
    };
    paths.iter().map(read).collect()
}

fn run(target: &str, seconds: u64, folders: &[PathBuf]) {
    let (_, body) = bodies::BODIES.into_iter().find(|(name, _)| *name == target).expect("a target");
    let seeds = seeds(folders);
    let (begun, mut random) = (Instant::now(), Random(1));
    let (mut inputs, mut faults, mut slowest) = (0_u64, 0, (Duration::ZERO, 0));
    while begun.elapsed() < Duration::from_secs(seconds) {
        let input = changed(&seeds[inputs as usize % seeds.len()], &mut random);
        let start = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| body(&input))).is_err() {
            faults += 1;
            std::fs::write(std::env::temp_dir().join(format!("mutation-{target}")), &input).expect("room");
        }
        slowest = slowest.max((start.elapsed(), input.len()));
        inputs += 1;
    }
    println!(
        "{target}: {inputs} inputs of {} files in {seconds} s, {faults} faults; the slowest took {:?} for {} bytes",
        seeds.len(),
        slowest.0,
        slowest.1
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("  memory at most: {}", peak.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
    }
}
