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
    /// There is no room for what comes out; a later try helps.
    #[error("too much at once")]
    NoRoom,
}

impl DecodeError {
    /// Whether it is a matter of size.
    pub fn is_size(self) -> bool {
        matches!(self, Self::TooLarge | Self::Expands)
    }
}

/// Bytes that are unpacked at once.
const PART: usize = 256 << 10;
/// First bytes of what comes compressed without saying so.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The body without its encodings. `encoding` is the header's value, several names in the order they were applied;
/// without it, gzip and zstd are seen by their first bytes.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_body<'a>(encoding: Option<&str>, body: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
    decode_within(encoding, body, limits, &mut |_| true)
}

/// The same, where `room` is asked before each part that comes out whether there is room for so many bytes in all.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_within<'a>(
    encoding: Option<&str>,
    body: &'a [u8],
    limits: &Limits,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    if body.len() > limits.compressed_bytes {
        return Err(DecodeError::TooLarge);
    }
    let most = limits.envelope_bytes.min((1 << 20) + body.len().saturating_mul(limits.ratio));
    let mut plain = Cow::Borrowed(body);
    for name in names_of(encoding, body)? {
        let mut out = Vec::new();
        match name {
            // Some senders mean zlib by it, as the standard does, and some raw deflate.
            "deflate" => match unpack(name, &plain, most, room, &mut out) {
                Err(DecodeError::Malformed) => {
                    out.clear();
                    unpack("raw", &plain, most, room, &mut out)?;
                }
                done => done?,
            },
            name => unpack(name, &plain, most, room, &mut out)?,
        }
        plain = Cow::Owned(out);
    }
    Ok(plain)
}

/// The first bytes of a body without its encodings, of which only the beginning may have come.
///
/// # Errors
/// [`DecodeError::Unknown`] for an encoding that nothing here knows.
pub fn decode_head(encoding: Option<&str>, start: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    let mut plain = start.to_vec();
    for name in names_of(encoding, start)? {
        let mut out = Vec::new();
        // What is cut or goes on is no fault of a beginning.
        let done = unpack(name, &plain, most, &mut |_| true, &mut out);
        if done == Err(DecodeError::Malformed) && out.is_empty() && name == "deflate" {
            let _ = unpack("raw", &plain, most, &mut |_| true, &mut out);
        }
        plain = out;
    }
    plain.truncate(most);
    Ok(plain)
}

/// Encodings in the order in which they are undone.
fn names_of(encoding: Option<&str>, body: &[u8]) -> Result<Vec<&'static str>, DecodeError> {
    const KNOWN: [&str; 4] = ["gzip", "deflate", "br", "zstd"];
    let said = encoding.unwrap_or("").split(',').map(|n| n.trim().to_ascii_lowercase());
    let said: Vec<String> = said.filter(|n| !n.is_empty() && n != "identity").collect();
    if said.is_empty() {
        return Ok(match body {
            _ if body.starts_with(GZIP) => vec!["gzip"],
            _ if body.starts_with(ZSTD) => vec!["zstd"],
            _ => Vec::new(),
        });
    }
    if said.len() > 3 {
        return Err(DecodeError::Unknown);
    }
    let known = |name: &String| KNOWN.into_iter().find(|known| known == name || (name == "x-gzip" && *known == "gzip"));
    said.iter().rev().map(|name| known(name).ok_or(DecodeError::Unknown)).collect()
}

/// Unpacks one encoding in parts, into what came out before a fault as well.
fn unpack(
    name: &str,
    body: &[u8],
    most: usize,
    room: &mut dyn FnMut(usize) -> bool,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut reader: Box<dyn Read + '_> = match name {
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(body)),
        "deflate" => Box::new(flate2::read::ZlibDecoder::new(body)),
        "raw" => Box::new(flate2::read::DeflateDecoder::new(body)),
        "br" => Box::new(brotli::Decompressor::new(body, 4096)),
        _ => Box::new(zstd::Decoder::new(body).map_err(|_| DecodeError::Malformed)?),
    };
    loop {
        let before = out.len();
        if !room(before + PART) {
            return Err(DecodeError::NoRoom);
        }
        let part = reader.by_ref().take(PART as u64).read_to_end(out);
        match part {
            _ if out.len() > most => return Err(DecodeError::Expands),
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(_) => return Err(DecodeError::Malformed),
        }
    }
}
