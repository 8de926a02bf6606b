//! One HTTP server: ingestion from Sentry and OpenTelemetry SDKs, MCP, health and metrics.
//! It uses the floors below, writes through `SignalSink`, and alone uses `axum`.
//! It never opens a database.

mod access;
mod api;
mod audit;
mod body;
mod crashes;
mod gate;
mod ingestion;
mod listen;
mod manners;
mod metrics;
mod otlp;
mod passes;
mod people;
mod rate;
mod report_dialog;
mod sse;
mod tokens;
mod told;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderName, Method, header},
    middleware,
    routing::{any_service, get, post},
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

pub use access::{Access, Right};
pub use audit::Audit;
pub use listen::Tls;
pub use metrics::Metrics;
use passes::Passes;
pub use tokens::{NewToken, Token, Tokens};
pub use told::{IntakeLog, RefusedRow, refused_lately};

use crate::{
    forward::Forward,
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    mcp::{Server, SseSessions},
    model::Timestamp,
    store::{HostedStore, SignalSink},
};

/// Dumps that are read at once: each may take as much memory as many envelopes.
const CRASHES: usize = 2;

/// What the server is made of.
pub struct Parts {
    /// MCP.
    pub server: Server,
    /// Where events go.
    pub sink: Arc<dyn SignalSink>,
    /// What the API reads, and keeps uploads in.
    pub host: Arc<dyn HostedStore>,
    /// What takes envelopes apart.
    pub ingest: Arc<Ingest>,
    /// Who may call.
    pub access: Access,
    /// Whether callers may change issues.
    pub allow_writes: bool,
    /// Who asked what is written down there.
    pub audit: Option<Arc<Audit>>,
    /// A certificate; without one, callers speak to a proxy or to loopback.
    pub tls: Option<Tls>,
    /// Proxies whose word about their callers counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What a person is told on the log.
    pub told: Arc<IntakeLog>,
    /// Where accepted envelopes also go.
    pub forward: Option<Arc<Forward>>,
    /// Most requests a minute with one project's key.
    pub requests_a_minute: u64,
    /// Whether a sender's address stands for users that an SDK leaves to the server.
    pub users_by_address: bool,
    /// Bytes of bodies that may be in flight at once.
    pub in_flight_bytes: usize,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What handlers share.
#[derive(Clone)]
struct App {
    server: Server,
    sink: Arc<dyn SignalSink>,
    host: Arc<dyn HostedStore>,
    /// For what is said of releases.
    scrubber: Scrubber,
    ingest: Arc<Ingest>,
    access: Arc<Access>,
    passes: Arc<Passes>,
    /// Whether callers reach this server over TLS without a proxy.
    tls: bool,
    allow_writes: bool,
    trusted_proxies: Arc<[IpAddr]>,
    audit: Option<Arc<Audit>>,
    metrics: Arc<Metrics>,
    told: Arc<IntakeLog>,
    forward: Option<Arc<Forward>>,
    users_by_address: bool,
    /// One permit a KiB of body in flight: overload is refused, memory doesn't grow.
    room: Arc<Semaphore>,
    /// What each project's key may still send.
    rate: Arc<rate::Rate>,
    /// Dumps that are read at once.
    crashes: Arc<Semaphore>,
    sessions: SseSessions,
    /// Projects of services that sent OTLP.
    services: otlp::Services,
    end: CancellationToken,
    now: fn() -> Timestamp,
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Reachable from elsewhere, and nothing guards it.
    #[error("{0} is reachable from other machines: set PRODSIGNAL_TOKEN for callers, or listen on 127.0.0.1")]
    Unguarded(SocketAddr),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] std::io::Error),
    /// Accepting failed.
    #[error("the server failed")]
    Io(#[from] std::io::Error),
}

/// Listens; `listen`'s port 0 picks one.
///
/// # Errors
/// See [`ServeError`].
pub async fn bind(listen: SocketAddr, access: &Access) -> Result<TcpListener, ServeError> {
    if !listen.ip().is_loopback() && !access.has_tokens() {
        return Err(ServeError::Unguarded(listen));
    }
    TcpListener::bind(listen).await.map_err(|e| ServeError::Bind(listen, e))
}

/// Serves until `end` is cancelled; requests that run then are finished.
///
/// # Errors
/// None yet: what can't be accepted is logged, and tried again.
pub async fn run(listener: TcpListener, parts: Parts, end: CancellationToken) -> Result<(), ServeError> {
    let tls = parts.tls.clone();
    listen::serve(listener, router(parts, end.clone()), tls, end).await;
    Ok(())
}

