//! `prodsignal stdio`.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{config::Settings, mcp, tools::TOOLS};

pub fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let ctx = parts::configured(&settings)?;
    let kept = match (settings.retention, &settings.sentry) {
        (Some(retention), None) => Some((parts::store(&settings)?, retention)),
        _ => None,
    };
    parts::serve_on(async {
        let end = CancellationToken::new();
        let news = parts::news(&settings, &ctx, &end);
        let server = mcp::Server::new(TOOLS, ctx, settings.answers).telling(news, end.clone());
        if let Some((store, retention)) = kept {
            tokio::spawn(parts::keep_to(store, retention, end.clone()));
        }
        let asked = end.clone();
        tokio::spawn(async move {
            parts::asked_to_end().await;
            asked.cancel();
        });
        mcp::stdio(server, end).await
    })??;
    Ok(ExitCode::SUCCESS)
}
