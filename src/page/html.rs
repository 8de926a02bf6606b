//! HTML under construction: only words of the program, numbers and escaped text can become part of it.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::guard::Clean;

/// What may stand in a page.
pub trait Part {
    /// Appends it.
    fn put(&self, out: &mut String);
}

impl Part for &'static str {
    fn put(&self, out: &mut String) {
        out.push_str(self);
    }
}

/// Text of strangers or of sentences, escaped for an element's text and for an attribute in double quotes.
impl Part for Clean {
    fn put(&self, out: &mut String) {
        escape(self.as_str(), out);
    }
}

/// Text out of an answer, which passed the guard when the answer was made. Escaped as [`Clean`] is.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a>(pub &'a str);

impl Part for Said<'_> {
    fn put(&self, out: &mut String) {
        escape(self.0, out);
    }
}

/// Text out of an answer as one part of a link's path or query: percent-encoded.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a>(pub &'a str);

impl Part for Encoded<'_> {
    fn put(&self, out: &mut String) {
        out.extend(percent_encoding::utf8_percent_encode(self.0, percent_encoding::NON_ALPHANUMERIC));
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

impl Part for &Clean {
    fn put(&self, out: &mut String) {
        (*self).put(out);
    }
}

/// A piece of HTML.
#[derive(Clone, Debug, Default)]
pub struct Html(String);

impl Part for Html {
    fn put(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl Part for &Html {
    fn put(&self, out: &mut String) {
        (*self).put(out);
    }
}

impl<T: Part> Part for Option<T> {
    fn put(&self, out: &mut String) {
        if let Some(part) = self {
            part.put(out);
        }
    }
}

macro_rules! part_number {
    ($($ty:ty),*) => { $(impl Part for $ty {
        fn put(&self, out: &mut String) {
            write!(out, "{self}").expect("a String takes what is written");
        }
    })* };
}
part_number!(u16, u32, u64, i64, usize);

impl Part for f64 {
    /// With two digits: a percentage of the width.
    fn put(&self, out: &mut String) {
        write!(out, "{self:.2}").expect("a String takes what is written");
    }
}

impl Html {
    /// Appends parts.
    pub fn push(&mut self, parts: &[&dyn Part]) {
        parts.iter().for_each(|part| part.put(&mut self.0));
    }

    /// Bytes in Base64, none of whose characters means anything in HTML.
    pub fn base64(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its text alone, for a title or an attribute. Text in it is escaped, and stays so.
    pub fn without_tags(&self) -> Self {
        let texts = self.0.split('<').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        });
        Self(texts.collect())
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// HTML out of literals, numbers, clean texts and other HTML.
macro_rules! html {
    ($($part:expr),* $(,)?) => {{
        let mut html = $crate::page::html::Html::default();
        html.push(&[$(&$part as &dyn $crate::page::html::Part),*]);
        html
    }};
}
pub(crate) use html;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_answers_is_never_markup() {
        let made = html!("<p title=\"", Said("\" onload='x'"), "\">", Said("<script>&"), "</p>");
        assert_eq!(made.into_string(), "<p title=\"&quot; onload=&#39;x&#39;\">&lt;script&gt;&amp;</p>");
        assert_eq!(html!(Encoded("../a?b")).into_string(), "%2E%2E%2Fa%3Fb");
    }
}
