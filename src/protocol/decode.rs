//! Undoes content encodings, and stops while it unpacks too much.

use std::{borrow::Cow, io::Read};

use super::Limits;

/// Why a body can't be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An encoding that nothing here knows.
    #[error("unknown content encoding; known are gzip, deflate, br, zstd")]
    Unknown,
    /// Not what its encoding says, or cut.
    #[error("the body is not what its content encoding says, or is cut")]
    Malformed,
    /// Too large as it came.
    #[error("the request is too large")]
    TooLarge,
    /// Too large unpacked.
    #[error("the request is too large when unpacked")]
    Expands,
}

impl DecodeError {
    /// Whether it is a matter of size.
    pub fn is_size(self) -> bool {
        matches!(self, Self::TooLarge | Self::Expands)
    }
}

/// First bytes of what comes compressed without saying so.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The body without its encodings. `encoding` is the header's value, several names in the order they were applied;
/// without it, gzip and zstd are seen by their first bytes.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_body<'a>(encoding: Option<&str>, body: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
    if body.len() > limits.compressed_bytes {
        return Err(DecodeError::TooLarge);
    }
    let most = limits.envelope_bytes.min((1 << 20) + body.len().saturating_mul(limits.ratio));
    let names = encoding.unwrap_or("").split(',').map(|n| n.trim().to_ascii_lowercase());
    let names: Vec<String> = names.filter(|n| !n.is_empty() && n != "identity").collect();
    if names.is_empty() {
        return match body {
            _ if body.starts_with(GZIP) => gzip(body, most).map(Cow::Owned),
            _ if body.starts_with(ZSTD) => zstd(body, most).map(Cow::Owned),
            _ => Ok(Cow::Borrowed(body)),
        };
    }
    let mut plain = Cow::Borrowed(body);
    for name in names.iter().rev() {
        plain = Cow::Owned(match name.as_str() {
            "gzip" | "x-gzip" => gzip(&plain, most)?,
            "deflate" => deflate(&plain, most)?,
            "br" => unpack(brotli::Decompressor::new(&*plain, 4096), most)?,
            "zstd" => zstd(&plain, most)?,
            _ => return Err(DecodeError::Unknown),
        });
    }
    Ok(plain)
}

fn gzip(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    unpack(flate2::read::MultiGzDecoder::new(body), most)
}

fn zstd(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    unpack(zstd::Decoder::new(body).map_err(|_| DecodeError::Malformed)?, most)
}

/// Some senders mean zlib by it, as the standard does, and some raw deflate.
fn deflate(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    match unpack(flate2::read::ZlibDecoder::new(body), most) {
        Err(DecodeError::Malformed) => unpack(flate2::read::DeflateDecoder::new(body), most),
        done => done,
    }
}

fn unpack(mut reader: impl Read, most: usize) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    let read = reader.by_ref().take(most as u64 + 1).read_to_end(&mut plain);
    match read {
        Ok(n) if n > most => Err(DecodeError::Expands),
        Ok(_) => Ok(plain),
        Err(_) => Err(DecodeError::Malformed),
    }
}
