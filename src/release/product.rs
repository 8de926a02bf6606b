//! Versions behind the name of what they are versions of.

use super::version::Version;

/// `Chrome 142` → (`Chrome`, 142), `okhttp/4.12.0` → (`okhttp`, 4.12.0), `17.6` → (``, 17.6); `None` for what has no
/// version at its end.
pub fn product(text: &str) -> Option<(&str, Version)> {
    let text = text.trim();
    let (name, version) = match text.rfind([' ', '/']) {
        Some(at) => (text[..at].trim_end(), &text[at + 1..]),
        None => ("", text),
    };
    let digits = version.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit());
    Some((name, Version::parse_prefix(version).filter(|_| digits)?))
}

#[cfg(test)]
mod tests {
    use super::product;

    #[test]
    fn a_name_and_its_version_come_apart() {
        let name = |text| product(text).map(|(name, _)| name);
        let wanted =
            [("Chrome 142", Some("Chrome")), ("Mac OS X 10.15.7", Some("Mac OS X")), ("okhttp/4.12.0", Some("okhttp"))];
        for (text, wanted) in
            wanted.into_iter().chain([("17.6", Some("")), ("Chrome", None), ("", None), ("Redmi x", None)])
        {
            assert_eq!(name(text), wanted, "{text}");
        }
        assert!(product("Chrome 99").map(|p| p.1) < product("Chrome 142").map(|p| p.1));
    }
}
