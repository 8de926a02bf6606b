//! The parts that several commands need, made of the settings.

use std::{
    io::IsTerminal,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
};

use anyhow::Context;
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{
        embedded::{Caps, EmbeddedStore, Options},
        sentry::{self, SentryStore},
    },
    checkout::Checkouts,
    config::{Redact, Settings},
    feed::{self, Choice, Looker},
    guard::{Guard, Limit, Pseudonyms, Scrubber, set_policy},
    ingest::Ingest,
    mcp::{self, Server},
    model::{Kind, Timestamp, Untrusted},
    protocol::Limits,
    say,
    store::{HostedStore, Lock, Locked, SignalSink, SignalStore, SignalWrite},
    tools::{Ctx, Defaults, TOOLS, ToolError},
    view::Sent,
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
    open(&settings.store, Options { caps: caps(settings), ..Options::default() })
}

/// Most different names that senders may make.
fn caps(settings: &Settings) -> Caps {
    let (releases, environments, tag_keys) = settings.most_names;
    Caps { releases, issues: settings.most_issues, environments, tag_keys, ..Caps::default() }
}

/// An embedded store in a folder, made if there is none.
pub fn store_at(path: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    open(path, Options::default())
}

fn open(path: &Path, options: Options) -> anyhow::Result<Arc<EmbeddedStore>> {
    let store = EmbeddedStore::open(path, options);
    Ok(Arc::new(store.with_context(|| format!("opening the store {}", path.display()))?))
}

/// What tools get, over the store that is configured.
pub fn configured(settings: &Settings) -> anyhow::Result<Ctx> {
    #[cfg(feature = "cluster")]
    if let Some(cluster) = &settings.cluster {
        let store = super::cluster::open(settings, cluster)?;
        return over(settings, store.clone(), store);
    }
    match &settings.sentry {
        Some(_) => sentry(settings),
        None => ctx(settings, &store(settings)?),
    }
}

/// Where no setting says which checkouts there are, the one that the process was started in, if it was started in one.
pub fn code_here(settings: &mut Settings) {
    if settings.code.is_none()
        && let Ok(here) = std::env::current_dir()
        && Checkouts::open(std::slice::from_ref(&here)).is_ok()
    {
        settings.code = Some(vec![here]);
    }
}

/// Where the feed of the settings' store is kept: in the embedded store itself, or, over Sentry, in one of its own.
pub fn feed(settings: &Settings) -> anyhow::Result<Arc<EmbeddedStore>> {
    let Some(place) = settings.elsewhere() else { return store(settings) };
    let digest = <sha2::Sha256 as sha2::Digest>::digest(place.as_bytes());
    let name = digest[..6].iter().fold("feed-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    store_at(&settings.store.with_file_name(name))
}

/// What tools get, and the feed: over the embedded store one opening of it serves both.
pub fn with_feed(settings: &Settings) -> anyhow::Result<(Ctx, Arc<EmbeddedStore>)> {
    if settings.elsewhere().is_some() {
        return Ok((configured(settings)?, feed(settings)?));
    }
    let store = store(settings)?;
    Ok((ctx(settings, &store)?, store))
}

/// The feed for subscribers: looked after from the first one on, until `end`.
pub fn news(settings: &Settings, end: &CancellationToken) -> mcp::News {
    let (settings, end) = (settings.clone(), end.clone());
    let started: OnceLock<watch::Sender<u64>> = OnceLock::new();
    Arc::new(move || {
        let sender = started.get_or_init(|| {
            let (sender, _) = watch::channel(0);
            match with_feed(&settings) {
                Ok((ctx, feed)) => {
                    let looker = Looker::new(ctx, feed, Choice::default());
                    tokio::spawn(feed::follow(looker, sender.clone(), end.clone()));
                }
                Err(error) => tracing::error!("the feed can't be kept: {error:#}"),
            }
            sender
        });
        sender.subscribe()
    })
}

/// A server whose calls try to open what is configured, and say why they can't.
pub fn opening(settings: Settings) -> Server {
    let (writes, answers) = (settings.allow_writes, settings.answers);
    let open = Arc::new(move || configured(&settings).map_err(|error| not_open(&error)));
    Server::opening(TOOLS, open, writes, answers)
}

/// What a call is answered while nothing can be opened: the cause, and what mends it.
pub fn not_open(error: &anyhow::Error) -> ToolError {
    let said = Guard::new().line(&format!("{error:#}").into(), Limit::Value);
    if error.downcast_ref::<NoToken>().is_some() {
        return ToolError { kind: Kind::Unauthorized, ..ToolError::internal(said) };
    }
    ToolError::internal(say!(
        said,
        ". Calls work as soon as this is mended: `prodsignal doctor` says more; another store is named by --store or \
         PRODSIGNAL_STORE"
    ))
}

/// A Sentry server is named, and no token for it.
#[derive(Debug, thiserror::Error)]
#[error(
    "no token for Sentry: set PRODSIGNAL_SENTRY_TOKEN (or SENTRY_AUTH_TOKEN) to one with the scopes \
     org:read project:read event:read, and start the server anew"
)]
struct NoToken;

