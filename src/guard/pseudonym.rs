//! People without names: keyed digests, equal for equal people within one store and nowhere else.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{Untrusted, UserKey};

/// Makes pseudonyms with the key of a store.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
    /// Whether pseudonyms that come in are this program's own, and stay.
    returning: bool,
}

impl Pseudonyms {
    /// With the key of a store; another key makes other pseudonyms of everybody.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, returning: false }
    }

    /// For what a store of this program exported: pseudonyms in it stay what they are.
    pub fn returning(self) -> Self {
        Self { returning: true, ..self }
    }

    pub(super) fn is_returning(&self) -> bool {
        self.returning
    }

    /// The key of a user, of whatever was sent as identity: id, login name, e-mail or address.
    /// Of what was exported, a user's pseudonym is shown as itself again.
    pub fn user(&self, identity: &Untrusted) -> UserKey {
        let mut digest = self.digest("user", identity.raw());
        if self.returning
            && let Some(shown) = digits_of(identity.raw())
        {
            digest[..6].copy_from_slice(&shown);
        }
        UserKey(digest)
    }

    /// `KIND-` and 48 bits: `user-7f3a91c04b2d`.
    pub(super) fn named(&self, kind: &'static str, value: &str) -> String {
        shown(kind, &self.digest(kind, value))
    }

    fn digest(&self, kind: &str, value: &str) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.trim().as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        short
    }
}

/// The pseudonym that a user's key is shown as.
pub fn show_user(key: &UserKey) -> String {
    shown("user", &key.0)
}

fn shown(kind: &str, digest: &[u8; 16]) -> String {
    let mut text = format!("{kind}-");
    for byte in &digest[..6] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a user's pseudonym shows of their key.
fn digits_of(text: &str) -> Option<[u8; 6]> {
    let hex = text.strip_prefix("user-").filter(|_| is_pseudonym(text))?;
    let mut shown = [0; 6];
    for (byte, at) in shown.iter_mut().zip((0..12).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(shown)
}

/// Whether a text is a pseudonym of a kind already.
pub fn is_pseudonym(text: &str) -> bool {
    ["user-", "email-", "ip-", "name-"].iter().any(|kind| {
        text.strip_prefix(kind).is_some_and(|hex| hex.len() == 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_returns_is_shown_as_before_and_nobody_else_can_be() {
        let here = show_user(&Pseudonyms::new([1; 32]).user(&"ada".into()));
        let there = Pseudonyms::new([2; 32]);
        assert_eq!(show_user(&there.clone().returning().user(&here.as_str().into())), here);
        assert_ne!(show_user(&there.user(&here.as_str().into())), here, "what senders call themselves is no pseudonym");
    }

    #[test]
    fn the_same_person_has_one_pseudonym_in_one_store_and_others_elsewhere() {
        let (one, other) = (Pseudonyms::new([1; 32]), Pseudonyms::new([2; 32]));
        let id = Untrusted::from("21");
        assert_eq!(one.user(&id), one.user(&" 21 ".into()));
        assert_ne!(one.user(&id), other.user(&id));
        assert_eq!(show_user(&one.user(&id)), one.named("user", "21"));
        assert!(is_pseudonym(&one.named("email", "a@b.example")) && !is_pseudonym("user-21"));
    }
}
