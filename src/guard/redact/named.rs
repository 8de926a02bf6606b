//! Values beside a name that says what they are, in whatever shape the two are written.
//!
//! Queries, forms, headers, JSON whole or cut, GraphQL, XML, SQL, multipart, command lines, environments, connection
//! strings, printed structures: a name, what separates, a value. How much of a value goes depends on how sure the shape is.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{
    super::keys::{self, Class},
    reader::{Reader, bounded, last},
    span::{Put, Span},
};

/// Longest name that is put together around a telling word.
const NAME: usize = 120;
/// Longest value that goes: what is longer is cut off there, and goes on as text.
const VALUE: usize = 16_384;
/// As much of an unquoted value as is read before it is judged.
const BARE: usize = 1_024;

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).build(keys::words()).expect("the words are few and short")
});

/// All values beside telling names.
pub(super) fn find(text: &str, out: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for hit in WORDS.find_iter(text) {
        if hit.start() < done {
            continue;
        }
        let (start, end) = name_around(bytes, hit.start(), hit.end(), done);
        done = end;
        let Some(class) = keys::class(&text[start..end]) else { continue };
        if text[..start].ends_with("[redacted: ") {
            continue;
        }
        // These are told by their own forms.
        if matches!(class, Class::Person("email" | "ip")) {
            continue;
        }
        let Some(value) = value_after(text, start, end) else { continue };
        if let Some(span) = judged(text, (start, end), class, &value) {
            done = done.max(span.end);
            out.push(span);
        }
    }
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$')
}

/// The whole name that a telling word stands in.
fn name_around(bytes: &[u8], start: usize, end: usize, least: usize) -> (usize, usize) {
    let left = bytes[least..start].iter().rev().take(NAME).take_while(|b| is_name(**b)).count();
    let right = bytes[end..].iter().take(NAME * 4).take_while(|b| is_name(**b)).count();
    let (mut start, mut end) = (start - left, end + right);
    // Dashes before an option, points after a sentence are no part of it.
    while start < end && matches!(bytes[start], b'-' | b'.') {
        start += 1;
    }
    while end > start && matches!(bytes[end - 1], b'.' | b'-') {
        end -= 1;
    }
    (start, end)
}

/// How sure it is that what follows is the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A pair of data: quoted, in a query, a form, a document.
    Pair,
    /// `name: value` or `name = value`, as prose and code have it too.
    Loose,
}

struct Value {
    start: usize,
    end: usize,
    shape: Shape,
}

const SEPARATORS: [&str; 7] = ["=>", ":=", "==", "%3D", "%3d", "=", ":"];

fn value_after(text: &str, start: usize, end: usize) -> Option<Value> {
    let mut reader = Reader { text, at: end };
    let before = &text[..start];
    if (before.ends_with('<') || before.ends_with(':'))
        && let Some(value) = element(text, end)
    {
        return Some(value);
    }
    let quoted = reader.quote().is_some();
    // `user[password]=x`, `headers["x-api-key"] = x`.
    let bracket = reader.eat("]");
    let after_name = reader.at;
    if let Some(value) = part_of_form(&mut reader).or_else(|| beside(&mut Reader { text, at: after_name })) {
        return Some(value);
    }
    reader.at = after_name;
    let spaced = reader.gap();
    // `password!: x`, `token?: x` of typed languages.
    reader.eat_any(&["!", "?"]);
    if quoted && reader.eat(",") {
        reader.gap();
        let quote = reader.quote()?;
        return Some(until(text, reader.at, quote, Shape::Pair));
    }
    if !reader.eat_any(&SEPARATORS) {
        return option(text, start, end).or_else(|| call(text, end));
    }
    let equals = text[..reader.at].ends_with(['=', 'D', 'd']) && !text[..reader.at].ends_with("==");
    let gap = reader.gap();
    // `b'…'`, `u"…"`, `@"…"` of printed values.
    if reader.rest().len() > 1 && matches!(reader.peek(), Some(b'b' | b'u' | b'r' | b'@' | b'N')) {
        let mut next = Reader { text, at: reader.at + 1 };
        if matches!(next.peek(), Some(b'"' | b'\'')) && next.quote().is_some() {
            reader.at += 1;
        }
    }
    if let Some(quote) = reader.quote() {
        return Some(until(text, reader.at, quote, Shape::Pair));
    }
    if matches!(reader.peek(), Some(b'{' | b'[' | b'(')) && quoted && !text[reader.at..].starts_with("[redacted: ") {
        return Some(nested(text, reader.at));
    }
    let tight = equals && !spaced && !gap;
    let shape = if quoted || bracket || tight { Shape::Pair } else { Shape::Loose };
    Some(bare(text, reader.at, shape, tight && in_query(text, start)))
}

