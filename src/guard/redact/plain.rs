//! A text as a reader takes it: escapes undone, invisible characters gone, and where each byte came from.

use super::super::text::{is_bidi, is_invisible, is_selector};

/// Encodings within encodings that are undone: `%252540` is two of `%40`.
const LAYERS: usize = 3;

/// A text without its escapes.
pub(super) struct Plain {
    text: String,
    /// Where in the original the unit begins that each byte came from.
    at: Vec<u32>,
    /// Where that unit ends.
    till: Vec<u32>,
}

impl Plain {
    /// The text without escapes; `None` where it has none, or is too long to be mapped.
    pub(super) fn of(text: &str) -> Option<Self> {
        if u32::try_from(text.len()).is_err() || !may_differ(text) {
            return None;
        }
        let mut plain = Self::layer(text)?;
        for _ in 1..LAYERS {
            let Some(next) = Self::layer(&plain.text) else { break };
            let at = next.at.iter().map(|at| plain.at[*at as usize]).collect();
            let till = next.till.iter().map(|till| plain.till[*till as usize - 1]).collect();
            plain = Self { text: next.text, at, till };
        }
        Some(plain)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A range of this text, of one byte at least, in the original.
    pub(super) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        match end > start {
            true => (self.at[start] as usize, self.till[end - 1] as usize),
            false => (0, 0),
        }
    }

    /// One layer of escapes undone; `None`: there is none.
    fn layer(text: &str) -> Option<Self> {
        let mut plain = Self {
            text: String::with_capacity(text.len()),
            at: Vec::with_capacity(text.len()),
            till: Vec::with_capacity(text.len()),
        };
        let (mut from, mut changed) = (0, false);
        while let Some(c) = text[from..].chars().next() {
            let step = unit(text, from, c);
            changed |= !matches!(step, Unit::Same);
            let length = match step {
                Unit::Same => {
                    plain.push(c, from, c.len_utf8());
                    c.len_utf8()
                }
                Unit::Char(other, length) => {
                    plain.push(other, from, length);
                    length
                }
                Unit::Gone(length) => length,
            };
            from += length;
        }
        changed.then_some(plain)
    }

    fn push(&mut self, c: char, at: usize, length: usize) {
        self.text.push(c);
        self.at.resize(self.text.len(), at as u32);
        self.till.resize(self.text.len(), (at + length) as u32);
    }
}

/// Whether a character beyond ASCII is read as one of it: full width and the like.
pub(super) fn reads_as_ascii(c: char) -> bool {
    matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{fe63}' | '\u{fe6b}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2024}' | '\u{3002}')
}

/// What stands at a place, and how many bytes it takes.
enum Unit {
    Same,
    Char(char, usize),
    Gone(usize),
}

fn may_differ(text: &str) -> bool {
    text.bytes().any(|b| matches!(b, b'%' | b'\\' | b'&' | 0x1b | 0x7f..)) || text.contains("=40")
}

fn unit(text: &str, at: usize, c: char) -> Unit {
    let rest = &text[at..];
    match c {
        '%' => percent(rest),
        '\\' => backslash(rest),
        '&' => entity(rest),
        // Quoted-printable, of addresses alone: elsewhere it is a value.
        '=' if rest.starts_with("=40") => Unit::Char('@', 3),
        '\u{1b}' => Unit::Gone(colour(rest)),
        _ if c.is_ascii() => Unit::Same,
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Unit::Char(' ', c.len_utf8()),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' => Unit::Char('-', c.len_utf8()),
        '\u{ff01}'..='\u{ff5e}' => Unit::Char(char::from((u32::from(c) - 0xfee0) as u8), c.len_utf8()),
        '\u{fe6b}' => Unit::Char('@', c.len_utf8()),
        '\u{2024}' | '\u{3002}' | '\u{ff61}' => Unit::Char('.', c.len_utf8()),
        _ if is_bidi(c) || is_selector(c) || is_invisible(c) => Unit::Gone(c.len_utf8()),
        _ => Unit::Same,
    }
}

/// An ANSI sequence: `ESC [ … letter`.
fn colour(rest: &str) -> usize {
    let Some(body) = rest.strip_prefix("\u{1b}[") else { return 1 };
    let length = body.bytes().take(32).position(|b| (0x40..0x7f).contains(&b));
    length.map_or(1, |length| length + 3)
}

fn hex(text: &str, from: usize, digits: usize) -> Option<u32> {
    let part = text.get(from..from + digits)?;
    if part.bytes().all(|b| b.is_ascii_hexdigit()) { u32::from_str_radix(part, 16).ok() } else { None }
}

