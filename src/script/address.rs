//! Addresses: relative to the application's own, so that the script runs against any copy of it.

use crate::model::Untrusted;

/// Scheme, host and port of an address, and the rest, which begins with `/`.
pub fn split(url: &str) -> Option<(&str, &str)> {
    let scheme = url.find("://").filter(|at| url[..*at].bytes().all(|b| b.is_ascii_alphanumeric()))?;
    let rest = &url[scheme + 3..];
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some(url.split_at(scheme + 3 + host))
}

/// The address as the script says it: relative when it is of the application's origin.
pub fn relative(url: &str, origin: Option<&str>) -> String {
    match split(url) {
        Some((of, rest)) if origin.is_none_or(|origin| origin == of) => rooted(rest),
        Some(_) => url.to_owned(),
        None => rooted(url),
    }
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

fn rooted(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

/// Origin of the first address that has one.
pub fn origin<'a>(urls: impl Iterator<Item = &'a Untrusted>) -> Option<String> {
    urls.filter_map(|url| split(url.raw())).map(|(origin, _)| origin.to_owned()).find(|o| o.starts_with("http"))
}

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
            ("https://shop.example/item/lamp?q=1#top", "/item/lamp?q=1#top"),
            ("https://shop.example", "/"),
            ("https://shop.example?x=1", "/?x=1"),
            ("https://pay.example/x", "https://pay.example/x"),
            ("/cart", "/cart"),
            ("cart", "/cart"),
        ] {
            assert_eq!(relative(url, origin), want);
        }
        assert_eq!(path("https://shop.example/a/b?c#d"), "/a/b");
        assert_eq!(path_and_query("https://shop.example/a/b?c#d"), "/a/b?c");
        assert_eq!(split("not an address"), None);
        assert_eq!(split("/redirect?to=https://x.example/"), None);
    }
}
