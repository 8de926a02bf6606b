//! What `stdio --channel` pushes into a client's session.

use std::sync::{Arc, OnceLock};

use anyhow::Context;

use super::parts;
use crate::{
    config::Settings,
    feed::{self, Choice, Filter, Looker, Shaper},
    mcp,
    store::{FeedStore, FindingKind},
    tools::Ctx,
};

/// Kinds that are worth an interruption.
const PUSHED: [FindingKind; 4] =
    [FindingKind::New, FindingKind::Regressed, FindingKind::Escalating, FindingKind::Relapsed];

/// The store, its feed, and who words its entries.
type Channel = (Ctx, Arc<dyn FeedStore>, Shaper);

/// What is pushed into a client's session: opened with the first question.
pub fn messages(settings: Settings) -> mcp::Messages {
    let opened: Arc<OnceLock<Channel>> = Arc::default();
    Arc::new(move |after| {
        let (settings, opened) = (settings.clone(), opened.clone());
        Box::pin(async move {
            let told = async {
                if opened.get().is_none() {
                    let (ctx, feed) = parts::with_feed(&settings)?;
                    let feed: Arc<dyn FeedStore> = feed;
                    let _ = opened.set((ctx.clone(), feed.clone(), Shaper::new(ctx, feed, false)));
                }
                let (ctx, feed, shaper) = opened.get().context("the feed is not open")?;
                let Some(after) = after else {
                    Looker::new(ctx.clone(), feed.clone(), Choice::default()).look().await?;
                    return Ok((feed.last_finding().await?, Vec::new()));
                };
                let filter = Filter { kinds: PUSHED.to_vec(), ..Filter::default() };
                anyhow::Ok(feed::messages(feed, shaper, &filter, after).await?)
            };
            told.await.inspect_err(|error| tracing::warn!("nothing is pushed: {error:#}")).ok()
        })
    })
}
