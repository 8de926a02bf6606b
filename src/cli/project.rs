//! `prodsignal project NAME`.

use std::process::ExitCode;

use super::parts;
use crate::{config::Settings, store::SignalSink};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Name: lower-case letters, digits and hyphens
    name: String,
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    // Under a lock the DSN of another project is nobody's to see or to make.
    if parts::lock(settings).project.is_some_and(|project| project.raw() != args.name) {
        eprintln!("prodsignal: no project \"{}\" (--scope-locked)", args.name);
        return Ok(ExitCode::from(1));
    }
    let store = parts::store(settings)?;
    let project = parts::block_on(store.ensure_project(&args.name))??;
    println!("http://{}@{}/{}", project.public_key, settings.listen, project.id);
    Ok(ExitCode::SUCCESS)
}