/// Whether a pair stands in a query or a form: values there end at `&`.
fn in_query(text: &str, start: usize) -> bool {
    text[..start].ends_with(['?', '&', '#', ';'])
}

/// A value without quotes: as much of it as is needed to judge it.
fn bare(text: &str, start: usize, shape: Shape, query: bool) -> Value {
    let rest = bounded(&text[start..], BARE);
    let length = rest.find(|c| ends_bare(c, query)).unwrap_or(rest.len());
    Value { start, end: start + length, shape }
}

fn ends_bare(c: char, query: bool) -> bool {
    match c {
        '&' | '"' | '\'' | '<' | '>' | '`' | ';' => true,
        ',' | ')' | '}' | ']' | '|' => !query,
        '#' => query,
        c => c.is_whitespace(),
    }
}

/// A quoted value, to its closing quote or the end.
fn until(text: &str, start: usize, quote: &str, shape: Shape) -> Value {
    let rest = bounded(&text[start..], VALUE);
    let mut from = 0;
    let length = loop {
        match rest[from..].find(quote) {
            Some(at) => {
                let end = from + at;
                // A quote that is escaped within the value does not end it.
                let slashes = rest[..end].bytes().rev().take_while(|b| *b == b'\\').count();
                if quote.starts_with('\\') || slashes % 2 == 0 {
                    break end;
                }
                from = end + quote.len();
            }
            None => break rest.len(),
        }
    };
    Value { start, end: start + length, shape }
}

