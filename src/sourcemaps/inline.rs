//! Maps that stand in the script itself: `//# sourceMappingURL=data:application/json;base64,…`.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The script's own last word on where its map is; a map in it as it stands there.
pub(super) fn reference(script: &[u8]) -> Option<String> {
    let word = b"sourceMappingURL=";
    let at = script.windows(word.len()).rposition(|part| part == word)?;
    let before = &script[at.saturating_sub(4)..at];
    if !before.ends_with(b"# ") && !before.ends_with(b"@ ") {
        return None;
    }
    let rest = &script[at + word.len()..];
    let end = rest.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
    let text = std::str::from_utf8(&rest[..end]).ok()?.trim_end_matches("*/");
    (!text.is_empty()).then(|| text.to_owned())
}

/// The bytes of a `data:` address: base64, or text with percent signs.
pub(super) fn decode(address: &str) -> Option<Vec<u8>> {
    let (kind, data) = address.strip_prefix("data:")?.split_once(',')?;
    if kind.split(';').any(|part| part.eq_ignore_ascii_case("base64")) {
        return STANDARD.decode(data.trim()).ok();
    }
    Some(percent_encoding::percent_decode_str(data).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let script = b"x('//# sourceMappingURL=a.map');\n//# sourceMappingURL=b.js.map\n";
        assert_eq!(reference(script).as_deref(), Some("b.js.map"));
        assert_eq!(reference(b"/*# sourceMappingURL=c.map*/").as_deref(), Some("c.map"));
        assert_eq!(reference(b"let sourceMappingURL=1"), None);
    }

    #[test]
    fn addresses_hold_bytes() {
        assert_eq!(decode("data:application/json;charset=utf-8;base64,e30=").as_deref(), Some(&b"{}"[..]));
        assert_eq!(decode("data:application/json,%7B%7D").as_deref(), Some(&b"{}"[..]));
        assert_eq!(decode("data:application/json;base64,*"), None);
    }
}
