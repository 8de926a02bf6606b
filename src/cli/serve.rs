//! `prodsignal serve`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{parts, symbol_server};
use crate::{
    backend::embedded::EmbeddedStore,
    config::{Retention, Settings},
    mcp,
    model::Timestamp,
    serve::{self, Access, Audit, Metrics, Parts, Tls, Tokens},
    store::{SignalSink, StoreError},
    symbol_server::SymbolServers,
    tools::TOOLS,
};

/// Bytes of request bodies in flight at once.
const IN_FLIGHT_BYTES: usize = 256 << 20;

/// Arguments: none of its own; the settings say it all.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(settings: Settings, _: &Args) -> anyhow::Result<ExitCode> {
    let store = parts::store(&settings)?;
    let metrics = Arc::new(Metrics::default());
    let observed = metrics.clone();
    // What comes in is kept here, wherever the answers come from.
    let server = match &settings.sentry {
        Some(_) => parts::opening(settings.clone()),
        None => mcp::Server::new(TOOLS, parts::ctx(&settings, &store)?, settings.answers),
    };
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
    let servers =
        (!settings.symbol_servers.is_empty()).then(|| SymbolServers::new(&settings.symbol_servers)).transpose();
    let servers = servers.context("--symbol-server")?;
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
        if settings.retention.is_some() || settings.dump_retention.is_some() {
            tokio::spawn(keep_to(store.clone(), settings.retention, settings.dump_retention, end.clone()));
        }
        if let Some(servers) = servers {
            let most = settings.symbol_server_bytes;
            tokio::spawn(symbol_server::follow(store.clone(), servers, most, end.clone()));
        }
        let news = parts::news(&settings, &end);
        // What changes is written down from the start, also while nobody is subscribed.
        drop(news());
        let server = server.telling(news, end.clone());
        let ingest = Arc::new(parts::ingest(&settings, &store));
        store.join_with(ingest.clone(), settings.keep_lines);
        let parts = Parts {
            server,
            sink: store.clone(),
            host: parts::hosted(&settings, &store),
            ingest,
            access,
            allow_writes: settings.allow_writes,
            audit,
            tls,
            trusted_proxies: settings.trusted_proxies.clone(),
            metrics,
            requests_a_minute: settings.most_requests,
            in_flight_bytes: IN_FLIGHT_BYTES,
            now: parts::now,
        };
        serve::run(listener, parts, end).await?;
        anyhow::Ok(())
    })??;
    Ok(ExitCode::SUCCESS)
}

/// Tokens of callers, from the environment alone: one, or several with commas between.
fn tokens() -> Vec<String> {
    let said = std::env::var("PRODSIGNAL_TOKEN").unwrap_or_default();
    said.split(',').map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).collect()
}

/// Drops what is older than the retentions, at the start and every hour.
async fn keep_to(
    store: Arc<EmbeddedStore>,
    events: Option<Retention>,
    dumps: Option<Retention>,
    end: CancellationToken,
) {
    let mut hours = tokio::time::interval(Duration::from_secs(3_600));
    loop {
        tokio::select! {
            () = end.cancelled() => return,
            _ = hours.tick() => {}
        }
        if let Some(before) = dumps.and_then(start_of) {
            told("minidumps", store.retain_dumps(before).await);
        }
        if let Some(before) = events.and_then(start_of) {
            told("events", store.retain(before).await);
        }
    }
}

fn start_of(retention: Retention) -> Option<Timestamp> {
    let span = jiff::SignedDuration::from_hours(i64::from(retention.days) * 24);
    parts::now().checked_sub(span).ok()
}

fn told(what: &str, done: Result<u64, StoreError>) {
    match done {
        Ok(0) => {}
        Ok(dropped) => tracing::info!(dropped, "dropped {what} past the retention"),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "retention failed"),
    }
}
