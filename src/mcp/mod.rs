//! The protocol of agents: tools over stdio and, for `serve`, over HTTP.
//! It alone uses `rmcp`.
//! It decides nothing about signal.

mod complete;
mod handler;
mod prompts;
mod resources;
mod run;
mod shape;
mod sse;
mod stdio;
mod subscribe;

use std::sync::Arc;

use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use sse::{Accepted, SseSession, SseSessions};
pub use stdio::stdio;
pub use subscribe::News;

use crate::{
    config::Answers,
    tools::{Ctx, Descriptor},
};

/// Calls that run at once; more wait their turn.
const AT_ONCE: usize = 16;

/// One server for all connections: it keeps nothing of any of them.
#[derive(Clone)]
pub struct Server {
    tools: &'static [Descriptor],
    ctx: Ctx,
    answers: Answers,
    places: Arc<Semaphore>,
    observe: Observe,
    news: News,
    /// Of this connection alone.
    subscribed: subscribe::Subscribed,
    end: CancellationToken,
}

/// Hears of each finished call: tool, whether it failed, how long it took in seconds.
pub type Observe = Arc<dyn Fn(&'static str, bool, f64) + Send + Sync>;

impl Server {
    /// Over these tools.
    pub fn new(tools: &'static [Descriptor], ctx: Ctx, answers: Answers) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        // Nobody looks for changes: subscribers wait in vain.
        let (never, _) = tokio::sync::watch::channel(0);
        let news: News = Arc::new(move || never.subscribe());
        let (observe, end): (Observe, _) = (Arc::new(|_, _, _| ()), CancellationToken::new());
        Self { tools, ctx, answers, places, observe, news, subscribed: subscribe::Subscribed::default(), end }
    }

    /// With somebody who hears of each finished call.
    pub fn observed(mut self, observe: Observe) -> Self {
        self.observe = observe;
        self
    }

    /// With a feed that subscribers are told of; subscriptions end with `end`.
    pub fn telling(mut self, news: News, end: CancellationToken) -> Self {
        (self.news, self.end) = (news, end);
        self
    }

    /// The same server for another connection.
    pub(crate) fn for_connection(&self) -> Self {
        Self { subscribed: subscribe::Subscribed::default(), ..self.clone() }
    }

    /// The service for `/mcp`: Streamable HTTP, old peers with sessions and new ones without.
    /// `hosts` are the names that requests may call it by.
    pub fn streamable_http(
        &self,
        hosts: Vec<String>,
        end: CancellationToken,
    ) -> StreamableHttpService<Server, LocalSessionManager> {
        let config = StreamableHttpServerConfig::default()
            .with_cancellation_token(end)
            .with_allowed_hosts(hosts)
            .with_allowed_origins(["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"])
            .enforce_origin_validation();
        let server = self.clone();
        StreamableHttpService::new(
            move || Ok(server.for_connection()),
            Arc::new(LocalSessionManager::default()),
            config,
        )
    }
}
