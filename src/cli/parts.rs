//! The parts that several commands need, made of the settings.

use std::{
    io::IsTerminal,
    path::Path,
    sync::{Arc, LazyLock},
};

use anyhow::Context;
use jiff::SignedDuration;

use crate::{
    backend::{
        embedded::{EmbeddedStore, Options},
        sentry::{self, SentryStore},
    },
    config::Settings,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::Limits,
    store::{SignalSink, SignalStore, SignalWrite},
    tools::{Ctx, Defaults},
};

/// The clock. `PRODSIGNAL_CLOCK_OFFSET_S` moves it by whole seconds: tests run the program at any hour and date with it.
#[expect(clippy::disallowed_methods, reason = "the one place where the time comes from")]
pub fn now() -> Timestamp {
    static OFFSET: LazyLock<SignedDuration> = LazyLock::new(|| {
        let set = std::env::var("PRODSIGNAL_CLOCK_OFFSET_S").ok().and_then(|text| text.parse().ok());
        SignedDuration::from_secs(set.unwrap_or(0))
    });
    let now = Timestamp::now();
    now.checked_add(*OFFSET).unwrap_or(now)
}

/// The embedded store of the settings.
pub fn store(settings: &Settings) -> anyhow::Result<Arc<EmbeddedStore>> {
    store_at(&settings.store)
}

/// An embedded store in a folder, made if there is none.
pub fn store_at(path: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    let store = EmbeddedStore::open(path, Options::default());
    Ok(Arc::new(store.with_context(|| format!("opening the store {}", path.display()))?))
}

/// What tools get, over the store that is configured.
pub fn configured(settings: &Settings) -> anyhow::Result<Ctx> {
    match &settings.sentry {
        Some(_) => sentry(settings),
        None => Ok(ctx(settings, &store(settings)?)),
    }
}

/// What tools get, over the embedded store.
pub fn ctx(settings: &Settings, store: &Arc<EmbeddedStore>) -> Ctx {
    over(settings, store.clone(), store.clone())
}

/// What tools get, over the Sentry server of the settings.
fn sentry(settings: &Settings) -> anyhow::Result<Ctx> {
    let store = Arc::new(sentry_store(settings)?);
    Ok(over(settings, store.clone(), store))
}

/// The Sentry server of the settings.
pub fn sentry_store(settings: &Settings) -> anyhow::Result<SentryStore> {
    let asked = settings.sentry.as_ref().context("no Sentry server is configured")?;
    let token = sentry_token().context(
        "no token for Sentry: set PRODSIGNAL_SENTRY_TOKEN (or SENTRY_AUTH_TOKEN) to one with the scopes \
         org:read project:read event:read",
    )?;
    let options = sentry::Options {
        url: asked.url.clone(),
        org: asked.org.clone(),
        ca_file: asked.ca.clone(),
        ..sentry::Options::new(token, now)
    };
    Ok(SentryStore::new(options)?)
}

/// From the environment alone: the first that is set.
fn sentry_token() -> Option<sentry::Token> {
    let names = ["PRODSIGNAL_SENTRY_TOKEN", "SENTRY_AUTH_TOKEN", "SENTRY_ACCESS_TOKEN"];
    names.iter().filter_map(|name| std::env::var(name).ok()).find_map(|text| sentry::Token::new(&text))
}

fn over(settings: &Settings, store: Arc<dyn SignalStore>, writes: Arc<dyn SignalWrite>) -> Ctx {
    Ctx {
        store,
        writes: settings.allow_writes.then_some(writes),
        now,
        defaults: Defaults {
            project: settings.project.clone(),
            environment: settings.environment.clone(),
            locked: settings.scope_locked,
        },
    }
}

/// What takes envelopes apart.
pub fn ingest(settings: &Settings, store: &Arc<EmbeddedStore>) -> Ingest {
    Ingest::new(Scrubber::new(Pseudonyms::new(store.pseudonym_key())), limits(settings)).with_maps(store.clone())
}

/// What a request may cost.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        compressed_bytes: settings.max_compressed_bytes,
        envelope_bytes: settings.max_envelope_bytes,
        event_bytes: settings.max_event_bytes,
        items: settings.max_items,
        depth: settings.max_depth,
        ..Limits::default()
    }
}

/// A runtime for commands that wait for one thing after another.
pub fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

/// A runtime for servers.
pub fn serve_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work))
}

/// Logs go to standard error; `RUST_LOG` chooses, else a server says what it does and the rest only what is wrong.
pub fn log(server: bool) {
    use tracing_subscriber::EnvFilter;
    let default = if server { "warn,prodsignal=info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // Another logger in the process is none of our business.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// Ends when the process is asked to end.
pub async fn asked_to_end() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} },
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}
