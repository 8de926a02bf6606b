//! The protocol of agents: tools over stdio and, for `serve`, over HTTP.
//! It alone uses `rmcp`.
//! It decides nothing about signal.

mod allowed;
mod handler;
mod run;
mod shape;
mod sse;
mod stdio;

use std::sync::Arc;

use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use allowed::Allowed;
pub use sse::{Accepted, SseSession, SseSessions};
pub use stdio::stdio;

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
    /// Whose calls these are.
    who: Arc<str>,
    audit: Option<Audit>,
}

/// Hears who called which tool, and whether that failed.
pub type Audit = Arc<dyn Fn(&str, &'static str, bool) + Send + Sync>;

/// Hears of each finished call: tool, whether it failed, how long it took in seconds.
pub type Observe = Arc<dyn Fn(&'static str, bool, f64) + Send + Sync>;

impl Server {
    /// Over these tools.
    pub fn new(tools: &'static [Descriptor], ctx: Ctx, answers: Answers) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { tools, ctx, answers, places, observe: Arc::new(|_, _, _| ()), who: "local".into(), audit: None }
    }

    /// With somebody who hears of each finished call.
    pub fn observed(mut self, observe: Observe) -> Self {
        self.observe = observe;
        self
    }

    /// With somebody who writes down who called what.
    pub fn audited(mut self, audit: Audit) -> Self {
        self.audit = Some(audit);
        self
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
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(LocalSessionManager::default()), config)
    }
}
