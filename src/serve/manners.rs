//! `/mcp` as clients really call it: any `Accept` that can be served is, and every failure is JSON with its type.
//!
//! rmcp's service asks for both types in `Accept`, answers with an event stream, and fails in plain text without a
//! type. RFC 9110 lets a client name one type, `*/*` or none.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::mcp::{self, Incoming};

/// Largest request, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// Largest answer that is collected for a client that takes no event stream, in bytes.
const MOST_ANSWERED: usize = 64 << 20;
/// What rmcp's service wants to read.
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Which of the two types a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Accepts {
    json: bool,
    events: bool,
}

/// Makes a request fit for the service below, and its answer fit for the client.
pub(super) async fn mend(mut request: Request, next: Next) -> Response {
    let accepts = Accepts::of(request.headers());
    let method = request.method().clone();
    if !accepts.events && (!accepts.json || method == Method::GET) {
        return failed(StatusCode::NOT_ACCEPTABLE, "Accept has to admit application/json or text/event-stream");
    }
    request.headers_mut().insert(header::ACCEPT, BOTH);
    if method == Method::POST {
        request = match read(request).await {
            Ok(request) => request,
            Err(refused) => return *refused,
        };
    }
    let answer = next.run(request).await;
    match method {
        Method::POST if !accepts.events => collected(answer).await,
        _ => typed(answer).await,
    }
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Self {
        let mut accepts = Self { json: false, events: false };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
            for range in value.split(',').filter(|range| !range.trim().is_empty()) {
                any = true;
                let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
                let kind = kind.trim().to_ascii_lowercase();
                let refused = parameters.split(';').any(|parameter| {
                    let weight = parameter.trim().to_ascii_lowercase();
                    weight.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0))
                });
                accepts.json |= !refused && ["application/json", "application/*", "*/*"].contains(&kind.as_str());
                accepts.events |= !refused && ["text/event-stream", "text/*", "*/*"].contains(&kind.as_str());
            }
        }
        if any { accepts } else { Self { json: true, events: true } }
    }
}

/// The request with a message that can be read, or what to answer instead.
async fn read(request: Request) -> Result<Request, Box<Response>> {
    let (mut parts, body) = request.into_parts();
    let too_large = |_| Box::new(failed(StatusCode::PAYLOAD_TOO_LARGE, "a request has at most 4 MiB"));
    let body = to_bytes(body, MOST_BYTES).await.map_err(too_large)?;
    let body = match mcp::read(&body) {
        Incoming::Message(message) => serde_json::to_vec(&message).map(Bytes::from).unwrap_or(body),
        Incoming::Nothing => return Err(Box::new(failed(StatusCode::BAD_REQUEST, "no message"))),
        Incoming::Refused(refusal) => {
            // A request that can be told from others gets its answer as any other does.
            let status = if refusal.id.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            return Err(Box::new((status, axum::Json(refusal)).into_response()));
        }
    };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// A failure without a type, told as JSON-RPC tells failures.
async fn typed(answer: Response) -> Response {
    if answer.headers().contains_key(header::CONTENT_TYPE) || answer.status().is_success() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let said = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let told = failed(parts.status, &String::from_utf8_lossy(&said));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, told.into_body())
}

/// The answer of an event stream as one JSON message.
async fn collected(answer: Response) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("text/event-stream") {
        return typed(answer).await;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, MOST_ANSWERED).await else {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "the answer can't be read");
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?).ok());
    let Some(message) = messages.rfind(|message| message.get("method").is_none()) else {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "there is no answer");
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(message.to_string()))
}

fn failed(status: StatusCode, why: &str) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32600, "message": why } });
    (status, axum::Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_takes_what_it_names_and_all_where_it_names_nothing() {
        let accepts = |text: Option<&str>| {
            let headers = text.map(|text| (header::ACCEPT, text.parse().unwrap()));
            let Accepts { json, events } = Accepts::of(&headers.into_iter().collect());
            (json, events)
        };
        for (text, taken) in [
            (None, (true, true)),
            (Some(""), (true, true)),
            (Some("*/*"), (true, true)),
            (Some("application/json"), (true, false)),
            (Some("Application/JSON; charset=utf-8"), (true, false)),
            (Some("text/event-stream"), (false, true)),
            (Some("application/*, text/event-stream;q=0"), (true, false)),
            (Some("application/json, */*;q=0.1"), (true, true)),
            (Some("text/html"), (false, false)),
        ] {
            assert_eq!(accepts(text), taken, "{text:?}");
        }
    }
}
