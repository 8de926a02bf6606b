//! Runs one call: at most so many at once, cancelled with its request, never without an answer.

use std::time::{Duration, Instant};

use rmcp::ErrorData;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::{
    guard::Clean,
    model::Kind,
    tools::{Descriptor, Rendered},
    view::{Fitted, Sent, fit_error},
};

/// Longest that a call may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs a tool. A panic in it becomes an answer, a cancelled request stops it.
///
/// # Errors
/// When the request was cancelled: nobody hears it.
pub(super) async fn call(
    server: &Server,
    tool: &'static Descriptor,
    arguments: Value,
    sent: Sent,
    cancelled: &CancellationToken,
) -> Result<Rendered, ErrorData> {
    let started = Instant::now();
    let (places, signal) = (server.places.clone(), server.signal.clone());
    // A task of its own, so that a panic ends it and not the connection.
    let mut task = tokio::spawn(async move {
        let _place = places.acquire().await;
        match signal.ctx().await {
            Ok(mut ctx) => {
                ctx.defaults.sent = sent;
                (tool.call)(ctx, arguments).await
            }
            Err(error) => error.rendered(),
        }
    });
    let answer = tokio::select! {
        done = &mut task => done.unwrap_or_else(|_| failed(Kind::Internal, "the tool failed; the server's log has the cause")),
        () = cancelled.cancelled() => {
            task.abort();
            return Err(ErrorData::internal_error("cancelled", None));
        }
        () = tokio::time::sleep(LIMIT) => {
            task.abort();
            failed(Kind::Timeout, "the call took longer than 30 s; ask for less at once")
        }
    };
    if let Some(audit) = &server.audit {
        audit(&server.who, tool.name, answer.is_error);
    }
    (server.observe)(tool.name, answer.is_error, started.elapsed().as_secs_f64());
    Ok(answer)
}

pub(super) fn failed(kind: Kind, message: &'static str) -> Rendered {
    let Fitted { text, data } = fit_error(kind, &Clean::ours(message), None, &[]);
    Rendered { text, data, is_error: true }
}
