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
    let store = parts::store(settings)?;
    let project = parts::block_on(store.ensure_project(&args.name))??;
    println!("http://{}@{}/{}", project.public_key, settings.listen, project.id);
    Ok(ExitCode::SUCCESS)
}
