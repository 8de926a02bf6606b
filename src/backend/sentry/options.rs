//! What a connection is made of.

use std::{path::PathBuf, time::Duration};

use super::{life::Ttl, token::Token};
use crate::model::Timestamp;

/// Where the Web API is and how it is treated.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its address, with a sub-path if it has one; `None`: what the token says, else `https://sentry.io`.
    pub url: Option<String>,
    /// Slug of the organisation; `None`: what the token says.
    pub org: Option<String>,
    /// The credential.
    pub token: Token,
    /// A file with certificates (PEM) of an authority of one's own.
    pub ca_file: Option<PathBuf>,
    /// Requests in flight at once.
    pub at_once: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long one call of a tool may take, all its requests together.
    pub call_timeout: Duration,
    /// Bytes of replies that are kept in memory, about.
    pub cache_bytes: u64,
    /// How long they serve.
    pub lives: Ttl,
    /// The moment that "now" means.
    pub now: fn() -> Timestamp,
}

impl Options {
    /// With what suits most servers.
    pub fn new(token: Token, now: fn() -> Timestamp) -> Self {
        Self {
            url: None,
            org: None,
            token,
            ca_file: None,
            at_once: 6,
            request_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(10),
            cache_bytes: 64 << 20,
            lives: Ttl::default(),
            now,
        }
    }
}

/// Why no connection can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not an address.
    #[error("the Sentry URL is not right: {0}")]
    Url(&'static str),
    /// No organisation is named.
    #[error("no organisation: name one with --sentry-org (a token of an organisation names its own)")]
    NoOrg,
    /// The slug has characters that no slug has.
    #[error("the organisation's slug has letters, digits, '-' and '_' alone")]
    Org,
    /// The certificates can't be read.
    #[error("cannot read the certificates {0}")]
    Certificates(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client can't be set up.
    #[error("setting up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}
