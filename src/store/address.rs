//! Reads web addresses as people paste them from a browser: what they name, and whose it is.
//!
//! Forms of Sentry's service (organisation subdomains, regions), of self-hosted servers, older ones and GlitchTip.
//! Nothing is ever fetched from such an address.

use url::Url;

use crate::model::EventId;

/// First labels of hosts of the service that name no organisation.
const NO_ORGANISATION: [&str; 4] = ["us", "de", "eu", "www"];

/// A web address that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress {
    /// Its host, with the port where it names one.
    pub host: String,
    /// Slug of the organisation, where it names one.
    pub organisation: Option<String>,
    /// What it names; `None`: nothing that a tool could answer about.
    pub names: Option<Named>,
}

/// The thing that an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// An issue by number or short id.
    Issue(String),
    /// One of an issue's events.
    EventOf {
        /// The issue, by number or short id.
        issue: String,
        /// Which event.
        which: WhichEvent,
    },
    /// An event by its id alone.
    Event(EventId),
    /// A replay.
    Replay(EventId),
    /// A trace.
    Trace(String),
    /// A release by its name.
    Release(String),
}

/// Which of an issue's events an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichEvent {
    /// The one with this id.
    Id(EventId),
    /// The newest.
    Latest,
    /// The oldest.
    Oldest,
    /// The most telling.
    Recommended,
}

impl Named {
    /// What it is, for people.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Issue(_) => "an issue",
            Self::EventOf { .. } | Self::Event(_) => "an event",
            Self::Replay(_) => "a replay",
            Self::Trace(_) => "a trace",
            Self::Release(_) => "a release",
        }
    }
}

impl WebAddress {
    /// Reads an address that was pasted without `https://`: a host with a dot, and a path that names something.
    pub fn read_without_scheme(text: &str) -> Option<Self> {
        let text = text.trim();
        let (host, _) = text.split_once('/')?;
        let is_host = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
        Self::read(&format!("https://{text}")).filter(|address| is_host && address.names.is_some())
    }

    /// Reads a text; `None` where it is no web address.
    pub fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let name = url.host_str().filter(|host| !host.is_empty())?;
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().ok().map(String::from);
        let parts: Option<Vec<String>> = url.path_segments()?.filter(|part| !part.is_empty()).map(decoded).collect();
        let parts = parts.unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let organisation = in_path(&parts).or_else(|| in_host(name)).map(str::to_owned);
        Some(Self { host, organisation, names: named(&parts) })
    }
}

/// `/organizations/ORG/…`, or `/ORG/PROJECT/issues/…` and `/ORG/issues/…` of older servers and GlitchTip.
fn in_path<'a>(parts: &[&'a str]) -> Option<&'a str> {
    if let Some(at) = parts.iter().position(|part| *part == "organizations") {
        return parts.get(at + 1).copied();
    }
    match parts {
        [org, "issues", ..] | [org, _, "issues", ..] if *org != "issues" && *org != "settings" => Some(org),
        _ => None,
    }
}

/// `ORG.sentry.io`.
fn in_host(host: &str) -> Option<&str> {
    let label = host.strip_suffix(".sentry.io")?;
    (!NO_ORGANISATION.contains(&label) && !label.contains('.')).then_some(label)
}

fn named(parts: &[&str]) -> Option<Named> {
    let after = |word: &str| parts.iter().rposition(|part| *part == word).and_then(|at| parts.get(at + 1)).copied();
    if let Some(replay) = after("replays") {
        // `PROJECT:REPLAY` is an older form.
        return id(replay).map(Named::Replay);
    }
    if let Some(issue) = after("issues") {
        return of_issue(issue, after("events"), parts);
    }
    if let Some(event) = after("events").or_else(|| after("discover")) {
        return id(event).map(Named::Event);
    }
    if let Some(trace) = after("trace") {
        return id(trace).map(|trace| Named::Trace(trace.to_string()));
    }
    after("releases").map(|version| Named::Release(version.to_owned()))
}

fn of_issue(issue: &str, event: Option<&str>, parts: &[&str]) -> Option<Named> {
    // A view of the list (`/issues/views/5/`, `/issues/alerts/…`) is no issue.
    let is_issue = issue.bytes().all(|b| b.is_ascii_digit()) || issue.contains('-');
    let issue = is_issue.then(|| issue.to_owned())?;
    let which = match event {
        None if parts.last() == Some(&"events") || !parts.contains(&"events") => return Some(Named::Issue(issue)),
        None => return None,
        Some("latest") => WhichEvent::Latest,
        Some("oldest") => WhichEvent::Oldest,
        Some("recommended") => WhichEvent::Recommended,
        Some(event) => WhichEvent::Id(id(event)?),
    };
    Some(Named::EventOf { issue, which })
}

