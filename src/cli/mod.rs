//! The commands: the one place where the parts are put together, and the only one that prints.
//! It uses everything.
//! It holds no logic worth a test of its own.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod about;
mod backup;
mod brief;
mod call;
mod channel;
#[cfg(feature = "cluster")]
mod cluster;
mod delete;
mod demo;
mod doctor;
mod doctor_newest;
mod doctor_sentry;
mod export;
mod flags;
mod import;
mod install;
mod intake;
mod keep;
mod near;
mod parts;
mod project;
mod replay;
mod schemas;
mod serve;
mod shell;
mod skill;
mod stdio;
mod symbol_server;
mod token;
mod verify;
mod verify_watch;
mod watch;

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};

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
    Stdio(stdio::Args),
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
    /// Hand an issue to an agent: everything it needs to mend it, in at most 1,500 tokens
    Brief(brief::Args),
    /// Tell what newly breaks, regresses, escalates, is verified or relapses: on the terminal, to a command, to a webhook
    Watch(watch::Args),
    /// Show a replay: its steps, a page to look at, a Playwright test
    Replay(replay::Args),
    /// Register this server in an agent's own configuration file
    Install(install::Args),
    /// Write a skill for agents that use the command line instead of MCP
    Skill(skill::Args),
    /// Write the store as NDJSON envelopes, which `import` takes again
    Export(export::Args),
    /// Copy a live store into one file
    Backup(backup::Args),
    /// Delete what one person sent, or a test's events
    Delete(delete::Args),
    /// Make, list and revoke tokens of callers of `serve`
    Token(token::Args),
    /// Say what is configured and whether it works
    Doctor,
    /// Write every tool's JSON Schemas
    Schemas(schemas::Args),
    /// Print the completions of a shell
    Completions(about::Completions),
    /// Print or write manual pages
    Man(about::Man),
    /// Say which version this is
    Version,
}

/// Runs the command line. Exit codes: 0 done, 1 failed, 2 usage.
pub fn run() -> ExitCode {
    shell::end_quietly_with_the_pipe();
    let parsed = shell::command().try_get_matches();
    let done = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(Cli { flags, command }) => dispatch(flags, command),
        Err(error) => match shell::value_for_stdio(&error) {
            Some(why) => {
                parts::log(false);
                stdio::run(Err(why), &stdio::Args::default())
            }
            None => error.exit(),
        },
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("prodsignal: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn dispatch(flags: Flags, command: Command) -> anyhow::Result<ExitCode> {
    let command = match command {
        Command::Schemas(args) => return schemas::run(&args),
        Command::Completions(args) => return Ok(about::completions(shell::command(), &args)),
        Command::Man(args) => return about::man(shell::command(), &args),
        Command::Version => return Ok(about::version()),
        Command::Skill(args) => return skill::run(&args),
        Command::Install(args) => return install::run(flags.words(), &args),
        other => other,
    };
    parts::log(matches!(command, Command::Serve(_)));
    let settings = flags.resolve().and_then(|settings| parts::redaction(&settings).map(|()| settings));
    if let Command::Stdio(args) = &command {
        return stdio::run(settings, args);
    }
    let settings = settings?;
    #[cfg(feature = "cluster")]
    if settings.cluster.is_some() {
        return cluster::run(settings, command);
    }
    match command {
        Command::Demo => demo::run(settings),
        Command::Serve(args) => serve::run(settings, &args),
        Command::Call(args) => call::run(settings, args),
        Command::Import(args) => import::run(settings, args),
        Command::Project(args) => project::run(&settings, &args),
        Command::Verify(args) if args.watch.is_some() => verify_watch::run(&settings, &args),
        Command::Verify(args) => verify::run(&settings, &args),
        Command::Brief(args) => brief::run(&settings, &args),
        Command::Watch(args) => watch::run(&settings, args),
        Command::Replay(args) => replay::run(&settings, &args),
        Command::Export(args) => export::run(&settings, &args),
        Command::Backup(args) => backup::run(&settings, &args),
        Command::Delete(args) => delete::run(&settings, &args),
        Command::Token(args) => token::run(&settings, args),
        Command::Doctor => doctor::run(&settings),
        Command::Stdio(_)
        | Command::Schemas(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Version
        | Command::Skill(_)
        | Command::Install(_) => unreachable!("answered above"),
    }
}
