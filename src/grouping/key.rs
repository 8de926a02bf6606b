//! Makes 128 bits out of parts.

use sha2::{Digest, Sha256};

/// Gathers the parts of a key. Each part carries its length, so no two lists of parts look alike.
#[derive(Clone)]
pub(super) struct Key(Sha256);

impl Key {
    /// Starts a key; keys of different kinds never meet.
    pub(super) fn new(kind: &str) -> Self {
        let mut key = Self(Sha256::new());
        key.add(kind);
        key
    }

    pub(super) fn add(&mut self, part: &str) {
        self.add_bytes(part.as_bytes());
    }

    pub(super) fn add_bytes(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(super) fn finish(self) -> [u8; 16] {
        let digest = self.0.finalize();
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        hash
    }
}
