//! Keys of places, packed.

use crate::{backend::embedded::fault::Corrupt, store::StoreError};

/// Packs keys.
pub(in crate::backend::embedded) fn encode_keys(keys: &[i64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.len() * 8);
    keys.iter().for_each(|key| out.extend_from_slice(&key.to_be_bytes()));
    out
}

/// Unpacks keys.
pub(in crate::backend::embedded) fn decode_keys(bytes: &[u8]) -> Result<Vec<i64>, StoreError> {
    let (keys, rest) = bytes.as_chunks::<8>();
    if rest.is_empty() {
        Ok(keys.iter().map(|key| i64::from_be_bytes(*key)).collect())
    } else {
        Err(Corrupt("stack").into())
    }
}
