//! What happens to the characters of a text.

/// One line without control characters, cut to `limit` characters.
pub(super) fn clean_line(text: &str, limit: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { '⏎' } else { c }).collect();
    shorten(&line, limit)
}

/// The first `limit` characters and how many are missing.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… (+{})", &text[..at], text[at..].chars().count()),
    }
}
