//! Under what a reply is kept: keyed digests of who asks, where, and what.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Who asks, and where: no reply of one is another's.
#[derive(Clone)]
pub(super) struct Tenant([u8; 32]);

impl Tenant {
    /// From a digest of the credential (never the credential), the address and the organisation.
    pub(super) fn new(credential: &[u8; 32], place: &[&str]) -> Self {
        let mut digest = Digest::new(credential);
        place.iter().for_each(|part| digest.part(part.as_bytes()));
        Self(digest.end())
    }

    /// A digest that no other tenant can come to.
    pub(super) fn digest(&self) -> Digest {
        Digest::new(&self.0)
    }
}

/// A keyed digest of parts, each told apart from the next by its length.
pub(super) struct Digest(Hmac<Sha256>);

impl Digest {
    fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    pub(super) fn end(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

/// The key of one reply.
pub(super) type Key = [u8; 32];
