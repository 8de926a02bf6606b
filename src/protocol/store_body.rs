//! The body of the old `/store/` endpoint: one event, which old SDKs hid in base64 and zlib.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{DecodeError, Limits, decode_body};

/// The event's JSON. What is neither JSON nor base64 is given back as it came, for the parser to refuse.
///
/// # Errors
/// When it is cut, or unpacks to more than an event may have.
pub fn store_body<'a>(body: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = body.trim_ascii();
    if text.starts_with(b"{") {
        return Ok(Cow::Borrowed(body));
    }
    let Ok(packed) = BASE64_STANDARD.decode(text) else { return Ok(Cow::Borrowed(body)) };
    if packed.trim_ascii_start().starts_with(b"{") {
        return Ok(Cow::Owned(packed));
    }
    let limits = Limits { envelope_bytes: limits.event_bytes, ..*limits };
    Ok(Cow::Owned(decode_body(Some("deflate"), &packed, &limits)?.into_owned()))
}
