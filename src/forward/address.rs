//! Whose an envelope is: the address that it goes to, and the header that names it.

use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    model::Timestamp,
    protocol::{Dsn, Limits, read_json},
};

/// Where envelopes go, by a DSN.
#[derive(Clone, Debug)]
pub struct Destination {
    dsn: String,
    /// The key that lets them in.
    pub(super) key: String,
    /// Where they are posted.
    pub(super) url: Url,
}

/// Not a DSN.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("--forward takes a DSN, such as https://KEY@o1.ingest.sentry.io/42")]
pub struct DestinationError;

impl std::str::FromStr for Destination {
    type Err = DestinationError;

    /// `https://KEY@HOST/PATH/42` → `https://HOST/PATH/api/42/envelope/`.
    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let dsn = text.trim();
        let Dsn { public_key: key, project } = Dsn::parse(dsn).ok_or(DestinationError)?;
        let mut url: Url = dsn.parse().map_err(|_| DestinationError)?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let plain = url.set_username("").is_ok() && url.set_password(None).is_ok();
        if !web || !plain {
            return Err(DestinationError);
        }
        let before = url.path().trim_end_matches('/').trim_end_matches(project.as_str()).trim_end_matches('/');
        let path = format!("{before}/api/{project}/envelope/");
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { dsn: dsn.to_owned(), key, url })
    }
}

/// The envelope as its new owner wants it: the DSN in its header, and the key in its trace, are the destination's. The
/// sender's time moves by as long as the envelope waited, since the server reads the sender's clock from it.
pub(super) fn readdressed(envelope: &[u8], to: &Destination, received: Timestamp, now: Timestamp) -> Vec<u8> {
    let (first, rest) = header_and_rest(envelope);
    let mut header = read_json(first, Limits::default().depth).ok().filter(Value::is_object).unwrap_or(json!({}));
    header["dsn"] = to.dsn.as_str().into();
    if let Some(trace) = header.get_mut("trace").and_then(Value::as_object_mut)
        && trace.contains_key("public_key")
    {
        trace.insert("public_key".to_owned(), to.key.as_str().into());
    }
    let sent = header.get("sent_at").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    if let Some(moved) = sent.and_then(|sent| sent.checked_add(now.duration_since(received)).ok()) {
        header["sent_at"] = moved.to_string().into();
    }
    let mut out = header.to_string().into_bytes();
    out.push(b'\n');
    out.extend_from_slice(rest);
    out
}

/// Whether an envelope is among a share of all: by its trace, so that an event and its replay go together, else by its
/// event, else by what it is.
pub(super) fn is_sampled(envelope: &[u8], share: f64) -> bool {
    if share >= 1.0 {
        return true;
    }
    let (first, _) = header_and_rest(envelope);
    let header = read_json(first, Limits::default().depth).unwrap_or_default();
    let named = [header.pointer("/trace/trace_id"), header.get("event_id")];
    let digest = match named.into_iter().flatten().find_map(Value::as_str) {
        Some(name) => Sha256::digest(name.replace('-', "").to_ascii_lowercase()),
        None => Sha256::digest(envelope),
    };
    let place = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(place) / f64::from(u32::MAX) < share
}

fn header_and_rest(envelope: &[u8]) -> (&[u8], &[u8]) {
    match envelope.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&envelope[..at], &envelope[at + 1..]),
        None => (envelope, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_dsn_says_where_to_post() {
        let to = |dsn: &str| dsn.parse::<Destination>().map(|to| (to.url.to_string(), to.key));
        let (url, key) = to("https://abc@o1.ingest.sentry.io/42").unwrap();
        assert_eq!((url.as_str(), key.as_str()), ("https://o1.ingest.sentry.io/api/42/envelope/", "abc"));
        assert_eq!(to("http://abc:secret@host:9000/sub/42").unwrap().0, "http://host:9000/sub/api/42/envelope/");
        for bad in ["", "https://host/42", "ftp://abc@host/42", "abc@host/42"] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_owner_and_the_time_of_sending_change() {
        let to: Destination = "https://theirs@sentry.example/42".parse().unwrap();
        let sent = b"{\"event_id\":\"aa\",\"dsn\":\"http://ours@here/1\",\"sent_at\":\"2026-11-30T10:00:00Z\",\
            \"trace\":{\"trace_id\":\"t\",\"public_key\":\"ours\"}}\n{\"type\":\"event\"}\n{\"a\":1}\n";
        let got = String::from_utf8(readdressed(sent, &to, at(1_000), at(1_090))).unwrap();
        let (header, rest) = got.split_once('\n').unwrap();
        let header: Value = serde_json::from_str(header).unwrap();
        assert_eq!(header["dsn"], "https://theirs@sentry.example/42");
        assert_eq!(header["trace"], json!({ "trace_id": "t", "public_key": "theirs" }));
        assert_eq!((&header["sent_at"], &header["event_id"]), (&json!("2026-11-30T10:01:30Z"), &json!("aa")));
        assert_eq!(rest, "{\"type\":\"event\"}\n{\"a\":1}\n");
        assert!(readdressed(b"", &to, at(1), at(1)).starts_with(b"{\"dsn\""));
    }

    #[test]
    fn a_sample_is_a_share_and_takes_all_of_a_trace() {
        let of = |n: u32| format!("{{\"event_id\":\"{n:032x}\",\"trace\":{{\"trace_id\":\"{:032x}\"}}}}\n", n / 2);
        let taken = (0..2_000).filter(|n| is_sampled(of(*n).as_bytes(), 0.25)).count();
        assert!((400..600).contains(&taken), "{taken}");
        for pair in 0..500 {
            let both = [0, 1].map(|n| is_sampled(of(pair * 2 + n).as_bytes(), 0.25));
            assert_eq!(both[0], both[1]);
        }
        assert!(!is_sampled(b"{}\n", 0.0) && is_sampled(b"", 1.0));
    }
}
