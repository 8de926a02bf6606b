//! The parts that several commands need, made of the settings.

use std::{
    io::IsTerminal,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use anyhow::Context;
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{
        embedded::{EmbeddedStore, Options},
        sentry::{self, SentryStore},
    },
    config::{Retention, Settings},
    feed::{self, Choice, Looker},
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    mcp,
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

/// Where the feed of the settings' store is kept: in the embedded store itself, or, over Sentry, in one of its own.
pub fn feed(settings: &Settings) -> anyhow::Result<Arc<EmbeddedStore>> {
    let Some(sentry) = &settings.sentry else { return store(settings) };
    let place = format!("{:?} {:?}", sentry.url, sentry.org);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(place.as_bytes());
    let name = digest[..6].iter().fold("feed-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    store_at(&settings.store.with_file_name(name))
}

/// The feed for subscribers: looked after from the first one on, until `end`.
pub fn news(settings: &Settings, ctx: &Ctx, end: &CancellationToken) -> mcp::News {
    let (settings, ctx, end) = (settings.clone(), ctx.clone(), end.clone());
    let started: OnceLock<watch::Sender<u64>> = OnceLock::new();
    Arc::new(move || {
        let sender = started.get_or_init(|| {
            let (sender, _) = watch::channel(0);
            match self::feed(&settings) {
                Ok(feed) => {
                    let looker = Looker::new(ctx.clone(), feed, Choice::default());
                    tokio::spawn(feed::follow(looker, sender.clone(), end.clone()));
                }
                Err(error) => tracing::error!("the feed can't be kept: {error:#}"),
            }
            sender
        });
        sender.subscribe()
    })
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

/// Drops what is older than the retention, at the start and every hour.
pub async fn keep_to(store: Arc<EmbeddedStore>, retention: Retention, end: CancellationToken) {
    let mut hours = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = hours.tick() => {}
        }
        let span = jiff::SignedDuration::from_hours(i64::from(retention.days) * 24);
        let Ok(before) = now().checked_sub(span) else { return };
        match store.retain(before).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "dropped events past the retention"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "retention failed"),
        }
    }
}
