//! `prodsignal backup FILE`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

use super::parts;
use crate::config::Settings;

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// File to make
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    if settings.scope_locked {
        eprintln!("prodsignal: a copy holds every project: not with --scope-locked");
        return Ok(ExitCode::from(1));
    }
    let store = parts::store(settings)?;
    parts::block_on(store.backup(&args.to))?.with_context(|| format!("copying to {}", args.to.display()))?;
    println!("{}: to use it, put it into an empty folder as signal.db and name that with --store", args.to.display());
    Ok(ExitCode::SUCCESS)
}
