//! JSON that is too large or too deep to be taken apart whole: strings are scrubbed where they stand, in one pass.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    Scrubber,
    keys::{self, Class, REDACTED},
    own::Own,
    scrub::Pass,
};

/// What a key said of the value that follows it.
enum Next {
    /// Nothing: the value is judged by its form.
    Plain,
    /// It goes, whatever it is.
    Secret,
    /// A key that names somebody's data.
    Somebody(String),
}

/// Reads JSON from left to right and writes it again without secrets.
struct Stream<'t, 'p> {
    text: &'t str,
    at: usize,
    out: String,
    pass: Pass<'p>,
    /// Whether each open container is a map.
    open: Vec<bool>,
}

impl Scrubber {
    /// JSON as text: secrets and people gone from its strings and keys, all else byte for byte as it was. What is no JSON
    /// is scrubbed as the text that it is. Works in the time and room of its length, however deep it is.
    /// `user` is whom the event beside it names: they go too.
    pub fn json(&self, text: &str, user: Option<&Value>) -> String {
        let own = Own::of(user, self.pseudonyms());
        let mut stream =
            Stream { text, at: 0, out: String::with_capacity(text.len()), pass: self.pass(&own), open: Vec::new() };
        match stream.values() {
            Some(()) => stream.out,
            None => {
                let mut text = text.to_owned();
                self.pass(&own).text(&mut text);
                text
            }
        }
    }

    /// A file: text in any usual encoding is scrubbed, what is no text is kept as it came.
    pub fn file(&self, bytes: &[u8], user: Option<&Value>) -> Vec<u8> {
        match text_of(bytes) {
            Some(text) => self.json(&text, user).into_bytes(),
            None => bytes.to_vec(),
        }
    }
}

