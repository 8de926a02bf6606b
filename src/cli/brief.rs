//! `prodsignal brief ISSUE`.

use std::process::ExitCode;

use serde_json::json;

use super::parts;
use crate::{config::Settings, tools};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    /// The issue: id, short id or URL
    issue: String,
    /// Budget in tokens, at most 1500
    #[arg(long, value_name = "N", default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(200..=1_500))]
    max_tokens: u64,
    /// Print the structured content
    #[arg(long = "json", id = "as_json")]
    as_json: bool,
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    let ctx = parts::configured(settings)?;
    let asked = json!({ "issue": args.issue, "max_tokens": args.max_tokens });
    let answer = parts::block_on((tools::BRIEF.call)(ctx, asked))?;
    if answer.is_error {
        eprintln!("{}", answer.text);
        return Ok(ExitCode::from(1));
    }
    if args.as_json {
        println!("{}", answer.data);
    } else {
        println!("{}", answer.text);
    }
    Ok(ExitCode::SUCCESS)
}
