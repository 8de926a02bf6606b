//! JSON from outside, read with patience.

use serde_json::Value;

/// Why a payload can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("not JSON")]
    Malformed,
    /// Nested too deep.
    #[error("nested too deep")]
    Deep,
}

impl JsonError {
    /// In a word for the counters.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "not JSON",
            Self::Deep => "nested too deep",
        }
    }
}

/// Reads JSON of at most `depth` levels. Bytes that are no UTF-8 and halves of surrogate pairs, which some languages
/// let through, become U+FFFD; `NaN`, `Infinity` and numbers beyond a double become null.
///
/// # Errors
/// See [`JsonError`].
pub fn read_json(bytes: &[u8], depth: usize) -> Result<Value, JsonError> {
    let read = serde_json::from_slice(bytes).or_else(|_| {
        let mended = mended(&String::from_utf8_lossy(bytes));
        serde_json::from_str(&mended)
    });
    let value: Value = match read {
        Ok(value) => value,
        Err(error) if error.to_string().starts_with("recursion limit") => return Err(JsonError::Deep),
        Err(_) => return Err(JsonError::Malformed),
    };
    if deeper(&value, depth) { Err(JsonError::Deep) } else { Ok(value) }
}

fn deeper(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(list) => depth == 0 || list.iter().any(|v| deeper(v, depth - 1)),
        Value::Object(map) => depth == 0 || map.values().any(|v| deeper(v, depth - 1)),
        _ => false,
    }
}

/// Walks the text once and replaces what strict parsers refuse.
fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let step = match c {
            '\\' if in_string => escape(rest, &mut out),
            '"' => {
                in_string = !in_string;
                out.push(c);
                1
            }
            // Control characters in strings are against the rules, and come all the same.
            c if in_string && (c as u32) < 0x20 => {
                out.push(' ');
                1
            }
            'N' | 'I' | '-' | '0'..='9' if !in_string => number(rest, &mut out),
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[step..];
    }
    out
}

/// Copies an escape; half of a pair becomes U+FFFD. Returns how many bytes it took.
fn escape(rest: &str, out: &mut String) -> usize {
    let unit = |at: usize| {
        rest.get(at..at + 6).filter(|e| e.starts_with("\\u")).and_then(|e| u32::from_str_radix(&e[2..], 16).ok())
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => {
            out.push_str(&rest[..12]);
            12
        }
        (Some(0xD800..=0xDFFF), _) => {
            out.push_str("\\ufffd");
            6
        }
        _ => {
            let length = rest.chars().take(2).map(char::len_utf8).sum();
            out.push_str(&rest[..length]);
            length
        }
    }
}

/// Copies a number; what is none, or too large for one, becomes null. Returns how many bytes it took.
fn number(rest: &str, out: &mut String) -> usize {
    for word in ["NaN", "Infinity", "-Infinity"] {
        if rest.starts_with(word) {
            out.push_str("null");
            return word.len();
        }
    }
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let digits = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
    match digits.parse::<f64>() {
        Ok(number) if number.is_infinite() => out.push_str("null"),
        _ => out.push_str(&rest[..digits.len().max(1)]),
    }
    digits.len().max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_languages_let_through_is_read() {
        assert_eq!(read_json(br#"{"a":"x\ud800y"}"#, 8), Ok(json!({ "a": "x\u{fffd}y" })));
        assert_eq!(read_json(br#"{"a":"\ud83e\udd80 \udc00"}"#, 8), Ok(json!({ "a": "🦀 \u{fffd}" })));
        assert_eq!(
            read_json(b"{\"a\":\"\xff\",\"b\":NaN,\"c\":[-Infinity,-1.5e3,1e999]}", 8),
            Ok(json!({ "a": "\u{fffd}", "b": null, "c": [null, -1500.0, null] }))
        );
        assert_eq!(read_json(b"{\"a\":\"x\ny\\\\\"}", 8), Ok(json!({ "a": "x y\\" })));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in [b"".as_slice(), b"{", b"<html>", b"{\"a\":\"\\ud", b"\\", b"\"\\"] {
            assert_eq!(read_json(bad, 8), Err(JsonError::Malformed), "{bad:?}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert_eq!(read_json(deep.as_bytes(), 64), Err(JsonError::Deep));
        let deeper = "[".repeat(10_000) + &"]".repeat(10_000);
        assert_eq!(read_json(deeper.as_bytes(), 64), Err(JsonError::Deep));
    }
}
