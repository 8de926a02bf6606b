//! The parts that several commands need, made of the settings.

use std::{io::IsTerminal, path::Path, sync::Arc};

use anyhow::Context;

use crate::{
    backend::embedded::{EmbeddedStore, Options},
    config::Settings,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    model::Timestamp,
    protocol::Limits,
    store::SignalSink,
    tools::{Ctx, Defaults},
};

/// The clock.
#[expect(clippy::disallowed_methods, reason = "the one place where the time comes from")]
pub fn now() -> Timestamp {
    Timestamp::now()
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

/// What tools get.
pub fn ctx(settings: &Settings, store: &Arc<EmbeddedStore>) -> Ctx {
    Ctx {
        store: store.clone(),
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