/// What tools get, over the embedded store.
pub fn ctx(settings: &Settings, store: &Arc<EmbeddedStore>) -> anyhow::Result<Ctx> {
    over(settings, store.clone(), store.clone())
}

/// What tools get, over the Sentry server of the settings.
fn sentry(settings: &Settings) -> anyhow::Result<Ctx> {
    let store = Arc::new(sentry_store(settings)?);
    over(settings, store.clone(), store)
}

/// The Sentry server of the settings.
pub fn sentry_store(settings: &Settings) -> anyhow::Result<SentryStore> {
    let asked = settings.sentry.as_ref().context("no Sentry server is configured")?;
    let token = sentry_token().ok_or(NoToken)?;
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

/// What callers are held to, whichever door they come by.
pub fn lock(settings: &Settings) -> Lock {
    let named = |name: &Option<String>| name.as_deref().filter(|_| settings.scope_locked).map(Untrusted::from);
    Lock { project: named(&settings.project), environment: named(&settings.environment) }
}

/// The embedded store as callers of the compatible API may see it.
pub fn hosted(settings: &Settings, store: &Arc<EmbeddedStore>) -> Arc<dyn HostedStore> {
    Arc::new(Locked::new(store.clone(), lock(settings)))
}

fn over(settings: &Settings, store: Arc<dyn SignalStore>, writes: Arc<dyn SignalWrite>) -> anyhow::Result<Ctx> {
    let lock = lock(settings);
    let code = Checkouts::open(settings.code.as_deref().unwrap_or_default());
    Ok(Ctx {
        code: code.context("--code")?,
        store: Arc::new(Locked::new(store, lock.clone())),
        writes: settings.allow_writes.then(|| Arc::new(Locked::new(writes, lock)) as Arc<dyn SignalWrite>),
        now,
        defaults: Defaults {
            project: settings.project.clone(),
            environment: settings.environment.clone(),
            locked: settings.scope_locked,
            sent: Sent::Both,
            host: settings.sentry.is_none().then(|| {
                let base = settings.public_base();
                base.split_once("://").map_or(base.clone(), |(_, host)| host.to_owned())
            }),
        },
    })
}

/// What takes envelopes apart.
pub fn ingest(settings: &Settings, store: &Arc<EmbeddedStore>) -> Ingest {
    Ingest::new(Scrubber::new(Pseudonyms::new(store.pseudonym_key())), limits(settings))
        .with_maps(store.clone())
        .with_symbols(store.clone())
}

/// The same for what a store of this program exported: pseudonyms in it stay.
pub fn returning(settings: &Settings, store: &Arc<EmbeddedStore>) -> Ingest {
    let scrubber = Scrubber::new(Pseudonyms::new(store.pseudonym_key())).returning();
    Ingest::new(scrubber, limits(settings)).with_maps(store.clone()).with_symbols(store.clone())
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

/// Writes a file whole or not at all: beside its place under a name that nobody knows, then moved there. A link at its
/// place is replaced, never followed.
pub fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let name = path.file_name().ok_or_else(|| std::io::Error::other("no name of a file"))?;
    if path.is_dir() {
        return Err(std::io::Error::other("it is a folder"));
    }
    let beside = path.with_file_name(format!(".{}.{:016x}", name.to_string_lossy(), u64::from_ne_bytes(random)));
    let done = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done
}

/// Sets what redaction keeps and drops beside its forms.
pub fn redaction(settings: &Settings) -> anyhow::Result<()> {
    let Redact { keep, drop } = &settings.redact;
    if keep.is_none() && drop.is_none() {
        return Ok(());
    }
    set_policy(keep.as_deref().unwrap_or_default(), drop.as_deref().unwrap_or_default())
        .map_err(|error| anyhow::anyhow!("redact.keep and redact.drop: {error}"))
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
