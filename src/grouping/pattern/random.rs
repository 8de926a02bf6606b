//! Ids made of letters alone: nano ids, base64, keys. No word of a person or a program looks like them.

/// Shorter ones could be names.
const SHORTEST: usize = 10;

/// `kQhXnZywjG`: small and capital letters change all the time, and more than one part has no vowel.
pub(super) fn is_random(core: &str) -> bool {
    let of_kind = core.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'_');
    if core.len() < SHORTEST || !of_kind {
        return false;
    }
    let letters: Vec<u8> = core.bytes().filter(u8::is_ascii_alphabetic).collect();
    let changes = letters.windows(2).filter(|two| two[0].is_ascii_uppercase() != two[1].is_ascii_uppercase()).count();
    let parts = parts(core);
    let silent = parts.iter().filter(|part| part.len() > 1 && !part.bytes().any(is_vowel)).count();
    changes * 9 >= letters.len() * 4 && silent > 1
}

/// `eyJpZCI6ImVsZXZlbiJ9Cg==`: base64 that ends with what fills it up.
pub(super) fn is_padded(core: &str) -> bool {
    let bare = core.trim_end_matches('=');
    let of_kind = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    bare.len() < core.len() && bare.len() >= SHORTEST && bare.bytes().all(of_kind)
}

/// The name cut before each capital letter that follows a small one, and at dashes.
fn parts(core: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = 'A';
    for c in core.chars() {
        if !c.is_ascii_alphabetic() || (c.is_ascii_uppercase() && before.is_ascii_lowercase()) {
            parts.push(String::new());
        }
        if let (true, Some(last)) = (c.is_ascii_alphabetic(), parts.last_mut()) {
            last.push(c);
        }
        before = c;
    }
    // `XMLHttp`: a run of capitals is an abbreviation.
    parts.retain(|part| part.bytes().filter(u8::is_ascii_uppercase).count() < 3);
    parts
}

fn is_vowel(b: u8) -> bool {
    matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_letters_are_told_from_names() {
        for id in ["kQhXnZywjG", "kQhXnZywjG-abcXYZ", "qWzRtPsDfGhJ"] {
            assert!(is_random(id), "{id}");
        }
        for name in [
            "getUserByIdentifier",
            "XMLHttpRequest",
            "toAnIdOfMine",
            "checkout-page",
            "HTTPSConnectionPool",
            "isNaNOrNull",
        ] {
            assert!(!is_random(name), "{name}");
        }
        assert!(is_padded("Y2FydDpzaG9w=") && !is_padded("retries=") && !is_padded("Y2FydDpzaG9w"));
    }
}
