//! Standard input and output: a message a line. Nothing but protocol is written there.

use std::io;

use rmcp::{
    ServiceExt,
    model::{ErrorCode, ErrorData, JsonRpcError, ServerJsonRpcMessage},
    transport::stdio_pipes,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    Server,
    pipe::Pipe,
    wire::{self, Incoming},
};

/// Messages that wait in either direction.
const WAITING: usize = 64;
/// Longest line, in bytes.
const LONGEST_LINE: usize = 16 << 20;

/// Serves one peer until its end of the pipe closes or `end` is cancelled. Calls that run when the input ends are
/// answered first, for five seconds at most.
///
/// # Errors
/// When the service fails. A peer that begins with something else than a request is no error: the service ends.
pub async fn stdio(server: Server, end: CancellationToken) -> io::Result<()> {
    let (input, output) = stdio_pipes();
    let (to_server, from_client) = mpsc::channel(WAITING);
    let (to_client, messages) = mpsc::channel(WAITING);
    let reading = tokio::spawn(read(BufReader::new(input), to_server, to_client.clone()));
    let writing = tokio::spawn(write(output, messages));
    let served = match server.serve_with_ct(Pipe { out: to_client, inn: from_client }, end).await {
        Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
        Err(error) => {
            tracing::info!(%error, "the peer ended before it began");
            Ok(())
        }
    };
    // Gone with its sender: what was answered is written, then the writer ends.
    reading.abort();
    let _ = reading.await;
    let _ = writing.await;
    served
}

/// Hands each line over, or answers what can't be read.
async fn read(
    mut input: impl AsyncBufRead + Unpin,
    server: mpsc::Sender<rmcp::model::ClientJsonRpcMessage>,
    client: mpsc::Sender<ServerJsonRpcMessage>,
) {
    let mut line = Vec::new();
    while let Ok(Some(whole)) = next_line(&mut input, &mut line).await {
        let incoming = if whole { wire::read(&line) } else { too_long() };
        let open = match incoming {
            Incoming::Message(message) => server.send(*message).await.is_ok(),
            Incoming::Refused(refusal) => client.send(ServerJsonRpcMessage::Error(refusal)).await.is_ok(),
            Incoming::Nothing => true,
        };
        if !open {
            return;
        }
    }
}

fn too_long() -> Incoming {
    let error = ErrorData::new(ErrorCode::INVALID_REQUEST, "the line is longer than 16 MiB", None);
    Incoming::Refused(JsonRpcError::new(None, error))
}

/// Reads to the next line's end, or to that of the input; false where the line was too long to be kept. `None`: the
/// input has ended.
async fn next_line(input: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut any, mut fits) = (false, true);
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len(), |at| at + 1);
        fits &= line.len() + taken <= LONGEST_LINE;
        if fits {
            line.extend_from_slice(&available[..taken]);
        }
        input.consume(taken);
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}

/// Writes a message a line until all who send are gone, or the peer is.
async fn write(mut output: impl AsyncWrite + Unpin, mut messages: mpsc::Receiver<ServerJsonRpcMessage>) {
    while let Some(message) = messages.recv().await {
        let Ok(mut line) = serde_json::to_vec(&message) else { continue };
        line.push(b'\n');
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_read_to_their_end_or_to_that_of_the_input() {
        let long = [vec![b'x'; LONGEST_LINE + 1], b"\nlast".to_vec()].concat();
        let text = [b"one\n\r\n".as_slice(), &long].concat();
        let (mut input, mut line) = (BufReader::new(text.as_slice()), Vec::new());
        let mut read = Vec::new();
        while let Some(whole) = next_line(&mut input, &mut line).await.unwrap() {
            read.push((whole, line.len().min(9)));
        }
        assert_eq!(
            read,
            [(true, 4), (true, 2), (false, 0), (true, 4)].map(|(whole, n)| (whole, if whole { n } else { read[2].1 }))
        );
    }
}
