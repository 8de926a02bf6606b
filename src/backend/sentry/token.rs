//! A credential that is never shown, and what an organisation's token says of itself.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// A token for the Web API. Its `Debug` says nothing of it.
#[derive(Clone)]
pub struct Token(String);

/// What an organisation's token carries in the open. Never taken as proof of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenClaims {
    /// Where it belongs.
    pub(super) url: Option<String>,
    /// The region's own address.
    pub(super) region_url: Option<String>,
    /// Slug of the organisation.
    pub(super) org: Option<String>,
}

impl Token {
    /// The token, without white space around it; `None` where nothing is left or it can't stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|b| (0x21..0x7f).contains(&b));
        fits.then(|| Self(text.to_owned()))
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> reqwest::header::HeaderValue {
        let text = format!("Bearer {}", self.0);
        let mut value = reqwest::header::HeaderValue::from_str(&text).expect("checked when it was made");
        value.set_sensitive(true);
        value
    }

    /// `sntrys_<base64 of JSON>_<secret>`.
    pub(super) fn carried(&self) -> Option<TokenClaims> {
        let rest = self.0.strip_prefix("sntrys_")?;
        let (payload, _) = rest.rsplit_once('_')?;
        let bytes = BASE64_STANDARD.decode(payload).or_else(|_| BASE64_STANDARD_NO_PAD.decode(payload)).ok()?;
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
        Some(TokenClaims { url: text("url"), region_url: text("region_url"), org: text("org") })
    }

    /// The kind that its form shows.
    pub fn kind(&self) -> &'static str {
        let kinds = [("sntryu_", "user token"), ("sntrya_", "integration token"), ("sntryi_", "integration token")];
        match kinds.into_iter().find(|(prefix, _)| self.0.starts_with(prefix)) {
            Some((_, kind)) => kind,
            None if self.0.starts_with("sntrys_") => "organisation token",
            None => "token",
        }
    }

    /// A key for one use, worked out of the token: equal in each process with this token, and no way back to it.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisations_token_says_where_it_belongs_and_debug_says_nothing() {
        let payload = BASE64_STANDARD
            .encode(r#"{"iat":1,"url":"https://sentry.io","region_url":"https://de.sentry.io","org":"shop"}"#);
        let token = Token::new(&format!(" sntrys_{payload}_c2Vj/cmV0 ")).unwrap();
        let carried = token.carried().unwrap();
        assert_eq!(carried.region_url.as_deref(), Some("https://de.sentry.io"));
        assert_eq!(carried.org.as_deref(), Some("shop"));
        assert_eq!(format!("{token:?}"), "Token");
        assert!(Token::new("a b").is_none() && Token::new(" ").is_none());
        assert!(Token::new("sntrys_x_y").unwrap().carried().is_none());
    }
}
