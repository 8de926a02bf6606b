//! `prodsignal call TOOL [JSON]`.

use std::{io::Read, process::ExitCode};

use anyhow::Context;
use serde_json::Value;

use super::{near, parts};
use crate::{config::Settings, tools, view::Sent};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the tool
    tool: String,
    /// Its arguments as JSON; `-` reads them from standard input
    #[arg(default_value = "{}")]
    json: String,
    /// Print the structured content instead of the text
    #[arg(long = "json", id = "as_json")]
    as_json: bool,
}

pub fn run(settings: Settings, args: Args) -> anyhow::Result<ExitCode> {
    let Some(tool) = tools::find(&args.tool) else {
        let names = tools::TOOLS.iter().map(|tool| tool.name);
        eprintln!("prodsignal: no tool \"{}\"{}", args.tool, near::hint(&args.tool, names));
        return Ok(ExitCode::from(2));
    };
    let text = if args.json == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading the arguments")?;
        text
    } else {
        args.json
    };
    let arguments: Value = match serde_json::from_str(&text) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("prodsignal: the arguments are not JSON: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut ctx = parts::configured(&settings)?;
    ctx.defaults.sent = if args.as_json { Sent::Data } else { Sent::Text };
    if !ctx.offers(tool) {
        eprintln!("prodsignal: {} changes issues: allow that with --allow-writes", tool.name);
        return Ok(ExitCode::from(2));
    }
    let answer = parts::block_on((tool.call)(ctx, arguments))?;
    if args.as_json {
        println!("{}", answer.data);
    } else {
        println!("{}", answer.text);
    }
    Ok(ExitCode::from(u8::from(answer.is_error)))
}