/// An id, alone or after `PROJECT:`.
fn id(text: &str) -> Option<EventId> {
    text.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn read(text: &str) -> (String, Option<String>, Option<Named>) {
        let WebAddress { host, organisation, names } = WebAddress::read(text).unwrap();
        (host, organisation, names)
    }

    #[test]
    fn every_form_of_address_is_read() {
        let id: EventId = ID.parse().unwrap();
        let issue = || Some(Named::Issue("5123".into()));
        let event = |which| Some(Named::EventOf { issue: "5123".into(), which });
        let acme = || Some("acme".to_owned());
        for (text, organisation, names) in [
            ("https://acme.sentry.io/issues/5123/?project=1&query=is%3Aunresolved", acme(), issue()),
            ("https://sentry.io/organizations/acme/issues/5123/", acme(), issue()),
            ("https://us.sentry.io/organizations/acme/issues/5123/tags/", acme(), issue()),
            ("https://x.example/sentry/organizations/acme/issues/5123/events/", acme(), issue()),
            ("https://x.example/acme/shop/issues/5123/", acme(), issue()),
            ("https://glitchtip.example/acme/issues/5123", acme(), issue()),
            ("https://us.sentry.io/issues/SHOP-4K/", None, Some(Named::Issue("SHOP-4K".into()))),
            ("https://acme.sentry.io/issues/5123/events/latest/", acme(), event(WhichEvent::Latest)),
            ("https://acme.sentry.io/issues/5123/events/oldest/", acme(), event(WhichEvent::Oldest)),
            ("https://acme.sentry.io/issues/5123/events/recommended/", acme(), event(WhichEvent::Recommended)),
            (
                &format!("https://acme.sentry.io/issues/5123/events/{ID}/#breadcrumbs"),
                acme(),
                event(WhichEvent::Id(id)),
            ),
            ("https://acme.sentry.io/issues/5123/events/zz/", acme(), None),
            (&format!("https://acme.sentry.io/explore/replays/{ID}/?t=12"), acme(), Some(Named::Replay(id))),
            (&format!("https://x.example/organizations/acme/replays/shop:{ID}/"), acme(), Some(Named::Replay(id))),
            (&format!("https://acme.sentry.io/issues/5123/replays/{ID}/"), acme(), Some(Named::Replay(id))),
            (&format!("https://acme.sentry.io/discover/shop:{ID}/"), acme(), Some(Named::Event(id))),
            (
                &format!("https://x.example/organizations/acme/projects/shop/events/{ID}/"),
                acme(),
                Some(Named::Event(id)),
            ),
            (&format!("https://acme.sentry.io/performance/trace/{ID}/"), acme(), Some(Named::Trace(ID.into()))),
            (&format!("https://acme.sentry.io/explore/traces/trace/{ID}/"), acme(), Some(Named::Trace(ID.into()))),
            (
                "https://acme.sentry.io/releases/shop%402.3.0%2B12/?project=1",
                acme(),
                Some(Named::Release("shop@2.3.0+12".into())),
            ),
            ("https://acme.sentry.io/issues/views/5/", acme(), None),
            ("https://acme.sentry.io/dashboard/7/", acme(), None),
        ] {
            let (_, own, what) = read(text);
            assert_eq!((own, what), (organisation, names), "{text}");
        }
        assert_eq!(read("http://127.0.0.1:8969/issues/7/").0, "127.0.0.1:8969");
        let bare = WebAddress::read_without_scheme("acme.sentry.io/issues/SHOP-4K/").unwrap();
        assert_eq!((bare.host.as_str(), bare.names), ("acme.sentry.io", Some(Named::Issue("SHOP-4K".into()))));
        for none in ["SHOP-4K", "shop.api/web@2.0.0", "../../etc", "issues/5/"] {
            assert_eq!(WebAddress::read_without_scheme(none), None, "{none}");
        }
        for none in ["5123", "SHOP-4K", ID, "ftp://x.example/issues/5/", "https://"] {
            assert_eq!(WebAddress::read(none), None, "{none}");
        }
    }
}
