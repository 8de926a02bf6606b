//! One request and its answer: time, size, kind of content, second tries.
//! It never sends the token to another host and never follows an address out of an answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    address::Address,
    ask::Ask,
    fault::RequestError,
    link,
    operation::SEGMENTS,
    options::{ConnectError, Options},
    pace::{self, Pace},
    replies::Reply,
};
use crate::model::{Timestamp, Untrusted};

/// Redirects within one host that are followed.
const REDIRECTS: usize = 3;

/// Sends requests with one credential.
pub(super) struct Http {
    client: reqwest::Client,
    token: header::HeaderValue,
    pace: Pace,
    timeout: Duration,
    now: fn() -> Timestamp,
}

impl Http {
    pub(super) fn new(options: &Options) -> Result<Self, ConnectError> {
        // A second provider in one process is none of our business: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let same_host = reqwest::redirect::Policy::custom(|attempt| {
            let Some(first) = attempt.previous().first() else { return attempt.stop() };
            let kept = first.origin() == attempt.url().origin();
            if kept && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
        });
        let mut builder = reqwest::Client::builder()
            .redirect(same_host)
            .connect_timeout(options.request_timeout.min(Duration::from_secs(3)))
            .pool_idle_timeout(Duration::from_secs(60))
            .user_agent(concat!("prodsignal/", env!("CARGO_PKG_VERSION")))
            .gzip(true)
            .retry(reqwest::retry::never());
        if let Some(path) = &options.ca_file {
            let unreadable =
                |error: Box<dyn std::error::Error + Send + Sync>| ConnectError::Certificates(path.clone(), error);
            let pem = std::fs::read(path).map_err(|e| unreadable(e.into()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| unreadable(e.into()))?;
            if certificates.is_empty() {
                return Err(unreadable("there is none in it".into()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|e| ConnectError::Tls(e.into()))?;
        let pace = Pace::new(options.at_once);
        Ok(Self { client, token: options.token.header(), pace, timeout: options.request_timeout, now: options.now })
    }

    /// Sends a request. Reads are tried once more where that may help; writes never are.
    pub(super) async fn send(&self, address: &Address, org: &str, ask: &Ask) -> Result<Reply, RequestError> {
        let reads = ask.operation.method == "GET";
        let mut tries = 0;
        loop {
            let fault = match self.attempt(address, org, ask, tries).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            tries += 1;
            match fault {
                RequestError::Limited { retry_after_s } => {
                    let wait = Duration::from_secs(retry_after_s);
                    // A refusal was not carried out, so that a write may be repeated too.
                    if tries > 1 || !pace::bearable(wait) {
                        return Err(RequestError::Limited { retry_after_s });
                    }
                }
                other if reads && tries == 1 && other.may_pass() => tokio::time::sleep(jitter()).await,
                other => return Err(other),
            }
        }
    }

    async fn attempt(&self, address: &Address, org: &str, ask: &Ask, tries: u32) -> Result<Reply, RequestError> {
        let path = ask.operation.path;
        let url = ask.address(&address.base, org)?;
        let _places = self.pace.turn(ask.operation).await?;
        let method = Method::from_bytes(ask.operation.method.as_bytes()).expect("a constant");
        let mut request = self.client.request(method, url).header(header::ACCEPT, "application/json");
        request = request.header(header::AUTHORIZATION, self.token.clone());
        if let Some(body) = &ask.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answered = tokio::time::timeout(self.timeout, self.exchange(request, ask)).await;
        let (status, headers, body) = answered.map_err(|_| RequestError::Timeout)??;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(pace::limited(self.pace.refused(path, &headers, (self.now)(), tries)));
        }
        self.pace.heard(path, &headers, (self.now)());
        if !status.is_success() {
            return Err(RequestError::of_status(ask.operation, status.as_u16(), &body));
        }
        read(ask, &headers, body)
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        ask: &Ask,
    ) -> Result<(StatusCode, header::HeaderMap, Vec<u8>), RequestError> {
        let mut response = request.send().await.map_err(|error| of_transport(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let most = if status.is_success() { ask.operation.bytes } else { 64 << 10 };
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| of_transport(&error))? {
            if body.len() + part.len() > most {
                if status.is_success() {
                    return Err(RequestError::Strange("answered with more bytes than any answer has"));
                }
                break;
            }
            body.extend_from_slice(&part);
        }
        Ok((status, headers, body))
    }
}

/// A reply that is data of the kind that was asked for. Other content is no data, whatever its status.
fn read(ask: &Ask, headers: &header::HeaderMap, body: Vec<u8>) -> Result<Reply, RequestError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    if !body.is_empty() && !kind.to_ascii_lowercase().contains("json") {
        return Err(RequestError::Strange("answered with a page instead of data: is the URL that of its Web API?"));
    }
    check(ask, &body)?;
    let next = text(header::LINK).and_then(link::next_cursor);
    let date = text(header::DATE).and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp());
    Ok(Reply { body: Bytes::from(body.into_boxed_slice()), next, date, loaded: Instant::now() })
}

/// What is no answer to a read may be one the next time; a write may be answered with nothing.
fn check(ask: &Ask, body: &[u8]) -> Result<(), RequestError> {
    let broken = |what| Err(RequestError::Broken(what, Untrusted::default()));
    let reads = ask.operation.method == "GET";
    if body.is_empty() {
        return if reads { broken("answered with nothing") } else { Ok(()) };
    }
    // A recording is too large to be unpacked before it is needed.
    let is_recording = ask.operation == &SEGMENTS;
    let fits = match is_recording {
        true => serde_json::from_slice::<IgnoredAny>(body).map(|_| true),
        false => serde_json::from_slice::<Value>(body).map(|json| ask.operation.shape.fits(&json)),
    };
    match fits {
        Err(_) => broken("answered with data that breaks off"),
        Ok(false) if reads => broken("answered with other data than was asked for"),
        Ok(_) => Ok(()),
    }
}

/// Why nothing came through. The error's own text may hold the address with its query, so it goes to the log alone.
fn of_transport(error: &reqwest::Error) -> RequestError {
    tracing::debug!(
        connect = error.is_connect(),
        timeout = error.is_timeout(),
        body = error.is_body(),
        "request failed"
    );
    if error.is_timeout() {
        return RequestError::Timeout;
    }
    let distrusted = match certificate(error) {
        Some(rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. }) => {
            Some("shows a certificate of another name than the URL's: nothing was sent")
        }
        Some(rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. }) => {
            Some("shows a certificate that is no longer valid: nothing was sent")
        }
        Some(_) => Some(
            "shows a certificate that is not trusted, and nothing was sent: name the file of an authority of one's own with --sentry-ca",
        ),
        None => None,
    };
    if let Some(why) = distrusted {
        return RequestError::Broken(why, Untrusted::default());
    }
    if error.is_connect() {
        return RequestError::Broken("can't be reached: check the URL and the network", Untrusted::default());
    }
    RequestError::Broken("broke the connection off", Untrusted::default())
}

/// What is wrong with a server's certificate, where that is why nothing came through.
fn certificate(error: &reqwest::Error) -> Option<&rustls::CertificateError> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(why);
        }
        // An error of input and output holds its own cause, and does not call it its source.
        cause = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|held| held as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// A pause before a second try, so that many don't come at once.
fn jitter() -> Duration {
    let mut byte = [0; 1];
    // Without chance the pause is the shortest.
    let _ = getrandom::fill(&mut byte);
    Duration::from_millis(100 + u64::from(byte[0]))
}