/// The text that bytes are: UTF-8, UTF-16 with its mark, or UTF-8 with bytes of an older encoding in it. `None`: no text.
fn text_of(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(move |two| from([two[0], two[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, ..] => return Some(wide(u16::from_le_bytes).into()),
        [0xfe, 0xff, ..] => return Some(wide(u16::from_be_bytes).into()),
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.into());
    }
    // Pictures, archives and dumps have zeros or are mostly beyond ASCII; logs of old programs have neither.
    let head = &bytes[..bytes.len().min(64 << 10)];
    let odd = head.iter().filter(|b| **b >= 0x80 || (**b < 0x20 && !b.is_ascii_whitespace() && **b != 0x1b)).count();
    (!head.contains(&0) && odd * 10 <= head.len() * 3).then(|| String::from_utf8_lossy(bytes))
}

impl Stream<'_, '_> {
    /// All values to the end; `None`: this is no JSON.
    fn values(&mut self) -> Option<()> {
        let mut next = Next::Plain;
        loop {
            self.copy_while(|b| b.is_ascii_whitespace() || matches!(b, b',' | b':'));
            let Some(b) = self.text.as_bytes().get(self.at).copied() else { break };
            next = match b {
                b'"' if self.open.last() == Some(&true) && matches!(next, Next::Plain) && self.is_key() => {
                    self.key()?
                }
                b'"' => {
                    self.string(&next)?;
                    Next::Plain
                }
                b'{' | b'[' if matches!(next, Next::Secret) => {
                    self.at = self.end_of_container()?;
                    self.push_literal(REDACTED);
                    Next::Plain
                }
                b'{' | b'[' => {
                    self.open.push(b == b'{');
                    self.copy(1);
                    Next::Plain
                }
                b'}' | b']' => {
                    (self.open.pop()? == (b == b'}')).then_some(())?;
                    self.copy(1);
                    Next::Plain
                }
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                    self.scalar(&next);
                    Next::Plain
                }
                _ => return None,
            };
        }
        self.open.is_empty().then_some(())
    }

    fn copy(&mut self, bytes: usize) {
        self.out.push_str(&self.text[self.at..self.at + bytes]);
        self.at += bytes;
    }

    fn copy_while(&mut self, is: impl Fn(u8) -> bool) {
        let run = self.text.as_bytes()[self.at..].iter().take_while(|b| is(**b)).count();
        self.copy(run);
    }

    /// The end of the string that begins here, its quotes included.
    fn end_of_string(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        loop {
            at += bytes.get(at..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
            match bytes[at] {
                b'"' => return Some(at + 1),
                _ => at += 2,
            }
        }
    }

    /// Whether the string that begins here is a key: a colon follows it.
    fn is_key(&self) -> bool {
        let after = self.end_of_string().map_or("", |end| &self.text[end..]);
        after.bytes().find(|b| !b.is_ascii_whitespace()) == Some(b':')
    }

    fn take_string(&mut self) -> Option<String> {
        let end = self.end_of_string()?;
        let text = serde_json::from_str(self.text.get(self.at..end)?).ok()?;
        self.at = end;
        Some(text)
    }

    fn key(&mut self) -> Option<Next> {
        let start = self.at;
        let key = self.take_string()?;
        let mut shown = key.clone();
        if key.len() > 8 {
            self.pass.text(&mut shown);
        }
        match shown == key {
            true => self.out.push_str(&self.text[start..self.at]),
            false => self.push_literal(&shown),
        }
        Some(match keys::class(&key) {
            None => Next::Plain,
            Some(Class::Person(_)) => Next::Somebody(key),
            Some(_) => Next::Secret,
        })
    }

    fn string(&mut self, next: &Next) -> Option<()> {
        let start = self.at;
        let text = self.take_string()?;
        let mut value = Value::String(text.clone());
        match next {
            Next::Secret if !text.is_empty() && !keys::is_gone(&text) => value = REDACTED.into(),
            Next::Secret => {}
            Next::Somebody(key) => self.pass.entry(key, &mut value, 0),
            Next::Plain => {
                let mut scrubbed = text.clone();
                self.pass.inner(&mut scrubbed, 0);
                value = scrubbed.into();
            }
        }
        match value.as_str() {
            Some(same) if same == text => self.out.push_str(&self.text[start..self.at]),
            _ => self.out.push_str(&value.to_string()),
        }
        Some(())
    }

    fn scalar(&mut self, next: &Next) {
        let run = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'));
        let (start, end) = (self.at, self.at + run.count());
        let said = &self.text[start..end];
        self.at = end;
        let number = said.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let mut value = if number { serde_json::from_str(said).unwrap_or_default() } else { Value::Null };
        match next {
            _ if !number => {}
            Next::Secret => value = REDACTED.into(),
            Next::Somebody(key) => self.pass.entry(key, &mut value, 0),
            // Times in thousandths have thirteen digits as some cards do, and begin otherwise.
            Next::Plain if said.len() >= 13 => self.pass.entry("", &mut value, 0),
            Next::Plain => {}
        }
        match value.as_str() {
            Some(shown) => self.push_literal(shown),
            None => self.out.push_str(said),
        }
    }

    fn push_literal(&mut self, text: &str) {
        self.out.push_str(&Value::from(text).to_string());
    }

    /// The end of the container that begins here.
    fn end_of_container(&mut self) -> Option<usize> {
        let (start, mut depth) = (self.at, 0usize);
        let end = loop {
            match *self.text.as_bytes().get(self.at)? {
                b'"' => {
                    self.at = self.end_of_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break self.at;
            }
        };
        self.at = start;
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Pseudonyms;

    fn json(text: &str) -> String {
        Scrubber::new(Pseudonyms::new([3; 32])).json(text, None)
    }

    #[test]
    fn strings_lose_their_secrets_and_all_else_stays_to_the_byte() {
        let text = r#" [ {"type" : 3, "x":1.50e3,"s":"a\u00e9\n", "ok":true} , null ]"#;
        assert_eq!(json(text), text);
        assert_eq!(
            json(r#"{"a":{"password":"x","n":[{"token":{"b":[1,"}"]}},4111111111111111]}}"#),
            r#"{"a":{"password":"[redacted: secret]","n":[{"token":"[redacted: secret]"},"[redacted: card]"]}}"#
        );
        assert_eq!(json(r#"{"textContent":"Pay a@b.example","timestamp":1795514399123}"#).find("a@b"), None);
        assert!(json(r#"{"textContent":"Pay","timestamp":1795514399123}"#).contains("1795514399123"));
    }

    #[test]
    fn depth_and_breaks_cost_nothing() {
        let deep = format!("{}\"a@b.example\"{}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(!json(&deep).contains("a@b"));
        for broken in ["{\"a\":\"a@b.example\"", "[\"a@b.example", "{]\"a@b.example\"", "a@b.example"] {
            assert!(!json(broken).contains("a@b"), "{broken}");
        }
    }

    #[test]
    fn files_are_text_in_any_encoding_or_kept() {
        let scrubber = Scrubber::new(Pseudonyms::new([3; 32]));
        let latin = b"caf\xe9 of ada@shop.example".to_vec();
        assert!(!String::from_utf8_lossy(&scrubber.file(&latin, None)).contains("ada@"));
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("ada@shop.example".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert!(!String::from_utf8_lossy(&scrubber.file(&wide, None)).contains("ada@"));
        let picture = [0x89, b'P', b'N', b'G', 0, 1, 2, 0xff];
        assert_eq!(scrubber.file(&picture, None), picture);
    }
}
