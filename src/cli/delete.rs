//! `prodsignal delete`.

use std::process::ExitCode;

use super::parts;
use crate::{
    backend::embedded::{Erased, ErasedScope},
    config::Settings,
    store::StoreError,
};

/// Arguments.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// What a person sent, in every project: events, replays, feedback, attachments, sessions, spans, logs
    User {
        /// The id, login name, e-mail or address that SDKs sent, or a pseudonym such as user-7f3a91c04b2d
        who: String,
        /// Delete it: nothing brings the data back
        #[arg(long)]
        confirm: bool,
    },
    /// Everything of an environment (--environment NAME), of a release, or of both at once: a test's events
    Events {
        /// The release, by its full name
        #[arg(long, value_name = "RELEASE")]
        release: Option<String>,
        /// Delete it: nothing brings the data back
        #[arg(long)]
        confirm: bool,
    },
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    if settings.scope_locked {
        eprintln!("prodsignal: nothing is deleted with --scope-locked");
        return Ok(ExitCode::from(1));
    }
    let (scope, confirmed) = match &args.what {
        What::User { confirm, .. } => (None, *confirm),
        What::Events { release, confirm } => {
            let (project, environment) = (settings.project.clone(), settings.environment.clone());
            if release.is_none() && environment.is_none() {
                eprintln!(
                    "prodsignal: name an environment, a release or both: --environment test, --release shop@0.0.0-ci"
                );
                return Ok(ExitCode::from(2));
            }
            (Some(ErasedScope { project, environment, release: release.clone() }), *confirm)
        }
    };
    if !confirmed {
        eprintln!("prodsignal: this deletes {}; say so with --confirm", said(&args.what, scope.as_ref()));
        return Ok(ExitCode::from(2));
    }
    let store = parts::store(settings)?;
    let erased = match (&args.what, scope) {
        (What::User { who, .. }, _) => parts::block_on(store.erase_user(&who.as_str().into()))??,
        (What::Events { .. }, scope) => {
            let scope = scope.unwrap_or_default();
            match parts::block_on(store.erase_scope(scope.clone()))? {
                Err(StoreError::NotFound { what, .. }) => {
                    let named = match what {
                        "project" => scope.project,
                        "environment" => scope.environment,
                        _ => scope.release,
                    };
                    eprintln!("prodsignal: no {what} \"{}\" here", named.unwrap_or_default());
                    return Ok(ExitCode::from(1));
                }
                other => other?,
            }
        }
    };
    if erased == Erased::default() {
        eprintln!("prodsignal: nothing of that is in the store");
        return Ok(ExitCode::from(1));
    }
    let Erased { events, items, sessions } = erased;
    let n = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    println!("deleted: {}, {}, {}", n(events, "event"), n(sessions, "session"), n(items, "other item"));
    Ok(ExitCode::SUCCESS)
}

fn said(what: &What, scope: Option<&ErasedScope>) -> String {
    let Some(scope) = scope else {
        return match what {
            What::User { who, .. } => format!("everything that {who} sent, in every project"),
            What::Events { .. } => "nothing".to_owned(),
        };
    };
    let mut said = "everything".to_owned();
    for (name, value) in [("release", &scope.release), ("environment", &scope.environment), ("project", &scope.project)]
    {
        if let Some(value) = value {
            said += &format!(" of {name} {value}");
        }
    }
    said
}
