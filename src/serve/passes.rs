//! What a browser keeps instead of a token: a pass, made of the token's digest and a key of the store. It opens the page
//! for people alone, for a month, and as long as its token is valid.

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::Timestamp;

/// Name of the cookie.
const COOKIE: &str = "prodsignal";
/// How long a pass is good, in seconds.
const LIFE_S: i64 = 30 * 86_400;

/// Makes and reads passes.
pub(super) struct Passes {
    key: [u8; 32],
}

/// A pass as it was sent.
pub(super) struct Pass<'a> {
    made_s: i64,
    seal: &'a str,
}

impl Passes {
    /// `key` is the store's own: passes outlive a restart, and other servers don't take them.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The cookie for whoever gave the token of that digest. `secure`: it is sent over TLS alone.
    pub(super) fn cookie(&self, digest: &[u8; 32], now: Timestamp, secure: bool) -> String {
        let made_s = now.as_second();
        let secure = if secure { "; Secure" } else { "" };
        format!(
            "{COOKIE}={made_s}.{}; Path=/; HttpOnly; SameSite=Strict; Max-Age={LIFE_S}{secure}",
            self.seal(digest, made_s)
        )
    }

    /// The cookie that takes a pass away.
    pub(super) fn no_cookie() -> String {
        format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }

    /// Whether a pass was made of the token of that digest. Seals are compared in constant time.
    pub(super) fn is_of(&self, pass: &Pass<'_>, digest: &[u8; 32]) -> bool {
        let Ok(sent) = unhex(pass.seal) else { return false };
        self.mac(digest, pass.made_s).verify_slice(&sent).is_ok()
    }

    fn seal(&self, digest: &[u8; 32], made_s: i64) -> String {
        let seal = self.mac(digest, made_s).finalize().into_bytes();
        seal.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn mac(&self, digest: &[u8; 32], made_s: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(b"page for people");
        mac.update(digest);
        mac.update(&made_s.to_be_bytes());
        mac
    }
}

impl<'a> Pass<'a> {
    /// The pass of a request, where it has one that is not too old.
    pub(super) fn of(headers: &'a HeaderMap, now: Timestamp) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
        let (made, seal) = value.split_once('.')?;
        let made_s: i64 = made.parse().ok()?;
        let age = now.as_second().checked_sub(made_s)?;
        (0..LIFE_S).contains(&age).then_some(Self { made_s, seal })
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or("?"));
    pairs.map(|pair| u8::from_str_radix(pair, 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn sent(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("other=1; {pair}").parse().unwrap())])
    }

    #[test]
    fn a_pass_is_of_its_token_and_key_and_ends_after_a_month() {
        let passes = Passes::new([1; 32]);
        let headers = sent(&passes.cookie(&[7; 32], at(1_000), false));
        let pass = Pass::of(&headers, at(2_000)).unwrap();
        assert!(passes.is_of(&pass, &[7; 32]));
        assert!(!passes.is_of(&pass, &[8; 32]), "another token");
        assert!(!Passes::new([2; 32]).is_of(&pass, &[7; 32]), "another store");
        assert!(Pass::of(&headers, at(1_000 + LIFE_S)).is_none(), "too old");
        assert!(Pass::of(&headers, at(999)).is_none(), "of the future");
    }

    #[test]
    fn what_is_no_pass_is_none_and_a_changed_one_is_of_nobody() {
        for text in ["", "prodsignal=", "prodsignal=1", "prodsignal=x.00", "else=1000.00"] {
            let headers = HeaderMap::from_iter([(header::COOKIE, text.parse().unwrap())]);
            assert!(Pass::of(&headers, at(1_000)).is_none(), "{text}");
        }
        let passes = Passes::new([1; 32]);
        let cookie = passes.cookie(&[7; 32], at(1_000), false).replacen("1000.", "1001.", 1);
        let headers = sent(&cookie);
        assert!(!passes.is_of(&Pass::of(&headers, at(1_500)).unwrap(), &[7; 32]), "younger than it is");
        let empty = HeaderMap::from_iter([(header::COOKIE, "prodsignal=1000.".parse().unwrap())]);
        assert!(!passes.is_of(&Pass::of(&empty, at(1_500)).unwrap(), &[7; 32]));
    }
}
