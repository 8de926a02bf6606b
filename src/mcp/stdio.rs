//! Standard input and output. Nothing but protocol is written there.

use std::io;

use rmcp::{ServiceExt, transport::stdio_pipes};
use tokio_util::sync::CancellationToken;

use super::Server;

/// Serves one peer until its end of the pipe closes or `end` is cancelled. Calls that run when the input ends are
/// answered first, for five seconds at most.
///
/// # Errors
/// When the streams fail. A peer that begins with something else than a request is no error: the service ends.
pub async fn stdio(server: Server, end: CancellationToken) -> io::Result<()> {
    match server.serve_with_ct(stdio_pipes(), end).await {
        Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
        Err(error) => {
            tracing::info!(%error, "the peer ended before it began");
            Ok(())
        }
    }
}
