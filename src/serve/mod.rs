//! One HTTP server: ingestion from Sentry and OpenTelemetry SDKs, MCP, health and metrics.
//! It uses the floors below, writes through `SignalSink`, and alone uses `axum`.
//! It never opens a database.

mod access;
mod api;
mod body;
mod ingestion;
mod metrics;
mod otlp;
mod sse;

use std::{net::SocketAddr, sync::Arc, time::Duration};

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

pub use access::Access;
pub use metrics::Metrics;

use crate::{
    guard::{Pseudonyms, Scrubber},
    ingest::Ingest,
    mcp::{Server, SseSessions},
    model::Timestamp,
    store::{HostedStore, SignalSink},
};

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
    /// Counters.
    pub metrics: Arc<Metrics>,
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
    metrics: Arc<Metrics>,
    /// One permit a KiB of body in flight: overload is refused, memory doesn't grow.
    room: Arc<Semaphore>,
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
/// When accepting fails.
pub async fn run(listener: TcpListener, parts: Parts, end: CancellationToken) -> Result<(), ServeError> {
    let app = router(parts, end.clone());
    axum::serve(listener, app).with_graceful_shutdown(async move { end.cancelled().await }).await?;
    Ok(())
}

/// All routes.
pub fn router(parts: Parts, end: CancellationToken) -> Router {
    let Parts { server, sink, host, ingest, access, metrics, in_flight_bytes, now } = parts;
    let hosts = access.hosts();
    let room = Arc::new(Semaphore::new(in_flight_bytes / body::PERMIT_BYTES));
    let scrubber = Scrubber::new(Pseudonyms::new(sink.pseudonym_key()));
    let app = App {
        server,
        sink,
        host,
        scrubber,
        ingest,
        access: Arc::new(access),
        metrics,
        room,
        sessions: SseSessions::default(),
        services: otlp::Services::default(),
        end,
        now,
    };
    let mcp = app.server.streamable_http(hosts, app.end.clone());
    let callers = Router::new()
        .route("/mcp", any_service(mcp.clone()))
        .route("/mcp/", any_service(mcp))
        .route("/sse", get(sse::open))
        .route("/messages", post(sse::message))
        .route("/metrics", get(show_metrics))
        .layer(middleware::from_fn_with_state(app.clone(), access::guard))
        .layer(mcp_cors());
    let senders = Router::new()
        .route("/api/{project}/envelope/", post(ingestion::envelope))
        .route("/api/{project}/envelope", post(ingestion::envelope))
        .route("/api/{project}/store/", post(ingestion::store))
        .route("/api/{project}/store", post(ingestion::store))
        .layer(sender_cors());
    // Spotlight asks for no key: it is for the developer's own machine, and for pages that it serves.
    let spotlight = Router::new()
        .route("/stream", post(ingestion::stream))
        .layer(middleware::from_fn_with_state(app.clone(), access::local_only))
        .layer(sender_cors());
    let telemetry = otlp::routes().layer(otlp::cors());
    let api = api::routes(&app);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(callers)
        .merge(senders)
        .merge(spotlight)
        .merge(telemetry)
        .merge(api)
        .with_state(app)
}

/// Browsers send from any site; the answer tells nothing but an id and the limits.
fn sender_cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
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
