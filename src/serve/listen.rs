//! Connections: accepted, wrapped in TLS where that is asked for, timed, and let finish when the server ends.

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Longest that the head of a request may take, and a connection may be silent between two.
const HEAD: Duration = Duration::from_secs(10);
/// Longest that a handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest that open requests may go on when the server ends.
const GRACE: Duration = Duration::from_secs(20);
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// A certificate and its key, as callers see them.
#[derive(Clone)]
pub struct Tls(Arc<rustls::ServerConfig>);

impl Tls {
    /// Reads a chain of certificates and a private key, both PEM.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
        let chain = CertificateDer::pem_file_iter(certificates)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self(Arc::new(config)))
    }
}

/// Serves until `end`; what is open then is finished, for a while.
pub(super) async fn serve(listener: TcpListener, app: Router, tls: Option<Tls>, end: CancellationToken) {
    let (places, mut open) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new());
    let tls = tls.map(|tls| TlsAcceptor::from(tls.0));
    loop {
        let place = tokio::select! {
            () = end.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = end.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        while open.try_join_next().is_some() {}
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // No files left, mostly: some are given back as connections end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (app, tls, end) = (app.clone(), tls.clone(), end.clone());
        open.spawn(async move {
            let _place = place;
            match tls {
                None => connection(stream, peer, app, end).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                        connection(stream, peer, app, end).await;
                    }
                }
            }
        });
    }
    drop(listener);
    let rest = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, rest).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    app: Router,
    end: CancellationToken,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let app = app.clone();
        async move {
            let request: Request = request.map(axum::body::Body::new);
            let Ok(response) = app.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    let serving = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    // How a connection ends is its peer's business: broken ones are no fault of the server.
    tokio::select! {
        _ = serving.as_mut() => {}
        () = end.cancelled() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
