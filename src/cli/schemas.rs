//! `prodsignal schemas [DIR]`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use serde_json::{Value, json};

use crate::tools::{Descriptor, TOOLS};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Folder to write to
    #[arg(default_value = "schemas")]
    dir: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.dir).with_context(|| format!("making {}", args.dir.display()))?;
    for tool in TOOLS {
        let path = args.dir.join(format!("{}.json", tool.name));
        std::fs::write(&path, text(tool)).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{} schemas in {}", TOOLS.len(), args.dir.display());
    Ok(ExitCode::SUCCESS)
}

/// A tool's file: name, description, input and output schema.
pub fn text(tool: &Descriptor) -> String {
    let schema = json!({
        "name": tool.name,
        "description": tool.about,
        "inputSchema": Value::Object((tool.input)()),
        "outputSchema": Value::Object((tool.output)()),
    });
    format!("{schema:#}\n")
}
