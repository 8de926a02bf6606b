//! `prodsignal serve`.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{keep, parts, symbol_server};
use crate::{
    backend::embedded::EmbeddedStore,
    config::Settings,
    forward::{Destination, Forward},
    ingest::Ingest,
    mcp,
    serve::{self, Access, Audit, IntakeLog, Metrics, Parts, Tls, Tokens},
    store::{HostedStore, SignalSink},
    symbol_server::SymbolServers,
    tools::TOOLS,
};

/// Bytes of request bodies in flight at once.
const IN_FLIGHT_BYTES: usize = 256 << 20;

/// Arguments: none of its own; the settings say it all.
#[derive(clap::Args)]
pub struct Args {}

/// The store that is served.
pub struct Served {
    /// Answers agents.
    pub server: mcp::Server,
    /// Where events go.
    pub sink: Arc<dyn SignalSink>,
    /// What the API reads.
    pub host: Arc<dyn HostedStore>,
    /// What takes envelopes apart.
    pub ingest: Arc<Ingest>,
    /// The embedded store, where it is that one: it is kept to its retentions, and gets symbols.
    pub own: Option<Arc<EmbeddedStore>>,
    /// What goes on beside, as long as it is served.
    pub beside: Option<BoxFuture<'static, ()>>,
}

pub fn run(settings: Settings, _: &Args) -> anyhow::Result<ExitCode> {
    let store = parts::store(&settings)?;
    // What comes in is kept here, wherever the answers come from.
    let server = match &settings.sentry {
        Some(_) => parts::opening(settings.clone()),
        None => mcp::Server::new(TOOLS, parts::ctx(&settings, &store)?, settings.answers),
    };
    let ingest = Arc::new(parts::ingest(&settings, &store));
    store.join_with(ingest.clone(), settings.keep_lines);
    let host = parts::hosted(&settings, &store);
    serve_store(settings, Served { server, sink: store.clone(), host, ingest, own: Some(store), beside: None })
}

/// Serves a store.
pub fn serve_store(settings: Settings, served: Served) -> anyhow::Result<ExitCode> {
    let Served { server, sink, host, ingest, own, beside } = served;
    let metrics = Arc::new(Metrics::default());
    let observed = metrics.clone();
    let server = server.observed(Arc::new(move |tool, failed, seconds| observed.called(tool, failed, seconds)));
    let access = Access::new(settings.allowed_hosts.clone(), &tokens()).with_made(Tokens::of(&settings.store));
    let audit = settings.audit_log.as_deref().map(|path| Audit::open(path, parts::now)).transpose();
    let audit = audit.context("opening the audit log")?.map(Arc::new);
    let server = match audit.clone() {
        Some(audit) => server.audited(Arc::new(move |who, tool, failed| audit.called(who, tool, failed))),
        None => server,
    };
    let tls = settings.tls.as_ref().map(|(certificate, key)| Tls::read(certificate, key));
    let tls = tls.transpose().map_err(|error| anyhow::anyhow!("--tls-cert and --tls-key: {error}"))?;
    let servers = symbol_servers(&settings)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    parts::serve_on(async {
        let listener = serve::bind(settings.listen, &access).await?;
        let address = listener.local_addr()?;
        eprintln!("listening on {scheme}://{address}");
        let end = CancellationToken::new();
        let asked = end.clone();
        tokio::spawn(async move {
            parts::asked_to_end().await;
            asked.cancel();
        });
        if let Some(beside) = beside {
            tokio::spawn(beside);
        }
        if let Some(store) = own {
            keep::spawn(&settings, &end);
            if let Some(servers) = servers {
                let most = settings.symbol_server_bytes;
                tokio::spawn(symbol_server::follow(store, servers, most, end.clone()));
            }
        }
        let news = parts::news(&settings, &end);
        // What changes is written down from the start, also while nobody is subscribed.
        drop(news());
        let server = server.telling(news, end.clone());
        let told = Arc::new(IntakeLog::of(&settings.store, parts::now));
        let forward = forward(&settings, &metrics, &end)?;
        let (telling, until) = (told.clone(), end.clone());
        let telling = tokio::spawn(async move { telling.run(until).await });
        let parts = Parts {
            server,
            sink,
            host,
            ingest,
            access,
            allow_writes: settings.allow_writes,
            audit,
            tls,
            trusted_proxies: settings.trusted_proxies.clone(),
            metrics,
            told,
            forward,
            requests_a_minute: settings.most_requests,
            users_by_address: settings.users_by_address,
            in_flight_bytes: IN_FLIGHT_BYTES,
            now: parts::now,
        };
        serve::run(listener, parts, end).await?;
        telling.await?;
        anyhow::Ok(())
    })??;
    Ok(ExitCode::SUCCESS)
}

/// Tokens of callers, from the environment alone: one, or several with commas between.
fn tokens() -> Vec<String> {
    let said = std::env::var("PRODSIGNAL_TOKEN").unwrap_or_default();
    said.split(',').map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).collect()
}

/// The servers that are asked for symbols, where some are named.
fn symbol_servers(settings: &Settings) -> anyhow::Result<Option<SymbolServers>> {
    let named = (!settings.symbol_servers.is_empty()).then(|| SymbolServers::new(&settings.symbol_servers));
    named.transpose().context("--symbol-server")
}

/// What is passed on to another server, where one is named.
fn forward(
    settings: &Settings,
    metrics: &Arc<Metrics>,
    end: &CancellationToken,
) -> anyhow::Result<Option<Arc<Forward>>> {
    let Some(dsn) = &settings.forward else { return Ok(None) };
    let to: Destination = dsn.parse()?;
    let counted = metrics.clone();
    let folder = settings.store.join("forward");
    let observe = Arc::new(move |outcome| counted.forwarded(outcome));
    let forward = Forward::open(&folder, to, settings.forward_sample, observe, parts::now);
    let forward = Arc::new(forward.context("opening the queue of --forward")?);
    let (sending, end) = (forward.clone(), end.clone());
    tokio::spawn(async move { sending.run(end).await });
    Ok(Some(forward))
}
