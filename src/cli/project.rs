//! `prodsignal project NAME`.

use std::process::ExitCode;

use super::parts;
use crate::{
    config::Settings,
    model::Project,
    store::{Scope, SignalSink, SignalStore},
};

/// Arguments.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Name: lower-case letters, digits and hyphens; created if there is none
    #[arg(required = true)]
    name: Option<String>,
    #[command(subcommand)]
    command: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// All projects with their DSNs
    List,
    /// Give a project a new key: DSNs with the old one stop working at once
    RotateKey {
        /// The project
        name: String,
    },
    /// Delete a project with everything in it
    Delete {
        /// The project
        name: String,
        /// The name again: nothing brings the data back
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

pub fn run(settings: &Settings, args: &Args) -> anyhow::Result<ExitCode> {
    // Under a lock the DSN of another project is nobody's to see or to make.
    let named = match &args.command {
        Some(Action::RotateKey { name } | Action::Delete { name, .. }) => Some(name),
        Some(Action::List) => None,
        None => args.name.as_ref(),
    };
    let lock = parts::lock(settings).project;
    let is_out = |name: &str| lock.as_ref().is_some_and(|project| project.raw() != name);
    if let Some(name) = named.filter(|name| is_out(name)) {
        eprintln!("prodsignal: no project \"{name}\" (--scope-locked)");
        return Ok(ExitCode::from(1));
    }
    let store = parts::store(settings)?;
    match (&args.command, &args.name) {
        (Some(Action::List), _) => {
            let all = parts::block_on(store.projects(&Scope::default()))??;
            for project in all.into_iter().filter(|project| !is_out(&project.slug)) {
                let last = project.last_event.map_or("no event yet".to_owned(), |at| format!("last event {at:.0}"));
                println!("{}  {}  {last}", project.slug, dsn(settings, &project));
            }
        }
        (Some(Action::RotateKey { name }), _) => {
            let project = parts::block_on(store.rotate_key(name))??;
            println!("{}", dsn(settings, &project));
        }
        (Some(Action::Delete { name, confirm }), _) => {
            if confirm.as_ref() != Some(name) {
                eprintln!("prodsignal: this deletes every event of {name}; say so with --confirm {name}");
                return Ok(ExitCode::from(2));
            }
            parts::block_on(store.delete_project(name))??;
            println!("{name} is deleted");
        }
        (None, Some(name)) => {
            let project = parts::block_on(store.ensure_project(name))??;
            println!("{}", dsn(settings, &project));
        }
        (None, None) => return Ok(ExitCode::from(2)),
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// The project that is shown or made, where nothing else is asked for.
    #[cfg(feature = "cluster")]
    pub fn alone(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.command.is_none())
    }
}

/// What an SDK of the project is given, by the address that senders use.
pub fn dsn(settings: &Settings, project: &Project) -> String {
    let base = settings.public_base();
    let (scheme, place) = base.split_once("://").unwrap_or(("http", &base));
    format!("{scheme}://{}@{place}/{}", project.public_key, project.id)
}
