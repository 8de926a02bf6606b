//! `prodsignal export`.

use std::{
    io::{BufWriter, IsTerminal, Write, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::parts;
use crate::{
    backend::embedded::{Exported, Line},
    config::Settings,
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// File to make; standard output without one, or with `-`
    #[arg(value_name = "FILE")]
    to: Option<PathBuf>,
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    if settings.scope_locked {
        eprintln!("prodsignal: an export holds every project: not with --scope-locked");
        return Ok(ExitCode::from(1));
    }
    let store = parts::store(settings)?;
    let file = args.to.as_deref().filter(|path| path.as_os_str() != "-");
    let out: Box<dyn Write + Send> = match file {
        Some(path) => Box::new(private(path).with_context(|| format!("making {}", path.display()))?),
        None => Box::new(stdout()),
    };
    let written = Arc::new(Mutex::new((BufWriter::with_capacity(1 << 18, out), Ok(()), 0_u64)));
    let bar = progress_bar(parts::block_on(store.exportable())??);
    let (shared, shown) = (written.clone(), bar.clone());
    let take = Box::new(move |exported: Exported| {
        let mut written = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, is_envelope) = match &exported.line {
            Line::Envelope { envelope, user, group, unattended } => {
                (Ok(of_envelope(envelope, user, group, *unattended)), true)
            }
            Line::Record(record) => (serde_json::to_string(record).map_err(std::io::Error::from), false),
        };
        shown.inc(exported.done);
        written.2 += u64::from(is_envelope);
        written.1 = line.and_then(|line| writeln!(written.0, "{line}"));
        written.1.is_ok()
    });
    parts::block_on(store.export(take))??;
    bar.finish_and_clear();
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut written.1, Ok(())).and_then(|()| written.0.flush()).context("writing the export")?;
    eprintln!(
        "{} envelopes, and what no envelope carries; `prodsignal import FILE` takes all of it into another store",
        written.2
    );
    Ok(ExitCode::SUCCESS)
}

/// A new file for its owner alone.
fn private(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// `exported` says that pseudonyms in it are its own: `import` keeps them.
fn of_envelope(envelope: &[u8], user: &Option<String>, group: &Option<String>, unattended: bool) -> String {
    let mut line = match std::str::from_utf8(envelope) {
        Ok(text) => json!({ "envelope": text, "exported": true }),
        Err(_) => json!({ "envelope_base64": BASE64_STANDARD.encode(envelope), "exported": true }),
    };
    if unattended {
        line["unattended"] = true.into();
    }
    for (key, said) in [("user", user), ("group", group)] {
        if let Some(said) = said {
            line[key] = said.as_str().into();
        }
    }
    line.to_string()
}

/// Shown on a terminal alone.
fn progress_bar(all: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}");
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(Some(all), target).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
