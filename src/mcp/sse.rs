//! The HTTP+SSE transport of 2024-11-05, which rmcp no longer has: one stream out, single messages in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rmcp::{
    ServiceExt,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Server,
    pipe::Pipe,
    wire::{self, Incoming},
};

/// Messages that wait in a session for its client to read.
const WAITING: usize = 64;
/// Sessions at once.
const SESSIONS: usize = 256;

/// All open sessions.
#[derive(Clone, Default)]
pub struct SseSessions {
    open: Arc<Mutex<HashMap<String, Ends>>>,
}

/// The two ends of a session that are written to.
#[derive(Clone)]
struct Ends {
    server: mpsc::Sender<ClientJsonRpcMessage>,
    client: mpsc::Sender<ServerJsonRpcMessage>,
}

/// What a client's stream is made of. When it is dropped, the session ends.
pub struct SseSession {
    /// Names the session: 128 random bits, no credential.
    pub id: String,
    messages: mpsc::Receiver<ServerJsonRpcMessage>,
    sessions: SseSessions,
    _ends: DropGuard,
}

/// What became of a message that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It was handed over.
    Yes,
    /// There is no such session.
    NoSession,
    /// It is no JSON-RPC message.
    Malformed,
    /// The session has too many waiting.
    Busy,
}

impl SseSessions {
    /// Opens a session; `None` when there are too many.
    pub fn open(&self, server: Server, end: &CancellationToken) -> Option<SseSession> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let (to_server, from_client) = mpsc::channel(WAITING);
        let (to_client, messages) = mpsc::channel(WAITING);
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= SESSIONS {
                return None;
            }
            open.insert(id.clone(), Ends { server: to_server, client: to_client.clone() });
        }
        let ends = end.child_token();
        let pipe = Pipe { out: to_client, inn: from_client };
        let token = ends.clone();
        tokio::spawn(async move {
            if let Ok(running) = server.for_connection().serve_with_ct(pipe, token).await {
                drop(running.waiting().await);
            }
        });
        Some(SseSession { id, messages, sessions: self.clone(), _ends: ends.drop_guard() })
    }

    /// Hands a posted message to its session.
    pub fn post(&self, id: &str, body: &[u8]) -> Accepted {
        let ends = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let Some(ends) = ends else { return Accepted::NoSession };
        let sent = match wire::read(body) {
            Incoming::Message(message) => ends.server.try_send(*message).map_err(drop_message),
            // Who can't be answered by id hears it from the status.
            Incoming::Refused(refusal) if refusal.id.is_none() => return Accepted::Malformed,
            Incoming::Refused(refusal) => {
                ends.client.try_send(ServerJsonRpcMessage::Error(refusal)).map_err(drop_message)
            }
            Incoming::Nothing => return Accepted::Malformed,
        };
        match sent {
            Ok(()) => Accepted::Yes,
            Err(mpsc::error::TrySendError::Full(())) => Accepted::Busy,
            Err(mpsc::error::TrySendError::Closed(())) => Accepted::NoSession,
        }
    }
}

fn drop_message<T>(error: mpsc::error::TrySendError<T>) -> mpsc::error::TrySendError<()> {
    match error {
        mpsc::error::TrySendError::Full(_) => mpsc::error::TrySendError::Full(()),
        mpsc::error::TrySendError::Closed(_) => mpsc::error::TrySendError::Closed(()),
    }
}

impl SseSession {
    /// The next message for the client, as JSON; `None` when the session has ended.
    pub async fn next(&mut self) -> Option<String> {
        let message = self.messages.recv().await?;
        serde_json::to_string(&message).ok()
    }
}

impl Drop for SseSession {
    fn drop(&mut self) {
        self.sessions.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
