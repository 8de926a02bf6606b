//! Who sends, and to which project: DSNs and the headers that carry their keys.

use super::{Limits, read_json};
use crate::model::{Untrusted, query_pairs};

/// A DSN: where an SDK sends to, and the key that lets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// Public key.
    pub public_key: String,
    /// Number or name of the project.
    pub project: String,
}

impl Dsn {
    /// Reads `http://KEY@HOST/PROJECT`, with a secret after the key and a path before the project if need be.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.trim().split_once("://")?;
        let (keys, place) = rest.split_once('@')?;
        let public_key = keys.split(':').next().filter(|key| is_key(key))?;
        let path = place.split(['?', '#']).next()?.trim_end_matches('/');
        let (_, project) = path.rsplit_once('/')?;
        is_project(project).then(|| Self { public_key: public_key.to_owned(), project: project.to_owned() })
    }
}

/// What a request says of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Public key.
    pub public_key: String,
    /// Name and version of the SDK, when said.
    pub client: Option<Untrusted>,
}

impl Auth {
    /// Reads the header `X-Sentry-Auth` or `Authorization`: `Sentry sentry_key=…, sentry_client=…`.
    pub fn of_header(value: &str) -> Option<Self> {
        let (scheme, pairs) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("sentry") {
            return None;
        }
        Self::of_pairs(pairs.split(',').filter_map(|pair| pair.trim().split_once('=')))
    }

    /// Reads the query of the request's address.
    pub fn of_query(query: &str) -> Option<Self> {
        let pairs = query_pairs(query);
        Self::of_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn of_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let (mut key, mut client) = (None, None);
        for (name, value) in pairs {
            let value = value.trim().trim_matches('"');
            match name.trim() {
                "sentry_key" | "glitchtip_key" => key = Some(value),
                "sentry_client" => client = Some(Untrusted::from(value)),
                _ => {}
            }
        }
        let public_key = key.filter(|key| is_key(key))?.to_owned();
        Some(Self { public_key, client })
    }
}

impl From<Dsn> for Auth {
    fn from(dsn: Dsn) -> Self {
        Self { public_key: dsn.public_key, client: None }
    }
}

/// The DSN in an envelope's header, without reading the rest.
pub fn dsn_of(body: &[u8]) -> Option<Dsn> {
    let line = body.split(|b| *b == b'\n').next()?;
    let header = read_json(line, Limits::default().depth).ok()?;
    Dsn::parse(header.get("dsn")?.as_str()?)
}

fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn is_project(project: &str) -> bool {
    (1..=64).contains(&project.len()) && project.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dsns_are_read_in_all_their_forms() {
        let dsn = |text: &str| Dsn::parse(text).map(|d| (d.public_key, d.project));
        let want = Some(("abc123".to_owned(), "7".to_owned()));
        assert_eq!(dsn("http://abc123@127.0.0.1:8969/7"), want);
        assert_eq!(dsn("https://abc123:secret@example.com/below/7/"), want);
        for bad in ["", "abc", "http://127.0.0.1/7", "http://abc@host", "http://a b@host/7", "http://abc@host/a%2Fb"] {
            assert_eq!(dsn(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_found_in_headers() {
        let auth = Auth::of_header("Sentry sentry_key=00ff, sentry_version=7, sentry_client=sentry.python/2.75.0");
        let auth = auth.unwrap();
        assert_eq!(auth.public_key, "00ff");
        assert_eq!(auth.client.unwrap().raw(), "sentry.python/2.75.0");
        assert_eq!(Auth::of_header("sentry sentry_key=00ff").unwrap().public_key, "00ff");
        assert_eq!(Auth::of_header("Bearer abc"), None);
        assert_eq!(Auth::of_header("Sentryx sentry_key=00ff"), None);
        assert_eq!(Auth::of_header("Sentry sentry_version=7"), None);
    }
}
