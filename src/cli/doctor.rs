//! `prodsignal doctor`.

use std::process::ExitCode;

use super::parts;
use crate::{
    backend::embedded::EmbeddedStore,
    config::{Settings, default_config},
    model::{Project, Timestamp},
    serve::refused_lately,
    store::Scope,
};

pub fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    match default_config().filter(|path| path.exists()) {
        Some(path) => println!("configuration: {}", path.display()),
        None => println!("configuration: none; flags, environment and defaults"),
    }
    let mut healthy = if settings.sentry.is_some() { super::doctor_sentry::run(settings)? } else { true };
    healthy &= own_store(settings)?;
    if !settings.scope_locked {
        refusals(settings);
    }
    println!("retention: {}", settings.retention.map_or("for ever".to_owned(), |r| format!("{} days", r.days)));
    match std::net::TcpListener::bind(settings.listen) {
        Ok(_) => println!("listen: {} is free; `prodsignal serve` would take it", settings.listen),
        Err(error) => println!(
            "listen: {} is taken ({error}); a running `serve`, or choose another with --listen",
            settings.listen
        ),
    }
    println!(
        "opentelemetry: OTEL_EXPORTER_OTLP_ENDPOINT=http://{} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf; each service.name is a \
         project",
        settings.listen
    );
    println!("{}", if healthy { "all is well" } else { "something is wrong, see above" });
    Ok(ExitCode::from(u8::from(!healthy)))
}

/// Whether the embedded store answers, and what is in it.
fn own_store(settings: &Settings) -> anyhow::Result<bool> {
    let mut healthy = true;
    println!("store: embedded, {}", settings.store.display());
    match parts::store(settings) {
        Ok(store) => {
            let seen = parts::hosted(settings, &store);
            let looked = async {
                (store.health().await, seen.projects(&Scope::default()).await, store.sizes().await.unwrap_or_default())
            };
            match parts::block_on(looked)? {
                (Ok(health), Ok(projects), sizes) => {
                    println!(
                        "  format {}, {} on disk, {} events",
                        health.format,
                        size(health.disk_bytes),
                        health.events
                    );
                    for (kind, bytes) in sizes {
                        println!("  {}: {kind}", size(bytes));
                    }
                    for project in &projects {
                        let last =
                            project.last_event.map_or("no event yet".to_owned(), |t| format!("last event {t:.0}"));
                        println!("  project {}: {last}", project.slug);
                    }
                    super::doctor_newest::run(&store, &projects)?;
                    unknown_types(&store, &projects)?;
                    if projects.is_empty() {
                        println!("  no project yet: `prodsignal project NAME` makes one and prints the DSN for an SDK");
                    }
                }
                (Err(error), ..) | (_, Err(error), _) => {
                    healthy = false;
                    println!("  does not answer: {:#}", anyhow::Error::from(error));
                }
            }
        }
        Err(error) => {
            healthy = false;
            println!("  cannot be opened: {error:#}");
            println!("  to do: check the folder's owner and rights (0700), or name another with --store");
        }
    }
    Ok(healthy)
}

/// What senders sent that the program does not know.
fn unknown_types(store: &EmbeddedStore, projects: &[Project]) -> anyhow::Result<()> {
    for unknown in parts::block_on(store.unknown_types())?? {
        let of = match &unknown.project {
            Some(slug) if projects.iter().all(|project| project.slug != *slug) => continue,
            Some(slug) => format!(" in {slug}"),
            None => String::new(),
        };
        println!("  unknown type {}{of}: {} skipped, all beside it kept", unknown.name, unknown.n);
    }
    Ok(())
}

/// Whom a server over this store refused in the last day, and why.
fn refusals(settings: &Settings) {
    let rows = refused_lately(&settings.store, parts::now());
    for row in rows.iter().take(10) {
        let last = Timestamp::from_second(row.last_s).map_or(String::new(), |at| format!(", last {at:.0}"));
        let who = if row.who == "callers" { "of callers".to_owned() } else { format!("for project {}", row.who) };
        println!("refused: {} requests {who}: {}{last}", row.count, row.why);
    }
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
