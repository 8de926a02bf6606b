//! A URL that each entry is posted to, signed.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Filter, Outcome, Target, daily};
use crate::store::Finding;

/// Longest that a receiver may take.
const LIMIT: Duration = Duration::from_secs(10);
/// With waits of up to ten minutes, three days.
const TRIES: u32 = 440;
/// Longest messages that the chats take, in characters.
const SLACK_CHARS: usize = 40_000;
const DISCORD_CHARS: usize = 2_000;

/// Why a webhook can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not an address.
    #[error("the webhook's address is not an http or https URL")]
    Address,
    /// TLS can't be used.
    #[error("the webhook's connection can't be made")]
    Tls(#[source] reqwest::Error),
}

/// What a receiver reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The entry itself.
    Json,
    /// Slack's messages.
    Slack,
    /// Discord's messages.
    Discord,
}

/// A receiver.
pub struct Webhook {
    client: Client,
    url: Url,
    secret: Option<Vec<u8>>,
    form: Form,
    filter: Filter,
}

impl Webhook {
    /// `secret` signs the body; `form` `None`: what the host of the address reads.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub fn new(url: &str, secret: Option<String>, form: Option<Form>, filter: Filter) -> Result<Self, WebhookError> {
        let url: Url = url.parse().map_err(|_| WebhookError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookError::Address);
        }
        // A second provider in one process is none of our business: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LIMIT)
            .user_agent(concat!("prodsignal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(WebhookError::Tls)?;
        let form = form.unwrap_or_else(|| form_of(&url));
        Ok(Self { client, url, secret: secret.map(String::into_bytes), form, filter })
    }

    fn body(&self, data: &Value) -> String {
        match self.form {
            Form::Json => data.to_string(),
            Form::Slack => json!({ "text": slack(&message(data, SLACK_CHARS)) }).to_string(),
            // No name in a text calls anybody.
            Form::Discord => {
                json!({ "content": message(data, DISCORD_CHARS), "allowed_mentions": { "parse": [] } }).to_string()
            }
        }
    }

    async fn post(&self, id: u64, data: &Value) -> Outcome {
        let body = self.body(data);
        let mut request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("x-prodsignal-id", id.to_string());
        if let Some(signature) = self.secret.as_deref().and_then(|secret| signature(secret, body.as_bytes())) {
            request = request.header("x-prodsignal-signature", signature);
        }
        match request.body(body).send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Outcome::Done,
            Ok(StatusCode::GONE) => Outcome::Gone,
            Ok(StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY) => {
                Outcome::Refused
            }
            Ok(_) | Err(_) => Outcome::Failed,
        }
    }
}

#[async_trait::async_trait]
impl Target for Webhook {
    fn name(&self) -> String {
        let digest = Sha256::digest(self.url.as_str().as_bytes());
        digest[..8].iter().fold("webhook:".to_owned(), |name, byte| format!("{name}{byte:02x}"))
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn tries(&self) -> u32 {
        TRIES
    }

    fn wants(&self, finding: &Finding) -> bool {
        self.filter.takes(finding)
    }

    async fn tell(&self, finding: &Finding, data: &Value) -> Outcome {
        self.post(finding.id, data).await
    }

    async fn tell_digest(&self, findings: &[Finding], data: &Value) -> Outcome {
        let newest = findings.iter().map(|finding| finding.id).max().unwrap_or_default();
        self.post(newest, data).await
    }
}

/// `sha256=` and the HMAC of the body in hex.
fn signature(secret: &[u8], body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    Some(bytes.iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

fn form_of(url: &Url) -> Form {
    match url.host_str() {
        Some("hooks.slack.com") => Form::Slack,
        Some("discord.com" | "discordapp.com") => Form::Discord,
        _ => Form::Json,
    }
}

/// For a chat: the entry in one line, or the digest with a line an entry, as many as fit.
fn message(data: &Value, chars: usize) -> String {
    let Some(digest) = data["digest"].as_array() else { return sentence(data) };
    let all = data["total"].as_u64().and_then(|all| usize::try_from(all).ok()).unwrap_or(digest.len());
    let mut text = daily::heading(all);
    for (at, line) in digest.iter().map(sentence).enumerate() {
        let left = format!("\n… and {} more", all - at);
        if text.chars().count() + line.chars().count() + left.chars().count() + 3 > chars {
            return text + &left;
        }
        text += "\n• ";
        text += &line;
    }
    if all > digest.len() { format!("{text}\n… and {} more", all - digest.len()) } else { text }
}

/// The entry in one line for a chat.
fn sentence(data: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let level = text(&data["actionable"]["level"]);
    let worth = if level.is_empty() { String::new() } else { format!(" (worth an agent: {level})") };
    let title = text(&data["issue"]["title"]);
    let title = if title.is_empty() { title } else { format!(" — {title}") };
    format!("{}{title}{worth}", text(&data["statement"]))
}

/// Slack's three characters of control.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let wanted = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(b"Jefe", b"what do ya want for nothing?").unwrap(), wanted);
    }

    fn slack_text(slack: &Webhook, data: &Value) -> String {
        let body: Value = serde_json::from_str(&slack.body(data)).unwrap();
        body["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn chats_get_one_line_that_calls_nobody() {
        let data = json!({ "statement": "SHOP-1 is new <!channel>", "issue": { "title": "@everyone & co" } });
        let slack = Webhook::new("https://hooks.slack.com/services/x", None, None, Filter::default()).unwrap();
        assert!(slack.body(&data).contains("&lt;!channel&gt;") && slack.body(&data).contains("&amp; co"));
        let discord = Webhook::new("https://discord.com/api/webhooks/x", None, None, Filter::default()).unwrap();
        assert!(discord.body(&data).contains("\"allowed_mentions\":{\"parse\":[]}"));
        let line = json!({ "statement": "x".repeat(150), "issue": {} });
        let digest = daily::data(vec![line; 40], 60);
        let body: Value = serde_json::from_str(&discord.body(&digest)).unwrap();
        let text = body["content"].as_str().unwrap();
        assert!(text.chars().count() <= DISCORD_CHARS && text.starts_with("60 changes"), "{text}");
        assert!(text.ends_with("… and 48 more"), "{text}");
        assert!(slack_text(&slack, &digest).ends_with("… and 20 more"));
        assert!(Webhook::new("file:///etc/passwd", None, None, Filter::default()).is_err());
    }
}
