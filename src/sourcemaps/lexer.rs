//! Tokens of JavaScript, as far as finding its functions needs them.
//! It never fails: what can't be read is one token of its own.

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// First byte.
    pub(super) start: usize,
    /// The byte after the last.
    pub(super) end: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Before the first token.
    #[default]
    Nothing,
    /// A name or a keyword, a private name's `#` included.
    Word,
    /// A string without holes.
    Text,
    /// A number, a template, a regular expression.
    Value,
    /// `=>`.
    Arrow,
    /// `++` and `--`.
    Step,
    /// `${` within a template; the template goes on after the `}` of it.
    Hole,
    /// Any other sign by its first byte; `==`, `??`, `?.` and other longer ones are `Sign(b'+')`.
    Sign(u8),
}

/// Reads a script from its beginning.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The end of the line in which a slash began no regular expression last, and how often it did not.
    vain: (usize, u32),
}

/// Slashes of one line that are followed to its end for a regular expression that none is; real lines have hardly one.
const VAIN: u32 = 64;

impl<'a> Lexer<'a> {
    pub(super) fn new(script: &'a str) -> Self {
        let bytes = script.as_bytes();
        let mut lexer = Self { bytes, at: 0, vain: (0, 0) };
        if bytes.starts_with(b"#!") {
            lexer.line_end();
        }
        lexer
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn line_end(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    fn skip(&mut self) {
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => self.at += 1,
                (b'/', b'/') => self.line_end(),
                (b'/', b'*') => {
                    let rest = &self.bytes[self.at + 2..];
                    let end = rest.windows(2).position(|two| two == b"*/");
                    self.at = end.map_or(self.bytes.len(), |end| self.at + 2 + end + 2);
                }
                _ => return,
            }
        }
    }

    /// The next token. `operand`: a value may stand here, so `/` begins a regular expression.
    pub(super) fn next(&mut self, operand: bool) -> Option<Token> {
        self.skip();
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let kind = match self.peek(0) {
            quote @ (b'"' | b'\'') => self.text(quote),
            b'`' => {
                self.at += 1;
                self.template()
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'/' if operand => self.regex(),
            b if is_word(b) || b == b'#' || b == b'\\' => self.word(),
            _ => self.sign(),
        };
        Some(Token { kind, start, end: self.at })
    }

    /// Goes on with a template after the `}` of a hole.
    pub(super) fn rest_of_template(&mut self) -> Token {
        let start = self.at;
        let kind = self.template();
        Token { kind, start, end: self.at }
    }

    fn text(&mut self, quote: u8) -> Kind {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'\n' => break,
                b if b == quote => {
                    self.at += 1;
                    break;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        Kind::Text
    }

    fn template(&mut self) -> Kind {
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) => self.at += 2,
                (b'`', _) => {
                    self.at += 1;
                    return Kind::Value;
                }
                (b'$', b'{') => {
                    self.at += 2;
                    return Kind::Hole;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        Kind::Value
    }

    fn number(&mut self) -> Kind {
        while is_word(self.peek(0)) || self.peek(0) == b'.' {
            let exponent = matches!(self.peek(0), b'e' | b'E') && matches!(self.peek(1), b'+' | b'-');
            let hex = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X');
            self.at += if exponent || hex { 2 } else { 1 };
        }
        self.at = self.at.min(self.bytes.len());
        Kind::Value
    }

    fn regex(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        if start < self.vain.0 && self.vain.1 >= VAIN {
            return Kind::Sign(b'+');
        }
        let mut class = false;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => break,
                // None ends on another line: it was a division after all.
                b'\n' => {
                    self.vain = (self.at, if self.vain.0 == self.at { self.vain.1 + 1 } else { 1 });
                    self.at = start + 1;
                    return Kind::Sign(b'+');
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.bytes.len());
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        Kind::Value
    }

    fn word(&mut self) -> Kind {
        self.at += 1;
        while is_word(self.peek(0)) || self.peek(0) == b'\\' {
            self.at += 1;
        }
        Kind::Word
    }

    fn sign(&mut self) -> Kind {
        let first = self.peek(0);
        self.at += 1;
        let second = self.peek(0);
        let kind = match (first, second) {
            (b'=', b'>') => Kind::Arrow,
            (b'+', b'+') | (b'-', b'-') => Kind::Step,
            (b'=', b'=') | (b'?', b'?') | (b'*', b'*') => Kind::Sign(b'+'),
            (b'?', b'.') if !self.peek(1).is_ascii_digit() => Kind::Sign(b'.'),
            (b'=' | b'*' | b'?', _) | (b'(' | b')' | b'{' | b'}' | b'[' | b']' | b',' | b';' | b':' | b'.', _) => {
                return Kind::Sign(first);
            }
            // `+=` gives no function a name, so the `=` belongs to the sign.
            (_, b'=') => Kind::Sign(b'+'),
            _ => return Kind::Sign(b'+'),
        };
        self.at += 1;
        while self.peek(0) == b'=' && matches!(kind, Kind::Sign(b'+')) {
            self.at += 1;
        }
        kind
    }
}

/// Part of a name: every letter outside ASCII counts as one.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<&str> {
        let mut lexer = Lexer::new(script);
        let (mut found, mut operand) = (Vec::new(), true);
        while let Some(token) = lexer.next(operand) {
            operand = matches!(token.kind, Kind::Sign(b) if b != b')');
            found.push(&script[token.start..token.end]);
        }
        found
    }

    #[test]
    fn strings_comments_and_expressions_are_one_token_each() {
        assert_eq!(words("a='}' // {\n/* { */b=/[/{]\\//g"), ["a", "=", "'}'", "b", "=", "/[/{]\\//g"]);
        assert_eq!(words("x/2/y"), ["x", "/", "2", "/", "y"]);
        assert_eq!(words("`a}`+1.5e-3"), ["`a}`", "+", "1.5e-3"]);
        assert_eq!(words("e?.5:n=>t??=1"), ["e", "?", ".5", ":", "n", "=>", "t", "??=", "1"]);
    }

    #[test]
    fn slashes_that_begin_nothing_are_not_followed_again_and_again() {
        let script = format!("{}\n/a/.test(b)", "/[".repeat(100_000));
        assert_eq!(words(&script).last(), Some(&")"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(script in "[a-z/`'\"{}()$=>\\\\\n\\[\\]ä]{0,80}") {
            words(&script);
        }
    }
}
