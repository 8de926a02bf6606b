//! `version`, `completions`, `man`: what the program says of itself.

use std::{io, path::PathBuf, process::ExitCode};

use anyhow::Context;

/// Arguments of `completions`.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(clap::Args)]
pub struct Man {
    /// Folder to write a page a command to; without it the program's own page is printed
    dir: Option<PathBuf>,
}

pub fn version() -> ExitCode {
    println!(
        "prodsignal {} ({} {}), store format {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        crate::backend::embedded::FORMAT
    );
    ExitCode::SUCCESS
}

pub fn completions(mut command: clap::Command, args: &Completions) -> ExitCode {
    clap_complete::generate(args.shell, &mut command, "prodsignal", &mut io::stdout());
    ExitCode::SUCCESS
}

pub fn man(command: clap::Command, args: &Man) -> anyhow::Result<ExitCode> {
    let Some(dir) = &args.dir else {
        clap_mangen::Man::new(command).render(&mut io::stdout()).context("printing the page")?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    clap_mangen::generate_to(command, dir).with_context(|| format!("writing into {}", dir.display()))?;
    println!("manual pages in {}", dir.display());
    Ok(ExitCode::SUCCESS)
}
