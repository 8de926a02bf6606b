//! A transport over two channels, for peers whose bytes are read and written elsewhere.

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::sync::mpsc;

/// Messages to and from one peer.
pub(super) struct Pipe {
    pub(super) out: mpsc::Sender<ServerJsonRpcMessage>,
    pub(super) inn: mpsc::Receiver<ClientJsonRpcMessage>,
}

impl Transport<RoleServer> for Pipe {
    type Error = mpsc::error::SendError<ServerJsonRpcMessage>;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let out = self.out.clone();
        async move { out.send(message).await }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.inn.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inn.close();
        Ok(())
    }
}
