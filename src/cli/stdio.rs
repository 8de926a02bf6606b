//! `prodsignal stdio`.

use std::{process::ExitCode, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{channel, keep, parts};
use crate::{
    config::{Answers, Settings},
    mcp::{self, Server},
    tools::TOOLS,
};

/// Arguments.
#[derive(Default, clap::Args)]
pub struct Args {
    /// Push what newly breaks, regresses, escalates or relapses into a session of Claude Code, as a channel
    #[arg(long)]
    channel: bool,
}

/// Starts whatever is wrong: a client shows its user no more of a server that ends than that it failed to start, while
/// what a call answers is read.
pub fn run(settings: anyhow::Result<Settings>, args: &Args) -> anyhow::Result<ExitCode> {
    let end = CancellationToken::new();
    let news = settings.as_ref().ok().map(|settings| parts::news(settings, &end));
    let pushed = settings.as_ref().ok().filter(|_| args.channel).map(|settings| channel::messages(settings.clone()));
    // The store that signal lies in; over a Sentry server it is not ours to drop anything.
    let own = settings.as_ref().ok().filter(|settings| settings.elsewhere().is_none()).cloned();
    let server = match (server(settings), news) {
        (server, Some(news)) => server.telling(news, end.clone()),
        (server, None) => server,
    };
    let server = match pushed {
        Some(messages) => server.channelled(messages),
        None => server,
    };
    parts::serve_on(async {
        if let Some(settings) = own {
            keep::spawn(&settings, &end);
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

fn server(settings: anyhow::Result<Settings>) -> Server {
    let settings = match settings {
        Ok(mut settings) => {
            parts::code_here(&mut settings);
            settings
        }
        Err(error) => {
            tracing::error!("{error:#}");
            let said = parts::not_open(&error);
            return Server::opening(TOOLS, Arc::new(move || Err(said.clone())), false, Answers::default());
        }
    };
    match parts::configured(&settings) {
        Ok(ctx) => Server::new(TOOLS, ctx, settings.answers),
        Err(error) => {
            tracing::error!("{error:#}");
            parts::opening(settings)
        }
    }
}