/// A list or map under a name: to its end.
fn nested(text: &str, start: usize) -> Value {
    let rest = bounded(&text[start..], VALUE);
    let mut depth = 0usize;
    let close = rest.bytes().position(|b| {
        match b {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    Value { start, end: start + close.map_or(rest.len(), |at| at + 1), shape: Shape::Pair }
}

/// `<password>x</password>`, with attributes or without.
fn element(text: &str, end: usize) -> Option<Value> {
    let rest = &text[end..];
    let open = rest.bytes().take(200).position(|b| b == b'>')?;
    if !(open == 0 || rest.starts_with(|c: char| c.is_whitespace())) || rest[..open].ends_with('/') {
        return None;
    }
    let start = end + open + 1;
    let value = bounded(&text[start..], VALUE);
    let length = value.find('<').unwrap_or(value.len());
    Some(Value { start, end: start + length, shape: Shape::Pair })
}

/// A part of `multipart/form-data`: headers, an empty line, the value.
fn part_of_form(reader: &mut Reader<'_>) -> Option<Value> {
    let text = reader.text;
    if !text[..reader.at].ends_with('"') || !last(&text[..reader.at], 200).contains("form-data") {
        return None;
    }
    let head = bounded(reader.rest(), 400);
    let blanks = ["\r\n\r\n", "\n\n"].into_iter();
    let start = reader.at + blanks.filter_map(|blank| head.find(blank).map(|at| at + blank.len())).min()?;
    let value = bounded(&text[start..], VALUE);
    let length = value.find(['\r', '\n']).unwrap_or(value.len());
    Some(Value { start, end: start + length, shape: Shape::Pair })
}

/// `name="password" value="x"`, `{"name":"password","value":"x"}`.
fn beside(reader: &mut Reader<'_>) -> Option<Value> {
    let text = reader.text;
    // Other attributes may stand between, a few.
    for _ in 0..3 {
        reader.eat("]");
        let comma = reader.eat(",");
        if !reader.gap() && !comma {
            return None;
        }
        reader.quote();
        let value = ["value", "Value", "VALUE", "val", "content", "text", "data"].into_iter().any(|word| {
            let is = reader.rest().starts_with(word)
                && !reader.rest()[word.len()..].starts_with(|c: char| c.is_alphanumeric());
            reader.at += if is { word.len() } else { 0 };
            is
        });
        if !value {
            let word = reader.rest().bytes().take(40).take_while(|b| is_name(*b)).count();
            reader.at += word;
        }
        reader.quote();
        reader.gap();
        if !reader.eat_any(&["=>", "=", ":"]) {
            return None;
        }
        reader.gap();
        match reader.quote() {
            Some(quote) => {
                let found = until(text, reader.at, quote, Shape::Pair);
                if value {
                    return Some(found);
                }
                reader.at = (found.end + quote.len()).min(text.len());
            }
            None => {
                let found = bare(text, reader.at, Shape::Pair, false);
                if value {
                    return Some(found);
                }
                reader.at = found.end;
            }
        }
        if !text.is_char_boundary(reader.at) {
            return None;
        }
    }
    None
}

/// `--password x`.
fn option(text: &str, start: usize, end: usize) -> Option<Value> {
    if !text[..start].ends_with("--") {
        return None;
    }
    let mut reader = Reader { text, at: end };
    reader.eat_any(&["\",", "',", "\\\","]);
    if !reader.gap() {
        return None;
    }
    match reader.quote() {
        Some(quote) => Some(until(text, reader.at, quote, Shape::Pair)),
        None if reader.peek() == Some(b'-') => None,
        None => Some(bare(text, reader.at, Shape::Pair, false)),
    }
}

/// `PASSWORD('x')`, `IDENTIFIED BY 'x'`, `PASSWORD 'x'`: what SQL has.
fn call(text: &str, end: usize) -> Option<Value> {
    let mut reader = Reader { text, at: end };
    let name = last(&text[..end], 16).to_ascii_lowercase();
    if !["password", "passwd", "identified by", "pwd"].iter().any(|word| name.ends_with(word)) {
        return None;
    }
    let gap = reader.gap();
    let open = reader.eat("(");
    if !gap && !open {
        return None;
    }
    if reader.rest().starts_with('\'') {
        reader.at += 1;
        return Some(until(text, reader.at, "'", Shape::Pair));
    }
    None
}

fn judged(text: &str, (start, end): (usize, usize), class: Class, value: &Value) -> Option<Span> {
    let said = &text[value.start..value.end];
    let mark = bounded(&text[value.start..], 48);
    if mark.find(']').is_some_and(|end| keys::is_gone(&mark[..=end])) {
        return None;
    }
    let header = matches!(class, Class::Header | Class::Cookie);
    if header && (value.shape != Shape::Pair || value_is_of_line(text, start, value)) {
        return of_header(text, class, value);
    }
    // `"token: " + token`: the quote ended a text of the program, and began none.
    let joined =
        is_quoted(text, value) && [" +", " .", " %", " <<", ") ", ");"].iter().any(|join| said.starts_with(join));
    if joined || said.trim().is_empty() || keys::is_gone(said.trim()) || is_placeholder(said) {
        return None;
    }
    let goes = match (class, value.shape) {
        (Class::Person(_), Shape::Loose) => false,
        (Class::Person(kind), Shape::Pair) => return person(value, said, kind),
        (_, Shape::Pair) => !is_ordinary(said) || is_quoted(text, value),
        (Class::Word, _) => false,
        (_, Shape::Loose) => is_secret_like(&text[start..end], said, &text[value.end..]),
    };
    goes.then(|| Span::by_key(value.start, whole(text, value), Put::Gone("secret")))
}

/// Where a value ends of which only the beginning was read.
fn whole(text: &str, value: &Value) -> usize {
    if is_quoted(text, value) || value.end - value.start + 4 < BARE {
        return value.end;
    }
    let rest = &text[value.end..];
    value.end + rest.find(|c| ends_bare(c, false)).unwrap_or(rest.len())
}

fn person(value: &Value, said: &str, kind: &'static str) -> Option<Span> {
    let put = match kind {
        "name" | "user" if !said.contains(['{', '[']) => Put::Person(kind, said.trim().to_lowercase()),
        "phone" if said.bytes().filter(u8::is_ascii_digit).count() < 5 => return None,
        "address" if !said.contains([' ', '+']) => return None,
        kind => Put::Gone(kind),
    };
    Some(Span::by_key(value.start, value.end, put))
}

fn is_quoted(text: &str, value: &Value) -> bool {
    text[..value.start].ends_with(['"', '\'', '`'])
}

/// Whether a header's value is not quoted: then it is the rest of the line.
fn value_is_of_line(text: &str, start: usize, value: &Value) -> bool {
    !is_quoted(text, value) && !in_query(text, start)
}

/// `Authorization: …`, `Cookie: …`: all of the line, but for the scheme.
fn of_header(text: &str, class: Class, value: &Value) -> Option<Span> {
    let rest = &text[value.start..];
    let stops = |c: char| matches!(c, '\r' | '\n' | '"' | '\'' | '}' | ']' | '`');
    let rest = bounded(rest, VALUE);
    let mut end = value.start + rest.find(stops).unwrap_or(rest.len());
    let said = text[value.start..end].trim_end();
    end = value.start + said.len();
    if matches!(class, Class::Cookie) {
        let kept = said.is_empty() || keys::is_gone(said) || (!said.contains('=') && is_ordinary(said));
        return (!kept).then(|| Span::by_key(value.start, end, Put::Gone("cookie")));
    }
    let scheme = said.split_whitespace().next().filter(|word| is_scheme(word) && said.len() > word.len());
    let skip = scheme.map_or(0, |word| said.find(word).unwrap_or(0) + word.len() + 1);
    let credential = said[skip.min(said.len())..].trim_start();
    let from = end - credential.len();
    let ordinary = credential.split([' ', ',']).next().is_some_and(is_ordinary) && scheme.is_none();
    let kept = credential.is_empty() || keys::is_gone(credential) || ordinary || is_placeholder(credential);
    // A sentence goes on after what it quotes.
    let end = match credential.find([' ', ',']) {
        Some(gap) if scheme.is_some_and(|s| !s.eq_ignore_ascii_case("digest") && !s.starts_with("AWS4")) => from + gap,
        _ => end,
    };
    (!kept).then(|| Span::by_key(from, end, Put::Gone("credential")))
}

pub(super) fn is_scheme(word: &str) -> bool {
    const SCHEMES: [&str; 12] = [
        "bearer",
        "basic",
        "digest",
        "token",
        "apikey",
        "negotiate",
        "ntlm",
        "aws4-hmac-sha256",
        "hmac",
        "dpop",
        "key",
        "sentry",
    ];
    SCHEMES.contains(&word.trim_end_matches(':').to_ascii_lowercase().as_str())
}

/// What stands for a value and is none: masks, holes of templates, parameters of statements.
fn is_placeholder(said: &str) -> bool {
    let said = said.trim();
    let masked = said.chars().all(|c| matches!(c, '*' | '•' | 'x' | 'X' | '.' | '-' | '_' | '?' | '…'));
    let hole = said.starts_with("${")
        || said.starts_with("{{")
        || said.starts_with("#{")
        || said.starts_with('<')
        || said.starts_with("%(")
        || said.starts_with("$(")
        || matches!(
            said,
            "%s" | "%d" | "%v" | "{}" | "$1" | "$2" | "?" | "[]" | "()" | "[Filtered]" | "[object Object]"
        );
    let parameter = said
        .strip_prefix([':', '$', '@'])
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    masked || hole || parameter
}

/// Words that say how it stands with a value, or of which type it is.
fn is_ordinary(said: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: [&str; 70] = [
        "null", "none", "nil", "undefined", "true", "false", "nan", "string", "str", "number", "int", "bool",
        "boolean", "object", "any", "unknown", "required", "optional", "missing", "invalid", "expired", "incorrect",
        "wrong", "empty", "valid", "ok", "failed", "denied", "rejected", "revoked", "changed", "reset", "updated",
        "created", "deleted", "not", "is", "was", "must", "cannot", "can't", "could", "should", "too", "the", "a",
        "an", "this", "no", "yes", "bad", "unauthorized", "forbidden", "header", "field", "error", "refused",
        "active", "inactive", "disabled", "enabled", "present", "absent", "set", "unset", "mismatch", "short", "weak",
        "does", "varchar",
    ];
    let word = said.trim().trim_end_matches(['.', '!', '?', ';', ':']).to_ascii_lowercase();
    WORDS.contains(&word.as_str())
}

/// Whether an unquoted value after `:` or spaced `=` is a secret: digits among letters, and no code. For a password a
/// single word at the end of its line is enough.
fn is_secret_like(name: &str, said: &str, after: &str) -> bool {
    if is_ordinary(said) || said.chars().count() < 4 {
        return false;
    }
    let code = said.contains(['(', '{', '[', '$']) || said.starts_with("process.env") || said.starts_with("os.environ");
    let digit = said.bytes().any(|b| b.is_ascii_digit());
    let path = said.contains('.') && said.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    if digit {
        return !(code || path && said.len() < 16);
    }
    let folded = name.to_ascii_lowercase();
    let password = ["password", "passwd", "passphrase", "pwd"].iter().any(|word| folded.ends_with(word));
    let header = name.contains('-') && said.len() >= 16;
    let last = after.trim_start_matches([' ', '\t', ';']).is_empty() || after.starts_with(['\r', '\n', ',', ';']);
    let mixed = said.len() >= 16
        && said.bytes().any(|b| b.is_ascii_uppercase())
        && said.bytes().any(|b| matches!(b, b'+' | b'/' | b'=' | b'!' | b'@' | b'#'));
    let wordy = said.chars().all(|c| c.is_lowercase());
    !code && !path && (header || mixed || (password && last && wordy && said.len() >= 6))
}
