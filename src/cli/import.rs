//! `prodsignal import FILE…`.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{
    intake::{Content, ExportedFacts, Incoming, Intake, Tally},
    parts,
};
use crate::{
    backend::embedded::TransferRecord,
    config::Settings,
    protocol::{Limits, decode_body},
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Envelopes, one a file, or NDJSON of them; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn run(settings: Settings, args: Args) -> anyhow::Result<ExitCode> {
    let store = parts::store(&settings)?;
    let intake = Intake::new(&settings, &store, settings.project.clone());
    from(&settings, &args, &intake)
}

/// Takes the files in.
pub fn from(settings: &Settings, args: &Args, intake: &Intake) -> anyhow::Result<ExitCode> {
    let bar = progress_bar(&args.files);
    let limits = parts::limits(settings);
    let envelopes = args.files.iter().flat_map(|path| envelopes(path, limits));
    let tally = parts::serve_on(intake.all(envelopes, |bytes| bar.inc(bytes)))??;
    bar.finish_and_clear();
    report(&tally);
    Ok(ExitCode::from(u8::from(!tally.refused.is_empty())))
}

/// Shown on a terminal alone.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    let bytes = files.iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum();
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn report(tally: &Tally) {
    let word = |n: u64, one: &'static str, many: &'static str| if n == 1 { one } else { many };
    let (envelopes, items) = (tally.envelopes, tally.stored);
    println!(
        "{envelopes} {}: {items} {} accepted, {} already there",
        word(envelopes, "envelope", "envelopes"),
        word(items, "item", "items"),
        tally.duplicates
    );
    if tally.records > 0 {
        println!("{} other records of an export", tally.records);
    }
    for ((item, reason), n) in &tally.skipped {
        println!("skipped {n} {item}: {reason}");
    }
    for (origin, why) in tally.refused.iter().take(20) {
        eprintln!("refused {origin}: {why}");
    }
    if tally.refused.len() > 20 {
        eprintln!("refused {} more", tally.refused.len() - 20);
    }
}

type Envelopes = Box<dyn Iterator<Item = Incoming>>;

/// The envelopes of a file, with where each came from.
fn envelopes(path: &Path, limits: Limits) -> Envelopes {
    let name = path.display().to_string();
    match read(path, limits) {
        Ok(Source::One(body)) => Box::new(std::iter::once(Incoming {
            origin: name,
            content: Ok(Content::Envelope { body, of: ExportedFacts::default() }),
            exported: false,
        })),
        Ok(Source::Lines(lines)) => Box::new(lines.enumerate().filter_map(move |(i, line)| {
            let origin = format!("{name}:{}", i + 1);
            match line.context("reading a line") {
                Ok(line) if line.iter().all(u8::is_ascii_whitespace) => None,
                Ok(line) => {
                    let read = of_line(&line);
                    let exported = read.as_ref().is_ok_and(|(_, exported)| *exported);
                    Some(Incoming { origin, content: read.map(|(content, _)| content), exported })
                }
                Err(error) => Some(Incoming { origin, content: Err(error), exported: false }),
            }
        })),
        Err(error) => Box::new(std::iter::once(Incoming { origin: name, content: Err(error), exported: false })),
    }
}

enum Source {
    One(Vec<u8>),
    Lines(Box<dyn Iterator<Item = std::io::Result<Vec<u8>>>>),
}

fn read(path: &Path, limits: Limits) -> anyhow::Result<Source> {
    let source: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(stdin()) } else { Box::new(File::open(path).context("opening it")?) };
    let mut reader = BufReader::with_capacity(1 << 18, source);
    let start = reader.fill_buf().context("reading it")?;
    if is_ndjson(start) {
        return Ok(Source::Lines(Box::new(lines(reader, longest(&limits)))));
    }
    let mut body = Vec::new();
    let most = limits.compressed_bytes as u64;
    reader.take(most + 1).read_to_end(&mut body).context("reading it")?;
    if body.len() as u64 > most {
        bail!("the file is too large: an envelope has {most} bytes at most (--max-compressed-bytes)");
    }
    let body = decode_body(None, &body, &limits).context("unpacking it")?.into_owned();
    if is_ndjson(&body) {
        return Ok(Source::Lines(Box::new(lines(std::io::Cursor::new(body), longest(&limits)))));
    }
    Ok(Source::One(body))
}

/// Longest line that holds an envelope of the largest size: escapes and base64 make it longer.
fn longest(limits: &Limits) -> usize {
    limits.envelope_bytes.saturating_mul(2)
}

/// The lines of a file, one in memory at a time. One that is too long is an error, and the last.
fn lines(mut reader: impl BufRead, most: usize) -> impl Iterator<Item = std::io::Result<Vec<u8>>> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let mut line = Vec::new();
        let read = reader.by_ref().take(most as u64 + 1).read_until(b'\n', &mut line);
        ended = !matches!(read, Ok(n) if n > 0 && line.len() <= most);
        match read {
            Ok(0) => None,
            Ok(_) if line.len() > most => {
                Some(Err(std::io::Error::other(format!("a line is longer than {most} bytes"))))
            }
            Ok(_) => {
                line.pop_if(|last| *last == b'\n');
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        }
    })
}

/// Whether the first line is an envelope told as JSON: a string, or an object with one of two keys, or something else of
/// an export. An envelope's own first line is an object too, with neither of them.
fn is_ndjson(start: &[u8]) -> bool {
    let line = start.trim_ascii_start();
    if line.starts_with(b"\"") {
        return true;
    }
    let Some(rest) = line.strip_prefix(b"{") else { return false };
    let Some(key) = rest.trim_ascii_start().strip_prefix(b"\"") else { return false };
    let end = key.iter().position(|byte| *byte == b'"').unwrap_or(0);
    let key = String::from_utf8_lossy(&key[..end]);
    key == "envelope" || key == "envelope_base64" || TransferRecord::is_name(&key)
}

/// What a line says, and whether `export` wrote it: only then is believed what it says of an envelope.
fn of_line(line: &[u8]) -> anyhow::Result<(Content, bool)> {
    let value: Value = serde_json::from_slice(line).context("the line is not JSON")?;
    if value.as_object().is_some_and(|map| map.len() == 1 && map.keys().all(|key| TransferRecord::is_name(key))) {
        let record = serde_json::from_value(value).context("a line of an export")?;
        return Ok((Content::Record(Box::new(record)), true));
    }
    let exported = value.get("exported").is_some_and(|exported| exported == true);
    let body = match &value {
        Value::String(envelope) => Ok(envelope.as_bytes().to_vec()),
        Value::Object(map) => match (map.get("envelope"), map.get("envelope_base64")) {
            (Some(Value::String(envelope)), _) => Ok(envelope.as_bytes().to_vec()),
            (None, Some(Value::String(encoded))) => BASE64_STANDARD.decode(encoded).context("envelope_base64"),
            _ => bail!("the line has neither \"envelope\" nor \"envelope_base64\" as a string"),
        },
        _ => bail!("the line is neither a JSON string nor an object"),
    };
    let said = |key| value.get(key).and_then(Value::as_str).filter(|_| exported);
    let of = ExportedFacts {
        user: said("user").map(str::to_owned),
        group: said("group").and_then(|hex| u128::from_str_radix(hex, 16).ok()),
        unattended: exported && value.get("unattended").is_some_and(|unattended| unattended == true),
    };
    body.map(|body| (Content::Envelope { body, of }, exported))
}
