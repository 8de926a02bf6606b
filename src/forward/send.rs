//! One envelope to a Sentry server.

use std::time::Duration;

use reqwest::{Client, StatusCode, header::HeaderMap};

use super::{Destination, limits::Said};

/// Longest that the server may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What became of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It arrived.
    Sent,
    /// A rate limit holds it.
    Limited,
    /// It will never be taken.
    Refused(String),
    /// It may be taken later.
    Failed(String),
}

pub(super) struct Sender {
    client: Client,
    to: Destination,
}

impl Sender {
    pub(super) fn new(to: &Destination) -> reqwest::Result<Self> {
        // A second provider in one process is none of our business: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LIMIT)
            .user_agent(concat!("prodsignal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, to: to.clone() })
    }

    pub(super) async fn send(&self, envelope: Vec<u8>) -> (Outcome, Said) {
        let auth = format!(
            "Sentry sentry_version=7, sentry_key={}, sentry_client=prodsignal/{}",
            self.to.key,
            env!("CARGO_PKG_VERSION")
        );
        let request = self
            .client
            .post(self.to.url.clone())
            .header("content-type", "application/x-sentry-envelope")
            .header("x-sentry-auth", auth)
            .body(envelope);
        match request.send().await {
            Ok(answer) => (outcome(answer.status()), said(answer.status(), answer.headers())),
            // Its text names the address, which is the team's own.
            Err(error) => (Outcome::Failed(error.without_url().to_string()), Said::default()),
        }
    }
}

fn said(status: StatusCode, headers: &HeaderMap) -> Said {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Said::of(text("x-sentry-rate-limits"), text("retry-after"), status == StatusCode::TOO_MANY_REQUESTS)
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        _ if status.is_success() => Outcome::Sent,
        StatusCode::TOO_MANY_REQUESTS => Outcome::Limited,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Outcome::Refused(status.to_string())
        }
        // A wrong key may be put right: what waits is kept.
        _ => Outcome::Failed(status.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_mended_is_kept_and_what_cannot_is_not() {
        let of = |status: u16| outcome(StatusCode::from_u16(status).unwrap());
        assert_eq!((of(200), of(429)), (Outcome::Sent, Outcome::Limited));
        for kept in [401, 403, 404, 500, 503] {
            assert!(matches!(of(kept), Outcome::Failed(_)), "{kept}");
        }
        for dropped in [400, 413] {
            assert!(matches!(of(dropped), Outcome::Refused(_)), "{dropped}");
        }
    }
}
