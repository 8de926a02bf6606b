//! How the command line meets a shell: help, empty variables, pipes that close.

use clap::{
    Command, CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::Cli;

/// The command line as it is parsed here and now.
pub fn command() -> Command {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let command = without_empty_variables(Cli::command());
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    if words.iter().any(|word| names.contains(word)) { with_short_settings(command) } else { command }
}

/// A variable that is set to nothing is not set.
fn without_empty_variables(command: Command) -> Command {
    let empty = |arg: &clap::Arg| {
        arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.to_string_lossy().trim().is_empty())
    };
    let inner =
        |command: Command| command.mut_args(|arg| if empty(&arg) { arg.env(None::<&'static str>) } else { arg });
    inner(command).mut_subcommands(inner)
}

/// Why a value can't be read, where `stdio` is asked for: that starts whatever is wrong, and says it in each call.
pub fn value_for_stdio(error: &clap::Error) -> Option<anyhow::Error> {
    let of_value = matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
    if !of_value || !std::env::args().skip(1).any(|word| word == "stdio") {
        return None;
    }
    let said = error.to_string();
    let said = said.lines().next().unwrap_or("").trim_start_matches("error: ").to_owned();
    let variable = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.split_whitespace().next().map(variable_of),
        _ => None,
    };
    let variable = variable.filter(|name| std::env::var_os(name).is_some());
    Some(match variable {
        Some(name) => anyhow::anyhow!("settings: {said} (it stands in {name})"),
        None => anyhow::anyhow!("settings: {said}"),
    })
}

/// `--max-items` → `PRODSIGNAL_MAX_ITEMS`.
fn variable_of(flag: &str) -> String {
    format!("PRODSIGNAL_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"))
}

/// A command's help shows its own options; the settings that all commands take are one line.
fn with_short_settings(command: Command) -> Command {
    let mut settings = String::from("Settings, before or after the command (`prodsignal --help` explains them):");
    let mut width = 1_000;
    for arg in command.get_arguments().filter(|arg| arg.is_global_set()) {
        let Some(long) = arg.get_long() else { continue };
        if width + long.len() > 100 {
            settings.push_str("\n ");
            width = 0;
        }
        settings.push_str(" --");
        settings.push_str(long);
        width += long.len() + 3;
    }
    command
        .mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
        .mut_subcommands(|sub| sub.after_help(settings.clone()))
}

/// A reader that has seen enough (`| head`) closes the pipe: that ends the program, quietly.
pub fn end_quietly_with_the_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload().downcast_ref::<String>().map(String::as_str).unwrap_or_default();
        if said.starts_with("failed printing to stdout") {
            std::process::exit(0);
        }
        usual(info);
    }));
}
