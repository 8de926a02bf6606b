//! Reading a text from a place on, within bounds.

/// A place in a text that is read from left to right.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn eat(&mut self, part: &str) -> bool {
        let is = self.rest().starts_with(part);
        self.at += if is { part.len() } else { 0 };
        is
    }

    pub(super) fn eat_any(&mut self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.eat(part))
    }

    /// White space, no more than a line's indent of it.
    pub(super) fn gap(&mut self) -> bool {
        let n = self.rest().bytes().take(64).take_while(u8::is_ascii_whitespace).count();
        self.at += n;
        n > 0
    }

    /// A quote, escaped or not.
    pub(super) fn quote(&mut self) -> Option<&'static str> {
        ["\\\"", "\\'", "\"", "'", "`"].into_iter().find(|quote| self.eat(quote))
    }
}

/// The first bytes of a text, and no more than whole characters.
pub(super) fn bounded(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The last bytes of a text, and no more than whole characters.
pub(super) fn last(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
