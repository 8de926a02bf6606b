//! The protocol of agents: tools over stdio and, for `serve`, over HTTP.
//! It alone uses `rmcp`.
//! It decides nothing about signal.

mod allowed;
mod channel;
mod complete;
mod handler;
mod pipe;
mod prompts;
mod resources;
mod run;
mod shape;
mod sse;
mod stdio;
mod subscribe;
mod wire;

use std::sync::{Arc, OnceLock};

use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use allowed::Allowed;
pub use channel::{Message, Messages};
pub use sse::{Accepted, SseSession, SseSessions};
pub use stdio::stdio;
pub use subscribe::News;
pub use wire::{Incoming, read};

use crate::{
    config::Answers,
    guard::Clean,
    model::Kind,
    store::Lock,
    tools::{Ctx, Descriptor, Rendered, ToolError},
    view::Sent,
};

/// Calls that run at once; more wait their turn.
const AT_ONCE: usize = 16;

/// One server for all connections: it keeps nothing of any of them.
#[derive(Clone)]
pub struct Server {
    tools: &'static [Descriptor],
    signal: Signal,
    answers: Answers,
    places: Arc<Semaphore>,
    observe: Observe,
    news: News,
    /// Pushed into the session of a client that has channels.
    channel: Option<Messages>,
    /// Of this connection alone.
    subscribed: subscribe::Subscribed,
    end: CancellationToken,
    /// Whose calls these are.
    who: Arc<str>,
    audit: Option<Audit>,
}

/// What calls are answered from, once it could be opened.
#[derive(Clone)]
struct Signal {
    opened: Arc<OnceLock<Ctx>>,
    open: Open,
    writes: bool,
    /// What this caller is held to, beside what the server is.
    lock: Lock,
}

/// Opens what calls are answered from; the failure is what every call is answered meanwhile.
pub type Open = Arc<dyn Fn() -> Result<Ctx, ToolError> + Send + Sync>;

impl Signal {
    /// Tries again with each call until it works: what was wrong may have been mended.
    async fn ctx(&self) -> Result<Ctx, ToolError> {
        if let Some(ctx) = self.opened.get() {
            return Ok(self.held(ctx.clone()));
        }
        let (open, opened) = (self.open.clone(), self.opened.clone());
        // Opening may wait for the disk.
        let open = move || open().map(|ctx| opened.get_or_init(|| ctx).clone());
        let failed = |_| ToolError::internal(Clean::ours("the store failed to open; the server's log has the cause"));
        let ctx = tokio::task::spawn_blocking(open).await.unwrap_or_else(|e| Err(failed(e)))?;
        Ok(self.held(ctx))
    }

    /// As this caller may use it.
    fn held(&self, mut ctx: Ctx) -> Ctx {
        if !self.writes {
            ctx.writes = None;
        }
        if self.lock.is_open() { ctx } else { allowed::held(ctx, &self.lock) }
    }

    /// Whether a tool is there: one that writes needs leave.
    fn offers(&self, tool: &Descriptor) -> bool {
        !tool.writes || self.writes
    }
}

/// Hears who called which tool, and whether that failed.
pub type Audit = Arc<dyn Fn(&str, &'static str, bool) + Send + Sync>;

/// Hears of each finished call: tool, whether it failed, how long it took in seconds.
pub type Observe = Arc<dyn Fn(&'static str, bool, f64) + Send + Sync>;

impl Server {
    /// Over these tools.
    pub fn new(tools: &'static [Descriptor], ctx: Ctx, answers: Answers) -> Self {
        let writes = ctx.writes.is_some();
        let server = Self::opening(tools, Arc::new(|| unreachable!("it is open")), writes, answers);
        let _ = server.signal.opened.set(ctx);
        server
    }

    /// Over what may not open: the server starts all the same, and each call says what is wrong. `writes`: whether
    /// tools that change issues are there.
    pub fn opening(tools: &'static [Descriptor], open: Open, writes: bool, answers: Answers) -> Self {
        let signal = Signal { opened: Arc::default(), open, writes, lock: Lock::default() };
        let places = Arc::new(Semaphore::new(AT_ONCE));
        // Nobody looks for changes: subscribers wait in vain.
        let (never, _) = tokio::sync::watch::channel(0);
        let news: News = Arc::new(move || never.subscribe());
        Self {
            tools,
            signal,
            answers,
            places,
            observe: Arc::new(|_, _, _| ()),
            who: "local".into(),
            audit: None,
            news,
            channel: None,
            subscribed: subscribe::Subscribed::default(),
            end: CancellationToken::new(),
        }
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

    /// With messages that are pushed into the sessions of clients that have channels.
    pub fn channelled(mut self, messages: Messages) -> Self {
        self.channel = Some(messages);
        self
    }

    /// Answers one call of a tool in both forms, as a peer would get it.
    pub async fn ask(&self, tool: &str, arguments: serde_json::Value) -> Rendered {
        match self.tools.iter().find(|known| known.name == tool && self.signal.offers(known)) {
            Some(tool) => run::call(self, tool, arguments, Sent::Both, &CancellationToken::new())
                .await
                .unwrap_or_else(|_| run::failed(Kind::Internal, "the call was cancelled")),
            None => run::failed(Kind::NotFound, "no tool of that name"),
        }
    }

    /// What its tools get, as this caller may use it.
    ///
    /// # Errors
    /// When what is configured can't be opened.
    pub async fn signal(&self) -> Result<Ctx, ToolError> {
        self.signal.ctx().await
    }

    /// Hears of each new entry of the feed.
    pub fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        (self.news)()
    }

    /// The same server for another connection.
    pub(crate) fn for_connection(&self) -> Self {
        Self { subscribed: subscribe::Subscribed::default(), ..self.clone() }
    }

    /// With somebody who writes down who called what.
    pub fn audited(mut self, audit: Audit) -> Self {
        self.audit = Some(audit);
        self
    }

    /// The service for `/mcp`: Streamable HTTP, old peers with sessions and new ones without.
    /// `hosts` are the names that requests may call it by; origins of pages are the caller's to check.
    pub fn streamable_http(
        &self,
        hosts: Vec<String>,
        end: CancellationToken,
    ) -> StreamableHttpService<Server, LocalSessionManager> {
        let config = StreamableHttpServerConfig::default()
            .with_cancellation_token(end)
            .with_allowed_hosts(hosts)
            .with_sse_retry(None);
        let mut sessions = LocalSessionManager::default();
        // An event without data before the answer is an error to clients older than 2025-11-25.
        sessions.session_config.sse_retry = None;
        let server = self.clone();
        StreamableHttpService::new(move || Ok(server.for_connection()), Arc::new(sessions), config)
    }
}
