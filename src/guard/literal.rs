//! Text of strangers as data in code: string literals of JavaScript.

use std::fmt::Write;

use unicode_normalization::{char::is_combining_mark, is_nfc};

use super::{
    Guard, Say, keys, redact,
    text::{self, is_bidi, is_invisible, is_line_end, is_selector},
};
use crate::model::Untrusted;

/// Longest text that a literal holds, in characters.
const LONGEST: usize = 4_000;

/// A string literal of JavaScript in single quotes.
///
/// It reads as exactly the text that it was made of, unless that was redacted or cut. Whatever the text holds, the
/// literal is one token on one line, can't end a comment, and holds nothing that a reader of Markdown, HTML or chat
/// templates would act on: such characters are escaped, not replaced.
///
/// ```
/// use prodsignal::{guard::Guard, model::Untrusted};
/// let literal = Guard::new().literal(&Untrusted::from("it's */ `${x}`\n"));
/// assert_eq!(literal.code(), r"'it\'s *\x2f \x60${x}\x60\n'");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    code: String,
    redacted: bool,
    cut: bool,
}

impl Literal {
    /// A text of the program's own: a pattern over and over up to a number of characters, between a start and an end.
    pub fn ours(start: &'static str, pattern: &'static str, chars: usize, end: &'static str) -> Self {
        let middle = pattern.chars().cycle().take(chars.min(LONGEST));
        let text: String = start.chars().chain(middle).chain(end.chars()).collect();
        Self { code: quoted(&text), redacted: false, cut: false }
    }

    /// The token, quotes included.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it holds all of the text that it was made of.
    pub fn exact(&self) -> bool {
        !self.redacted && !self.cut
    }

    /// Whether a secret or somebody's data was taken out.
    pub fn redacted(&self) -> bool {
        self.redacted
    }
}

impl Say for Literal {
    fn say(&self, out: &mut String) {
        out.push_str(&self.code);
    }
}

impl Guard {
    /// A text as a literal of JavaScript, at most 4,000 characters of it.
    pub fn literal(&mut self, text: &Untrusted) -> Literal {
        self.orders |= text::reads_as_order(text.raw());
        let redacted = redact::redact(text.raw(), None);
        let held = text::head(&redacted, LONGEST);
        let (changed, cut) = (*redacted != *text.raw(), held.len() < redacted.len());
        Literal { code: quoted(held), redacted: changed, cut }
    }

    /// The same of a value under a name, which decides whether the value is a secret.
    pub fn literal_of(&mut self, name: &Untrusted, text: &Untrusted) -> Literal {
        if keys::is_secret(name.raw()) && !text.is_empty() {
            return Literal { code: quoted(keys::REDACTED), redacted: true, cut: false };
        }
        self.literal(text)
    }
}

fn quoted(text: &str) -> String {
    let active = text::active(text);
    let code = escaped(text, |at, c| active.contains(&at) || is_odd(c));
    // What composes with its neighbour would not come out of a reader that normalises.
    if is_nfc(&code) { code } else { escaped(text, |at, c| active.contains(&at) || !c.is_ascii() || is_odd(c)) }
}

/// Characters that nobody sees, that move others, end lines, or end a comment, a script or a block of code.
fn is_odd(c: char) -> bool {
    matches!(c, '<' | '`' | '\u{7f}'..='\u{9f}' | '\u{fff0}'..='\u{ffff}')
        || c.is_control()
        || is_line_end(c)
        || is_bidi(c)
        || is_invisible(c)
        || is_selector(c)
        || is_combining_mark(c)
}

fn escaped(text: &str, odd: impl Fn(usize, char) -> bool) -> String {
    let mut code = String::with_capacity(text.len() + 8);
    code.push('\'');
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '\'' => code.push_str("\\'"),
            '\\' => code.push_str("\\\\"),
            '\n' => code.push_str("\\n"),
            '/' if before == '*' => code.push_str("\\x2f"),
            '~' if before == '~' => code.push_str("\\x7e"),
            c if odd(at, c) => push_escape(&mut code, c),
            c => code.push(c),
        }
        before = c;
    }
    code.push('\'');
    code
}

fn push_escape(code: &mut String, c: char) {
    let done = match u32::from(c) {
        n @ ..=0xff => write!(code, "\\x{n:02x}"),
        n @ ..=0xffff => write!(code, "\\u{n:04x}"),
        n => write!(code, "\\u{{{n:x}}}"),
    };
    done.expect("a String takes what is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Guard::new().literal(&text.into()).code
    }

    #[test]
    fn plain_text_stays_readable() {
        for text in
            ["Add note", "€45 – Größe ★ 你好 🦀", "[data-testid=\"save\"] > li:nth-child(2)", "a/b?c=d#e", "${x}"]
        {
            assert_eq!(code(text), format!("'{text}'"));
        }
    }

    #[test]
    fn what_acts_is_escaped() {
        for (text, want) in [
            ("it's \\", r"'it\'s \\'"),
            ("</script>", r"'\x3c/script>'"),
            ("*/ alert(1)", r"'*\x2f alert(1)'"),
            ("a\r\nb\u{2028}c\0", r"'a\x0d\nb\u2028c\x00'"),
            ("[x](https://evil.example)", r"'[x\x5d(https://evil.example)'"),
            ("e\u{301}\u{202e}\u{200b}\u{e0041}", r"'e\u0301\u202e\u200b\u{e0041}'"),
            ("```sh", r"'\x60\x60\x60sh'"),
            ("[INST]", r"'\x5bINST]'"),
        ] {
            assert_eq!(code(text), want, "{text}");
        }
    }

    #[test]
    fn secrets_and_people_go_and_it_says_so() {
        let mut guard = Guard::new();
        let mail = guard.literal(&"mail ada@shop.example".into());
        assert_eq!((mail.code(), mail.exact(), mail.redacted()), ("'mail [redacted: email]'", false, true));
        assert!(guard.literal_of(&"otp".into(), &"123456".into()).redacted());
        assert!(guard.literal_of(&"title".into(), &"Lunch".into()).exact());
        assert!(!guard.literal(&"x".repeat(5_000).into()).exact());
    }

    #[test]
    fn no_character_of_unicode_leaves_its_literal() {
        for c in (0..=char::MAX as u32).filter_map(char::from_u32) {
            let code = code(&format!("a{c}b"));
            let inner = &code[1..code.len() - 1];
            assert!(
                !inner.chars().any(|o| o.is_control() || is_line_end(o) || is_bidi(o) || is_invisible(o)),
                "{code:?}"
            );
            assert!(!inner.replace("\\'", "").contains('\''), "{code}");
            assert!(code.starts_with("'a") && code.ends_with("b'"), "{code}");
        }
    }
}
