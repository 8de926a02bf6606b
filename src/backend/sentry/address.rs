//! Where requests go: the configured host and nowhere else.

use reqwest::Url;

use super::{options::ConnectError, token::TokenClaims};

/// The address of a server: everything in front of `api/0/`, with a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) base: Url,
}

impl Address {
    /// What was named, else what the token carries, else Sentry's own.
    ///
    /// # Errors
    /// For what is no web address.
    pub(super) fn new(url: Option<&str>, carried: Option<&TokenClaims>) -> Result<Self, ConnectError> {
        let region = carried.and_then(|c| c.region_url.as_deref());
        let named = url.map(Self::parse).transpose()?;
        let own = region.or(carried.and_then(|c| c.url.as_deref())).and_then(|url| Self::parse(url).ok());
        Ok(match (named, own) {
            // The token's own region spares a hop, where both are Sentry's.
            (Some(named), Some(own)) if named.is_control() && own.is_saas() => own,
            (Some(named), _) => named,
            (None, Some(own)) => own,
            (None, None) => Self::parse("https://sentry.io")?,
        })
    }

    fn parse(text: &str) -> Result<Self, ConnectError> {
        let mut base =
            Url::parse(text.trim()).map_err(|_| ConnectError::Url("say it like https://sentry.example.com"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none_or(str::is_empty) {
            return Err(ConnectError::Url("it begins with https:// or http://"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(ConnectError::Url("credentials don't belong into it; the token comes from the environment"));
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api/0").unwrap_or(path).to_owned();
        base.set_path(&format!("{path}/"));
        let address = Self { base };
        if address.is_sentrys() && address.base.scheme() != "https" {
            return Err(ConnectError::Url("sentry.io is reached over https:// alone"));
        }
        Ok(address)
    }

    fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    fn is_sentrys(&self) -> bool {
        self.host() == "sentry.io" || self.host().ends_with(".sentry.io")
    }

    /// Whether it is Sentry's own service.
    pub(super) fn is_saas(&self) -> bool {
        self.is_sentrys() && self.base.scheme() == "https"
    }

    /// Whether it is the service's front, which forwards to a region at the price of a hop.
    pub(super) fn is_control(&self) -> bool {
        self.is_saas() && !["us.sentry.io", "de.sentry.io", "eu.sentry.io"].contains(&self.host())
    }

    /// The region that an answer names, where it may be followed.
    pub(super) fn region(&self, named: &str) -> Option<Self> {
        Self::parse(named).ok().filter(|region| self.is_control() && region.is_saas())
    }

    /// The page of an issue for people.
    pub(super) fn issue_page(&self, org: &str, issue: i64) -> String {
        let host = if self.is_saas() && !self.is_control() { "https://sentry.io/" } else { self.base.as_str() };
        format!("{host}organizations/{org}/issues/{issue}/")
    }

    /// Whether a host, with its port where it has one, is this server's. All of the service's are one.
    pub(super) fn owns(&self, host: &str) -> bool {
        let theirs = host == "sentry.io" || host.ends_with(".sentry.io");
        let own = self.base.port().map_or_else(|| self.host().to_owned(), |port| format!("{}:{port}", self.host()));
        (self.is_sentrys() && theirs) || host == own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: Option<&str>, region: Option<&str>) -> String {
        let carried =
            TokenClaims { url: Some("https://sentry.io".into()), region_url: region.map(Into::into), org: None };
        Address::new(url, region.map(|_| &carried)).unwrap().base.to_string()
    }

    #[test]
    fn the_named_host_is_never_left() {
        assert_eq!(at(None, None), "https://sentry.io/");
        assert_eq!(at(None, Some("https://de.sentry.io")), "https://de.sentry.io/");
        assert_eq!(at(Some("https://sentry.io"), Some("https://de.sentry.io")), "https://de.sentry.io/");
        assert_eq!(at(Some("https://sentry.io"), Some("https://de.sentry.io.evil.example")), "https://sentry.io/");
        assert_eq!(
            at(Some("https://x.example/sentry/api/0/"), Some("https://de.sentry.io")),
            "https://x.example/sentry/"
        );
        assert_eq!(at(Some("http://127.0.0.1:8969"), None), "http://127.0.0.1:8969/");
        for bad in ["", "sentry.io", "ftp://x.example", "https://u:p@x.example", "http://sentry.io"] {
            assert!(Address::new(Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_followed_from_the_front_alone() {
        let front = Address::new(None, None).unwrap();
        assert!(front.region("https://de.sentry.io").is_some());
        assert!(front.region("https://de.sentry.io.evil.example").is_none());
        let own = Address::new(Some("https://sentry.example"), None).unwrap();
        assert!(own.region("https://de.sentry.io").is_none());
        assert!(own.owns("sentry.example") && !own.owns("other.example") && !own.owns("sentry.example:8443"));
        assert!(front.owns("acme.sentry.io") && !front.owns("acme.sentry.io.evil.example"));
    }
}
