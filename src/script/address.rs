//! Addresses: relative to the application's own, so that the script runs against any copy of it.

use crate::model::Untrusted;

/// Scheme, host and port of an address, and the rest, which begins with `/`.
pub fn split(url: &str) -> Option<(&str, &str)> {
    let scheme = url.find("://").filter(|at| url[..*at].bytes().all(|b| b.is_ascii_alphanumeric()))?;
    let rest = &url[scheme + 3..];
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some(url.split_at(scheme + 3 + host))
}

/// The address as the script says it, relative to the application's own; `None`: it is of another host, or of none.
pub fn relative(url: &str, origin: Option<&str>) -> Option<String> {
    match split(url) {
        Some((of, rest)) if origin.is_none_or(|origin| origin == of) && of.starts_with("http") => Some(rooted(rest)),
        Some(_) => None,
        None if has_scheme(url) => None,
        None => Some(rooted(url)),
    }
}

/// `javascript:…`, `data:…`: a scheme without a host.
fn has_scheme(url: &str) -> bool {
    let head = url.split(['/', '?', '#']).next().unwrap_or("");
    head.split_once(':').is_some_and(|(scheme, _)| scheme.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Path alone, without query and fragment.
pub fn path(url: &str) -> String {
    let rest = split(url).map_or(url, |(_, rest)| rest);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    rooted(&rest[..end])
}

/// Path and query, without fragment.
pub fn path_and_query(url: &str) -> String {
    let rest = split(url).map_or(url, |(_, rest)| rest);
    rooted(rest.split('#').next().unwrap_or(""))
}

/// With one slash at its start: two, or one and a backslash, would begin a host. Browsers skip what is no character.
fn rooted(rest: &str) -> String {
    let seen: String = rest.chars().filter(|c| !c.is_control()).collect();
    let end = seen.find(['?', '#']).unwrap_or(seen.len());
    let (path, more) = seen.split_at(end);
    let path = path.trim_start().replace('\\', "/");
    format!("/{}{more}", path.trim_start_matches('/'))
}

/// The origin that most addresses are of; of several with as many, the first.
pub fn origin<'a>(urls: impl Iterator<Item = &'a Untrusted>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (origin, _) in urls.filter_map(|url| split(url.raw())).filter(|(origin, _)| origin.starts_with("http")) {
        match counts.iter().position(|(known, _)| *known == origin) {
            Some(at) => counts[at].1 += 1,
            None if counts.len() < ORIGINS => counts.push((origin, 1)),
            None => {}
        }
    }
    let most = counts.iter().map(|(_, n)| *n).max()?;
    counts.iter().find(|(_, n)| *n == most).map(|(origin, _)| (*origin).to_owned())
}

/// Origins that are counted: a visit has a few.
const ORIGINS: usize = 64;

/// Whether a path names something that was counted or drawn at random, and so is another the next time.
pub fn varies(path: &str) -> bool {
    path.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_relative_to_their_own_origin_alone() {
        let origin = Some("https://shop.example");
        for (url, want) in [
            ("https://shop.example/item/lamp?q=1#top", Some("/item/lamp?q=1#top")),
            ("https://shop.example", Some("/")),
            ("https://shop.example?x=1", Some("/?x=1")),
            ("https://shop.example//evil.example/x", Some("/evil.example/x")),
            ("https://shop.example/\\evil.example/x", Some("/evil.example/x")),
            ("https://shop.example/\t/evil.example/x", Some("/evil.example/x")),
            ("https://pay.example/x", None),
            ("file:///etc/passwd", None),
            ("javascript:alert(1)", None),
            ("/cart", Some("/cart")),
            ("//evil.example", Some("/evil.example")),
            ("cart", Some("/cart")),
        ] {
            assert_eq!(relative(url, origin).as_deref(), want, "{url}");
        }
        assert_eq!(path("https://shop.example/a/b?c#d"), "/a/b");
        assert_eq!(path_and_query("https://shop.example/a/b?c#d"), "/a/b?c");
        assert_eq!(split("not an address"), None);
        assert_eq!(split("/redirect?to=https://x.example/"), None);
    }
}
