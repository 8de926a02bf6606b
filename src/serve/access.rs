//! Who may call: names of this host, origins of pages, tokens.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::App;

/// Names and tokens of callers.
#[derive(Clone, Default)]
pub struct Access {
    hosts: Vec<String>,
    /// Digests alone: the tokens themselves are not kept.
    tokens: Vec<[u8; 32]>,
}

impl Access {
    /// `hosts` are names beside loopback's own; each of `tokens` lets a caller in, none means that all local ones may.
    pub fn new(hosts: Vec<String>, tokens: &[String]) -> Self {
        let digest = |token: &String| Sha256::digest(token.as_bytes()).into();
        Self { hosts, tokens: tokens.iter().filter(|t| !t.is_empty()).map(digest).collect() }
    }

    /// Whether callers need a token.
    pub fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// All names that requests may call this host by.
    pub fn hosts(&self) -> Vec<String> {
        let own = ["localhost", "127.0.0.1", "::1", "[::1]"].map(str::to_owned);
        own.into_iter().chain(self.hosts.iter().cloned()).collect()
    }

    /// Against pages that make a browser call this machine by a name of theirs (DNS rebinding).
    pub(super) fn is_known_host(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(header::HOST).and_then(|h| h.to_str().ok()) else { return false };
        let name = without_port(host);
        self.hosts().iter().any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
    }

    /// Digests are compared: how long that takes says nothing about the token.
    pub(super) fn is_let_in(&self, headers: &HeaderMap) -> bool {
        if self.tokens.is_empty() {
            return true;
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok());
        let Some(token) = sent.and_then(|text| text.strip_prefix("Bearer ")) else { return false };
        let digest: [u8; 32] = Sha256::digest(token.trim().as_bytes()).into();
        self.tokens.contains(&digest)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.chars().all(|c| c.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// Whether a page is served by this machine.
pub(super) fn is_local_origin(origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((_, host)) = origin.split_once("://") else { return false };
    matches!(without_port(host), "localhost" | "127.0.0.1" | "[::1]") || without_port(host).ends_with(".localhost")
}

pub(super) fn has_foreign_origin(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| !is_local_origin(origin))
}

/// Why a caller is not let in; `None`: it is.
pub(super) fn refusal(app: &App, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    if !app.access.is_known_host(headers) {
        return Some((StatusCode::FORBIDDEN, "this name of the host is not allowed: see --allowed-hosts\n"));
    }
    if has_foreign_origin(headers) {
        return Some((StatusCode::FORBIDDEN, "pages of other origins may not call\n"));
    }
    (!app.access.is_let_in(headers)).then_some((StatusCode::UNAUTHORIZED, "a token is needed\n"))
}

/// Lets callers of MCP and metrics in, or says why not.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    match refusal(&app, request.headers()) {
        Some((StatusCode::UNAUTHORIZED, why)) => {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], why).into_response()
        }
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    }
}

/// Lets programs and pages of this machine send without a key.
pub(super) async fn local_only(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !app.access.is_known_host(headers) || has_foreign_origin(headers) || app.access.has_tokens() {
        return (StatusCode::FORBIDDEN, "only programs of this machine may send without a DSN\n").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(host: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, host.parse().unwrap())])
    }

    #[test]
    fn hosts_are_known_with_any_port_and_no_other_name_is() {
        let access = Access::new(vec!["signal.example".to_owned()], &[]);
        for host in ["localhost", "LOCALHOST:8969", "127.0.0.1:1", "[::1]:80", "signal.example:443"] {
            assert!(access.is_known_host(&with_host(host)), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""] {
            assert!(!access.is_known_host(&with_host(host)), "{host}");
        }
    }

    #[test]
    fn pages_of_this_machine_are_local_and_others_are_not() {
        for origin in ["http://localhost:3000", "http://127.0.0.1", "https://app.localhost:5173", "http://[::1]:80"] {
            assert!(is_local_origin(&origin.parse().unwrap()), "{origin}");
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://notlocalhost"] {
            assert!(!is_local_origin(&origin.parse().unwrap()), "{origin}");
        }
    }

    #[test]
    fn a_token_lets_in_and_a_wrong_one_does_not() {
        let access = Access::new(Vec::new(), &["one".to_owned(), "two".to_owned()]);
        let bearing = |text: &str| HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]);
        assert!(access.is_let_in(&bearing("Bearer two")));
        assert!(!access.is_let_in(&bearing("Bearer three")));
        assert!(!access.is_let_in(&HeaderMap::new()));
        assert!(Access::new(Vec::new(), &[]).is_let_in(&HeaderMap::new()));
    }
}
