//! One question to the Web API, before it is sent.

use reqwest::Url;
use serde_json::Value;

use super::{fault::RequestError, key::Digest, life::Life, operation::Operation};
use crate::model::Timestamp;

/// How close to the clock an end is "now", in seconds.
const NOW_S: i64 = 5;
/// A time that is over for so many seconds doesn't change any more.
const CLOSED_S: i64 = 3_600;

/// When the time that a question is about ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Now: it moves on.
    Now,
    /// A while ago.
    Lately,
    /// So long ago that nothing comes after.
    Over,
}

/// A request: an operation, what fills its path, and parameters.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) operation: &'static Operation,
    segments: Vec<(&'static str, String)>,
    params: Vec<(&'static str, String)>,
    span: Option<(Timestamp, Timestamp)>,
    /// How fast the reply changes.
    pub(super) life: Life,
    pub(super) body: Option<Value>,
}

impl Ask {
    pub(super) fn new(operation: &'static Operation) -> Self {
        let life = operation.life;
        Self { operation, segments: Vec::new(), params: Vec::new(), span: None, life, body: None }
    }

    /// Fills `{name}` of the path. The value is one segment, whatever is in it.
    pub(super) fn segment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.segments.push((name, value.into()));
        self
    }

    pub(super) fn param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    pub(super) fn param_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.param(name, value),
            None => self,
        }
    }

    /// The same parameter several times.
    pub(super) fn each<T: Into<String>>(mut self, name: &'static str, values: impl IntoIterator<Item = T>) -> Self {
        self.params.extend(values.into_iter().map(|value| (name, value.into())));
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// From a moment to a moment, to the microsecond.
    pub(super) fn between(mut self, start: Timestamp, end: Timestamp) -> Self {
        self.span = Some((start, end));
        self
    }

    /// The reply changes as fast as that, whatever is usual for the operation.
    pub(super) fn lives(mut self, life: Life) -> Self {
        self.life = life;
        self
    }

    /// When the time that it is about ends.
    pub(super) fn ends(&self, now: Timestamp) -> Ends {
        match self.span.map_or(0, |(_, end)| now.as_second() - end.as_second()) {
            ago if ago > CLOSED_S => Ends::Over,
            ago if ago > NOW_S => Ends::Lately,
            _ => Ends::Now,
        }
    }

    /// Adds all that tells it from other questions. What ends now is told from now, so that it is the same question a
    /// moment later.
    pub(super) fn digest(&self, now: Timestamp, digest: &mut Digest) {
        digest.part(self.operation.method.as_bytes());
        digest.part(self.operation.path.as_bytes());
        for (name, value) in self.segments.iter().chain(&self.params) {
            digest.part(name.as_bytes());
            digest.part(value.as_bytes());
        }
        if let Some((start, end)) = self.span {
            let told = if self.ends(now) == Ends::Now { before(start, end) } else { format!("{start} {end}") };
            digest.part(told.as_bytes());
        }
    }

    /// The whole address. A segment that would mean another folder is nothing that exists.
    pub(super) fn address(&self, base: &Url, org: &str) -> Result<Url, RequestError> {
        let mut url = base.clone();
        {
            let mut path = url.path_segments_mut().map_err(|()| RequestError::NotThere)?;
            path.pop_if_empty().push("api");
            if !self.operation.path.starts_with("../") {
                path.push("0");
            }
            for part in self.operation.path.trim_start_matches("../").split('/') {
                let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
                let value = match name {
                    None => part,
                    Some("org") => org,
                    Some(name) => self.value_of(name).ok_or(RequestError::NotThere)?,
                };
                if name.is_some() && (value.is_empty() || value.chars().all(|c| c == '.')) {
                    return Err(RequestError::NotThere);
                }
                path.push(value);
            }
        }
        if !self.params.is_empty() || self.span.is_some() {
            let span = self.span.map(|(start, end)| [("start", moment(start)), ("end", moment(end))]);
            url.query_pairs_mut().extend_pairs(&self.params).extend_pairs(span.into_iter().flatten());
        }
        Ok(url)
    }

    fn value_of(&self, name: &str) -> Option<&str> {
        self.segments.iter().find(|(segment, _)| *segment == name).map(|(_, value)| value.as_str())
    }
}

/// A start as it is told from an end that is now: by itself where it is a whole hour, else in seconds before the end.
fn before(start: Timestamp, end: Timestamp) -> String {
    let by_itself = start.as_nanosecond() % 3_600_000_000_000 == 0;
    match start.subsec_nanosecond() == end.subsec_nanosecond() && !by_itself {
        true => format!("{} s", end.as_second() - start.as_second()),
        false => start.to_string(),
    }
}

/// As the Web API reads times: in UTC, to the microsecond, without a zone.
pub(super) fn moment(time: Timestamp) -> String {
    let micros = Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time);
    format!("{micros:.6}").trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sentry::operation::{COMMITS, SETTINGS};

    #[test]
    fn a_segment_stays_one() {
        let base = Url::parse("https://x.example/sentry/").unwrap();
        let at = |version: &str| Ask::new(&COMMITS).segment("version", version).address(&base, "o");
        let url = at("shop@2.3.0+12 b/c?d#e%2f").unwrap();
        assert_eq!(
            url.as_str(),
            "https://x.example/sentry/api/0/organizations/o/releases/shop@2.3.0+12%20b%2Fc%3Fd%23e%252f/commits/"
        );
        assert!(at("..").is_err() && at("").is_err());
        let url = Ask::new(&SETTINGS).address(&base, "o").unwrap();
        assert_eq!(url.as_str(), "https://x.example/sentry/api/settings/");
        assert_eq!(moment("2026-11-20T12:00:00.123456789Z".parse().unwrap()), "2026-11-20T12:00:00.123456");
    }
}
