//! `prodsignal stdio`.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{config::Settings, mcp, tools::TOOLS};

pub fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let server = mcp::Server::new(TOOLS, parts::configured(&settings)?, settings.answers);
    parts::serve_on(async {
        let end = CancellationToken::new();
        let asked = end.clone();
        tokio::spawn(async move {
            parts::asked_to_end().await;
            asked.cancel();
        });
        mcp::stdio(server, end).await
    })??;
    Ok(ExitCode::SUCCESS)
}
