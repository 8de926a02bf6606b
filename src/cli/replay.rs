//! `prodsignal replay ID`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;

use super::parts;
use crate::{
    config::Settings,
    guard::Guard,
    page,
    script::{self, Wanted},
    store::{Scope, StoreError},
    tools,
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Id of the replay, or its URL
    replay: String,
    /// Write one self-contained page to look at
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a Playwright test that does it again
    #[arg(long, value_name = "FILE")]
    playwright: Option<PathBuf>,
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    let Some(id) = tools::id_in(&args.replay) else {
        eprintln!("prodsignal: \"{}\" is not a replay id: 32 hex digits, or its URL", args.replay);
        return Ok(ExitCode::from(2));
    };
    let ctx = parts::ctx(settings, &parts::store(settings)?)?;
    let loaded = match parts::block_on(tools::load_replay(&*ctx.store, &Scope::default(), id))? {
        Ok(loaded) => loaded,
        Err(StoreError::NotFound { .. }) => {
            eprintln!("prodsignal: no replay {id} in this store");
            return Ok(ExitCode::from(1));
        }
        Err(error) => return Err(error).context("reading the replay"),
    };
    let mut guard = Guard::new();
    if args.html.is_none() && args.playwright.is_none() {
        for line in tools::replay_lines(&loaded, &mut guard) {
            println!("{line}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let made = script::write(&loaded.replay, Wanted::All, &mut guard);
    if let Some(file) = &args.playwright {
        write(file, made.script.as_str())?;
        println!("{}: confidence {}", file.display(), made.confidence);
        made.gaps.iter().for_each(|gap| println!("not known: {gap}"));
    }
    if let Some(file) = &args.html {
        write(file, &page::write(&loaded.replay, Some(&made.script), &mut guard))?;
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    parts::write_whole(file, text.as_bytes()).with_context(|| format!("writing {}", file.display()))
}