/// All routes.
pub fn router(parts: Parts, end: CancellationToken) -> Router {
    let Parts {
        server,
        sink,
        host,
        ingest,
        access,
        allow_writes,
        audit,
        tls,
        trusted_proxies,
        metrics,
        told,
        forward,
        requests_a_minute,
        users_by_address,
        in_flight_bytes,
        now,
    } = parts;
    let hosts = access.hosts();
    let room = Arc::new(Semaphore::new(in_flight_bytes / body::PERMIT_BYTES));
    let passes = Arc::new(Passes::new(sink.pseudonym_key()));
    let scrubber = Scrubber::new(Pseudonyms::new(sink.pseudonym_key()));
    let app = App {
        server,
        sink,
        host,
        scrubber,
        ingest,
        access: Arc::new(access),
        passes,
        tls: tls.is_some(),
        allow_writes,
        trusted_proxies: trusted_proxies.into(),
        audit,
        metrics,
        told,
        forward,
        users_by_address,
        room,
        rate: Arc::new(rate::Rate::new(requests_a_minute)),
        crashes: Arc::new(Semaphore::new(CRASHES)),
        sessions: SseSessions::default(),
        services: otlp::Services::default(),
        end,
        now,
    };
    let callers = callers(&app, hosts);
    // Spotlight asks for no key: it is for the developer's own machine, and for pages that it serves.
    let spotlight = Router::new().route("/stream", post(ingestion::stream)).layer(sender_cors());
    let telemetry = otlp::routes().layer(otlp::cors());
    let api = api::routes();
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(callers)
        .merge(senders())
        .merge(spotlight)
        .merge(telemetry)
        .merge(api)
        .merge(people::routes())
        .layer(middleware::from_fn_with_state(app.clone(), gate::pass))
        .with_state(app)
}

/// What agents call.
fn callers(app: &App, hosts: Vec<String>) -> Router<App> {
    let mcp = app.server.streamable_http(hosts, app.end.clone());
    let mcp = Router::new()
        .route("/mcp", any_service(mcp.clone()))
        .route("/mcp/", any_service(mcp))
        .layer(middleware::from_fn(manners::mend));
    mcp.route("/sse", get(sse::open))
        .route("/sse/", get(sse::open))
        .route("/messages", post(sse::message))
        // What a client reads relative to `/sse/`.
        .route("/sse/messages", post(sse::message))
        .route("/metrics", get(show_metrics))
        .layer(mcp_cors())
}

/// Where SDKs and crash handlers send to.
fn senders() -> Router<App> {
    Router::new()
        .route("/api/{project}/envelope/", post(ingestion::envelope))
        .route("/api/{project}/envelope", post(ingestion::envelope))
        .route("/api/{project}/store/", post(ingestion::store))
        .route("/api/{project}/store", post(ingestion::store))
        .route("/api/{project}/minidump/", post(crashes::minidump))
        .route("/api/{project}/minidump", post(crashes::minidump))
        .route("/api/{project}/unreal/{key}/", post(crashes::unreal))
        .route("/api/{project}/unreal/{key}", post(crashes::unreal))
        .route("/api/embed/error-page/", get(report_dialog::script).post(report_dialog::report))
        .route("/api/embed/error-page", get(report_dialog::script).post(report_dialog::report))
        .route("/api/{project}/security/", post(ingestion::security))
        .route("/api/{project}/security", post(ingestion::security))
        .layer(sender_cors())
}

/// Browsers send from any site; the answer tells nothing but an id and the limits.
fn sender_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::AUTHORIZATION,
            HeaderName::from_static("x-sentry-auth"),
            HeaderName::from_static("x-requested-with"),
            HeaderName::from_static("sentry-trace"),
            HeaderName::from_static("baggage"),
            HeaderName::from_static("traceparent"),
        ])
        .expose_headers([
            HeaderName::from_static("x-sentry-error"),
            HeaderName::from_static("x-sentry-rate-limits"),
            header::RETRY_AFTER,
        ])
        .max_age(Duration::from_secs(3_600))
}

/// Clients in a browser need their session's name; which origins may call at all is decided by the guard.
fn mcp_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(tower_http::cors::AllowOrigin::predicate(|origin, _| access::is_local_origin(origin)))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::ACCEPT,
            header::AUTHORIZATION,
            HeaderName::from_static("mcp-session-id"),
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-method"),
            HeaderName::from_static("mcp-name"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([HeaderName::from_static("mcp-session-id")])
}

async fn show_metrics(State(app): State<App>) -> String {
    app.metrics.text()
}
