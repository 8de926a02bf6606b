//! The commands: the one place where the parts are put together, and the only one that prints.
//! It uses everything.
//! It holds no logic worth a test of its own.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod call;
mod demo;
mod doctor;
mod doctor_sentry;
mod doctor_symbols;
mod flags;
mod import;
mod intake;
mod parts;
mod project;
mod replay;
mod schemas;
mod serve;
mod stdio;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, builder::Resettable};

use flags::Flags;
pub use schemas::text as schema_text;

/// Production signal for coding agents, over the Model Context Protocol
#[derive(Parser)]
#[command(name = "prodsignal", version, max_term_width = 120, after_help = flags::AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a demonstration store with captured signal and ask it what broke
    Demo,
    /// MCP server on standard input and output
    Stdio,
    /// HTTP server: MCP at /mcp and /sse, ingestion from Sentry SDKs
    Serve(serve::Args),
    /// Run one tool and print its answer
    Call(call::Args),
    /// Take envelopes from files into the store
    Import(import::Args),
    /// Create or show a project and print its DSN
    Project(project::Args),
    /// Whether a fix holds: the gate for a pipeline. Exit 0 fixed, 3 not known yet, 4 not
    Verify(verify::Args),
    /// Show a replay: its steps, a page to look at, a Playwright test
    Replay(replay::Args),
    /// Make, list and revoke tokens of callers of `serve`
    Token(token::Args),
    /// Say what is configured and whether it works
    Doctor,
    /// Write every tool's JSON Schemas
    Schemas(schemas::Args),
}

/// Runs the command line. Exit codes: 0 done, 1 failed, 2 usage.
pub fn run() -> ExitCode {
    let Cli { flags, command } = parsed();
    match dispatch(flags, command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("prodsignal: {error:#}");
            ExitCode::from(1)
        }
    }
}

/// The command line. A variable that is set to nothing is as if it were not set: clients fill in empty ones.
fn parsed() -> Cli {
    let is_empty =
        |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.to_string_lossy().trim().is_empty());
    let command = Cli::command().mut_args(|arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(Resettable::Reset),
        false => arg,
    });
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

fn dispatch(flags: Flags, command: Command) -> anyhow::Result<ExitCode> {
    if let Command::Schemas(args) = command {
        return schemas::run(&args);
    }
    parts::log(matches!(command, Command::Serve(_)));
    let settings = flags.resolve().and_then(|settings| parts::redaction(&settings).map(|()| settings));
    if let Command::Stdio = command {
        return stdio::run(settings);
    }
    let settings = settings?;
    match command {
        Command::Demo => demo::run(settings),
        Command::Serve(args) => serve::run(settings, &args),
        Command::Call(args) => call::run(settings, args),
        Command::Import(args) => import::run(settings, args),
        Command::Project(args) => project::run(&settings, &args),
        Command::Verify(args) => verify::run(&settings, &args),
        Command::Replay(args) => replay::run(&settings, &args),
        Command::Token(args) => token::run(&settings, args),
        Command::Doctor => doctor::run(&settings),
        Command::Stdio | Command::Schemas(_) => unreachable!("answered above"),
    }
}
