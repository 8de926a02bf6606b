//! `prodsignal serve`.

use std::{process::ExitCode, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{
    config::Settings,
    mcp,
    serve::{self, Access, Metrics, Parts},
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
    let ctx = if settings.sentry.is_some() { parts::configured(&settings)? } else { parts::ctx(&settings, &store) };
    let signal = ctx.clone();
    let server = mcp::Server::new(TOOLS, ctx, settings.answers)
        .observed(Arc::new(move |tool, failed, seconds| observed.called(tool, failed, seconds)));
    let access = Access::new(settings.allowed_hosts.clone(), &tokens());
    parts::serve_on(async {
        let listener = serve::bind(settings.listen, &access).await?;
        let address = listener.local_addr()?;
        eprintln!("listening on http://{address}");
        let end = CancellationToken::new();
        let asked = end.clone();
        tokio::spawn(async move {
            parts::asked_to_end().await;
            asked.cancel();
        });
        if let Some(retention) = settings.retention {
            tokio::spawn(parts::keep_to(store.clone(), retention, end.clone()));
        }
        let news = parts::news(&settings, &signal, &end);
        // What changes is written down from the start, also while nobody is subscribed.
        drop(news());
        let server = server.telling(news, end.clone());
        let ingest = Arc::new(parts::ingest(&settings, &store));
        store.join_with(ingest.clone(), settings.keep_lines);
        let parts = Parts {
            server,
            sink: store.clone(),
            host: store.clone(),
            ingest,
            access,
            metrics,
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
