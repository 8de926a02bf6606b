//! Who callers are: names of this host, origins of pages, tokens and what each may do.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    passes::{Pass, Passes},
    tokens::{Token, Tokens},
};
use crate::{mcp::Allowed, model::Untrusted, store::Lock};

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// See what the store has.
    Read,
    /// Change issues.
    Write,
    /// Tell of releases and hand in files.
    Ingest,
    /// All of these.
    Admin,
}

impl Right {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Ingest, Self::Admin].into_iter().find(|right| right.word() == word.trim())
    }
}

/// Who asks: what they may do, and what they are held to.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    who: Arc<str>,
    rights: Vec<Right>,
    lock: Lock,
}

impl Caller {
    /// Somebody without any right.
    pub(super) fn nobody() -> Self {
        Self { who: "nobody".into(), rights: Vec::new(), lock: Lock::default() }
    }

    /// Somebody of this machine, or with a token for all.
    fn anybody(who: &str) -> Self {
        Self { who: who.into(), rights: vec![Right::Admin], lock: Lock::default() }
    }

    fn of_token(token: &Token) -> Self {
        let named = |name: &Option<String>| name.as_deref().map(Untrusted::from);
        let lock = Lock { project: named(&token.project), environment: named(&token.environment) };
        Self { who: format!("{} ({})", token.name, token.id).into(), rights: token.scopes.clone(), lock }
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.rights.contains(&right) || self.rights.contains(&Right::Admin)
    }

    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// What agents' tools may do for them.
    pub(super) fn allowed(&self) -> Allowed {
        Allowed { who: self.who.clone(), write: self.may(Right::Write), lock: self.lock.clone() }
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }
}

/// Names and tokens of callers.
#[derive(Default)]
pub struct Access {
    hosts: Vec<String>,
    /// Digests alone: the tokens themselves are not kept.
    tokens: Vec<[u8; 32]>,
    /// Those that a command made.
    made: Option<Tokens>,
}

impl Access {
    /// `hosts` are names beside loopback's own; each of `tokens` lets a caller in, none means that all local ones may.
    pub fn new(hosts: Vec<String>, tokens: &[String]) -> Self {
        let digest = |token: &String| Sha256::digest(token.as_bytes()).into();
        Self { hosts, tokens: tokens.iter().filter(|t| !t.is_empty()).map(digest).collect(), made: None }
    }

    /// Beside those tokens, these let in, each for what it allows.
    pub fn with_made(self, made: Tokens) -> Self {
        Self { made: Some(made), ..self }
    }

    /// Whether callers need a token.
    pub fn has_tokens(&self) -> bool {
        !self.tokens.is_empty() || self.made.as_ref().is_some_and(Tokens::are_used)
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

    /// Who asks; `None`: nobody that is known. Digests are compared: how long that takes says nothing about the token.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if !self.has_tokens() {
            return Some(Caller::anybody("local"));
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|h| h.to_str().ok());
        let (scheme, token) = sent.and_then(|text| text.trim().split_once(' '))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        self.of_digest(&digest_of(token))
    }

    fn of_digest(&self, digest: &[u8; 32]) -> Option<Caller> {
        if self.tokens.contains(digest) {
            return Some(Caller::anybody("PRODSIGNAL_TOKEN"));
        }
        self.made.as_ref()?.of_digest(digest).map(|token| Caller::of_token(&token))
    }

    /// Who looks at the page for people with a pass; `None` where its token is not valid any more.
    pub(super) fn looker(&self, passes: &Passes, pass: &Pass<'_>) -> Option<Caller> {
        let made = self.made.as_ref().map(Tokens::digests).unwrap_or_default();
        let digest = self.tokens.iter().chain(&made).find(|digest| passes.is_of(pass, digest))?;
        self.of_digest(digest)
    }

    /// The digest of a token that lets somebody read.
    pub(super) fn entering(&self, token: &str) -> Option<[u8; 32]> {
        let digest = digest_of(token);
        self.of_digest(&digest).filter(|caller| caller.may(Right::Read)).map(|_| digest)
    }
}

fn digest_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().as_bytes()).into()
}

pub(super) fn without_port(host: &str) -> &str {
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
        assert!(access.caller(&bearing("Bearer two")).is_some());
        assert!(access.caller(&bearing("bearer  one")).is_some());
        assert!(access.caller(&bearing("Basic one")).is_none());
        assert!(access.caller(&bearing("Bearer three")).is_none());
        assert!(access.caller(&HeaderMap::new()).is_none());
        assert!(Access::new(Vec::new(), &[]).caller(&HeaderMap::new()).is_some());
    }
}
