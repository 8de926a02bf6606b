//! `prodsignal skill [DIR]`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

use crate::skill;

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Folder to write to
    #[arg(default_value = "prodsignal-skill")]
    dir: PathBuf,
    /// Write a plugin of Claude Code and Cursor, with the skill in skills/prodsignal
    #[arg(long)]
    plugin: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let inner = if args.plugin { args.dir.join("skills/prodsignal") } else { args.dir.clone() };
    let files = skill::files().into_iter().map(|file| (inner.join(file.path), file.text));
    let manifests = skill::manifests().into_iter().filter(|_| args.plugin);
    for (path, text) in files.chain(manifests.map(|file| (args.dir.join(file.path), file.text))) {
        let folder = path.parent().context("a file stands in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