/// A run of `%XX`, read as UTF-8; what is no UTF-8 stays as it is.
fn percent(rest: &str) -> Unit {
    let mut bytes = Vec::new();
    while bytes.len() < 4 && rest[bytes.len() * 3..].starts_with('%') {
        let Some(byte) = hex(rest, bytes.len() * 3 + 1, 2) else { break };
        bytes.push(byte as u8);
    }
    let Some(first) = bytes.first() else { return Unit::Same };
    if first.is_ascii() {
        return Unit::Char(char::from(*first), 3);
    }
    let whole = (1..=bytes.len()).find_map(|n| std::str::from_utf8(&bytes[..n]).ok().zip(Some(n)));
    match whole.and_then(|(text, n)| text.chars().next().zip(Some(n))) {
        Some((c, n)) => Unit::Char(c, n * 3),
        None => Unit::Same,
    }
}

/// Escapes of JSON, JavaScript, Python and C.
fn backslash(rest: &str) -> Unit {
    let Some(next) = rest[1..].chars().next() else { return Unit::Same };
    let of = |n: Option<u32>, length| n.and_then(char::from_u32).map_or(Unit::Same, |c| Unit::Char(c, length));
    match next {
        'n' | 'r' => Unit::Char('\n', 2),
        't' => Unit::Char(' ', 2),
        '"' | '\'' | '\\' | '/' | '@' => Unit::Char(next, 2),
        'e' => Unit::Char('\u{1b}', 2),
        '0' if rest.starts_with("\\033") => Unit::Char('\u{1b}', 4),
        'x' => of(hex(rest, 2, 2), 4),
        'u' if rest[2..].starts_with('{') => {
            let digits = rest[3..].bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
            match rest[3 + digits..].starts_with('}') && digits > 0 {
                true => of(hex(rest, 3, digits), digits + 4),
                false => Unit::Same,
            }
        }
        'u' => match hex(rest, 2, 4) {
            Some(high @ 0xd800..0xdc00) => {
                match rest.get(6..8).filter(|two| *two == "\\u").and_then(|_| hex(rest, 8, 4)) {
                    Some(low @ 0xdc00..0xe000) => of(Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12),
                    _ => Unit::Same,
                }
            }
            n => of(n, 6),
        },
        _ => Unit::Same,
    }
}

/// Character references of HTML that matter within addresses, tokens and pairs.
fn entity(rest: &str) -> Unit {
    let Some(end) = rest.bytes().take(12).position(|b| b == b';') else { return Unit::Same };
    let name = &rest[1..end];
    let c = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "commat" => Some('@'),
        "period" => Some('.'),
        "colon" => Some(':'),
        "equals" => Some('='),
        "num" => Some('#'),
        "plus" => Some('+'),
        "hyphen" | "dash" => Some('-'),
        "lowbar" => Some('_'),
        "sol" => Some('/'),
        "nbsp" | "NonBreakingSpace" => Some(' '),
        "shy" | "ZeroWidthSpace" | "zwj" | "zwnj" => return Unit::Gone(end + 1),
        _ => name
            .strip_prefix('#')
            .and_then(|n| match n.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => n.parse().ok(),
            })
            .and_then(char::from_u32),
    };
    match c {
        Some('\u{a0}') => Unit::Char(' ', end + 1),
        Some(c) => Unit::Char(c, end + 1),
        None => Unit::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_each_byte_knows_where_it_came_from() {
        for (text, want) in [
            ("a%40b", "a@b"),
            ("a%252540b", "a@b"),
            ("a\\u0040b", "a@b"),
            ("a&#64;b", "a@b"),
            ("a&#x40;b", "a@b"),
            ("a=40b", "a@b"),
            ("\u{1b}[32mx\u{1b}[0m", "x"),
            ("x\u{200b}y\u{ad}z", "xyz"),
            ("%C3%BC", "ü"),
            ("\\\"k\\\"", "\"k\""),
            ("\\ud83d\\ude00", "😀"),
        ] {
            let plain = Plain::of(text).unwrap();
            assert_eq!(plain.text(), want, "{text}");
            assert!(plain.origin(0, plain.text().len()).1 <= text.len());
        }
        for text in ["plain words", "100% of it", "a & b", "C:\\Users", "50%zz"] {
            assert!(Plain::of(text).is_none_or(|plain| plain.text() == text), "{text}");
        }
        let plain = Plain::of("x%20a%40b%20y").unwrap();
        assert_eq!(plain.origin(2, 5), (4, 9));
    }
}
