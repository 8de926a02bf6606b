//! News pushed into the session of a client that has channels (Claude Code): it shows each message to its agent at once.
//! The client needs the capability `claude/channel` to listen, and its user's leave; it drops the messages otherwise.

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::{
    Peer, RoleServer,
    model::{CustomNotification, ExperimentalCapabilities, ServerNotification},
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::News;

const CAPABILITY: &str = "claude/channel";
const METHOD: &str = "notifications/claude/channel";

/// A message: its text, and what it is about. Keys are letters, digits and underscores.
pub type Message = (String, Vec<(&'static str, String)>);

/// The messages about entries of the feed after one, and the id of the newest. After none: the newest alone, since what
/// was there before the session is old news. `None`: they can't be had now.
pub type Messages = Arc<dyn Fn(Option<u64>) -> BoxFuture<'static, Option<(u64, Vec<Message>)>> + Send + Sync>;

/// What the server says that it has.
pub(super) fn capability() -> ExperimentalCapabilities {
    ExperimentalCapabilities::from([(CAPABILITY.to_owned(), Map::new())])
}

/// Pushes what comes from now on, until the peer or the server ends.
pub(super) fn push(news: &News, messages: Messages, peer: Peer<RoleServer>, end: CancellationToken) {
    let mut heard = news();
    tokio::spawn(async move {
        let mut after = messages(None).await.map(|(newest, _)| newest);
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                changed = heard.changed() => if changed.is_err() { return },
            }
            let Some((newest, told)) = messages(after).await else { continue };
            after = Some(newest);
            for message in told {
                if peer.send_notification(notification(message)).await.is_err() {
                    return;
                }
            }
        }
    });
}

fn notification((content, about): Message) -> ServerNotification {
    let meta: Map<String, Value> = about.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let params = json!({ "content": content, "meta": meta });
    ServerNotification::CustomNotification(CustomNotification::new(METHOD, Some(params)))
}
