//! `prodsignal token`: who may call `serve`, and for what.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::parts;
use crate::{
    config::Settings,
    serve::{NewToken, Right, Tokens},
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a token for a caller and print it: it is shown this once
    Make {
        /// Whose it is
        name: String,
        /// What it allows: read, write, ingest, admin
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_value = "read", value_parser = parse_scope)]
        scopes: Vec<Right>,
        /// The one project that it shows
        #[arg(long = "only-project", value_name = "SLUG")]
        only_project: Option<String>,
        /// The one environment that it shows
        #[arg(long = "only-environment", value_name = "NAME")]
        only_environment: Option<String>,
    },
    /// Show which there are, without the tokens themselves
    List,
    /// End a token, by id or name; a running `serve` knows at once
    Revoke {
        /// Its id or name
        token: String,
    },
}

fn parse_scope(text: &str) -> Result<Right, String> {
    Right::parse(text).ok_or_else(|| "one of read, write, ingest, admin".to_owned())
}

pub fn run(settings: &Settings, args: Args) -> anyhow::Result<ExitCode> {
    // The folder is made, and refused where others may write to it, as the store's.
    let _store = parts::store(settings)?;
    let tokens = Tokens::of(&settings.store);
    match args.what {
        What::Make { name, scopes, only_project, only_environment } => {
            let made = format!("{:.0}", parts::now());
            let new = NewToken { name, scopes, project: only_project, environment: only_environment, made };
            let (token, kept) = tokens.make(new).context("writing the tokens")?;
            println!("{token}");
            eprintln!("id {}; it is not shown again. Callers send it as Authorization: Bearer TOKEN", kept.id);
        }
        What::List => {
            for token in tokens.list().context("reading the tokens")? {
                let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.word()).collect();
                let only = [token.project, token.environment].into_iter().flatten().collect::<Vec<_>>().join(", ");
                let only = if only.is_empty() { "all projects".to_owned() } else { format!("only {only}") };
                println!("{}  {}  {}  {only}  {}", token.id, token.made, scopes.join(","), token.name.escape_default());
            }
        }
        What::Revoke { token } => match tokens.revoke(&token).context("writing the tokens")? {
            0 => {
                eprintln!("prodsignal: no token \"{token}\"");
                return Ok(ExitCode::from(1));
            }
            n => println!("revoked {n}"),
        },
    }
    Ok(ExitCode::SUCCESS)
}
