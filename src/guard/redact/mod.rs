//! Secrets and people that are told by their form or by a name beside them, in any text.
//!
//! A text is looked at as it stands, and again without its escapes; what is found goes from the text as it stands, so
//! that all around it stays. Each family of forms is tried only where a text has what all of that family have.

mod named;
mod net;
mod numbers;
mod people;
mod plain;
mod reader;
mod span;
mod tokens;
mod web;

use std::{borrow::Cow, sync::OnceLock};

use regex::{Regex, RegexSet};

use super::pseudonym::Pseudonyms;
use plain::Plain;
use span::{Put, Span, applied};

/// What an operator wants kept or gone beside what the forms say.
#[derive(Debug, Default)]
pub struct Policy {
    keep: Option<Regex>,
    drop: Option<Regex>,
}

static POLICY: OnceLock<Policy> = OnceLock::new();

/// Sets what is kept and what goes, once in a process: patterns of the `regex` crate, each of 1,000 characters at most.
///
/// # Errors
/// What is wrong with a pattern.
pub fn set_policy(keep: &[String], drop: &[String]) -> Result<(), String> {
    let one = |patterns: &[String]| -> Result<Option<Regex>, String> {
        if patterns.is_empty() {
            return Ok(None);
        }
        for pattern in patterns {
            if pattern.len() > 1_000 {
                return Err("a pattern is longer than 1,000 characters".to_owned());
            }
            RegexSet::new([pattern]).map_err(|error| error.to_string())?;
        }
        let joined = patterns.iter().map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
        Regex::new(&joined).map(Some).map_err(|error| error.to_string())
    };
    let policy = Policy { keep: one(keep)?, drop: one(drop)? };
    POLICY.set(policy).map_err(|_| "the policy is set already".to_owned())
}

/// The text without secrets and people. With pseudonyms, people keep one; without, they are only gone.
pub(super) fn redact<'a>(text: &'a str, pseudonyms: Option<&Pseudonyms>) -> Cow<'a, str> {
    applied(text, spans(text, true), pseudonyms)
}

/// A person's value under a name that says so, in its one normal form, and the kind of its pseudonym.
pub(super) fn normal(kind: &'static str, value: &str) -> String {
    let plain = Plain::of(value);
    let value = plain.as_ref().map_or(value, |plain| plain.text());
    // Printed values have quotes around them.
    let value = value.trim().trim_matches(['\'', '"']).trim();
    match kind {
        "email" => people::normal(value),
        "ip" => net::normal(value).unwrap_or_else(|| value.to_lowercase()),
        "name" => value.to_lowercase(),
        _ => value.to_owned(),
    }
}

fn spans(text: &str, deep: bool) -> Vec<Span> {
    let mut found = Vec::new();
    if !may_match(text) {
        return found;
    }
    look(text, deep, &mut found);
    if let Some(plain) = Plain::of(text) {
        let mut inner = Vec::new();
        look(plain.text(), deep, &mut inner);
        for span in &mut inner {
            (span.start, span.end) = plain.origin(span.start, span.end);
        }
        read_better(&mut found, &mut inner);
        found.append(&mut inner);
    }
    by_policy(text, &mut found);
    found
}

/// The shortest that is looked for has four characters, and what has neither digit nor mark has none.
fn may_match(text: &str) -> bool {
    let telling = |b: u8| b.is_ascii() && !b.is_ascii_alphabetic() && b != b' ';
    text.len() >= 4 && (text.bytes().any(telling) || (!text.is_ascii() && text.chars().any(plain::reads_as_ascii)))
}

/// Somebody who is found both ways is named by the reading without escapes: `\nada@…` is no `nada`.
fn read_better(found: &mut Vec<Span>, inner: &mut [Span]) {
    inner.sort_by_key(|span| span.start);
    let people: Vec<(usize, usize)> =
        inner.iter().filter(|span| matches!(span.put, Put::Person(..))).map(|span| (span.start, span.end)).collect();
    found.retain(|span| {
        let next = people.partition_point(|(_, end)| *end <= span.start);
        let met = people.get(next).is_some_and(|(start, _)| *start < span.end);
        !(met && matches!(span.put, Put::Person(..)))
    });
}

/// Where something is found in a text as it stands and without its escapes, in the text's own bytes and in their order.
pub(super) fn places(text: &str, find: impl Fn(&str, &mut Vec<(usize, usize, usize)>)) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    find(text, &mut found);
    if let Some(plain) = Plain::of(text) {
        let mut inner = Vec::new();
        find(plain.text(), &mut inner);
        found.extend(inner.into_iter().map(|(start, end, what)| {
            let (start, end) = plain.origin(start, end);
            (start, end, what)
        }));
        found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    }
    found
}

/// What there is in a text that a family of forms needs.
#[derive(Default)]
struct Has {
    digits: usize,
    at: bool,
    colons: usize,
    dots: usize,
    pair: bool,
    slash: bool,
}

impl Has {
    fn of(text: &str) -> Self {
        let mut has = Self::default();
        for b in text.bytes() {
            match b {
                b'0'..=b'9' => has.digits += 1,
                b'@' => has.at = true,
                b':' => has.colons += 1,
                b'.' | b'-' => has.dots += 1,
                b'=' | b'>' | b'"' | b'\'' => has.pair = true,
                b'/' | b'\\' => has.slash = true,
                _ => {}
            }
        }
        has
    }
}

fn look(text: &str, deep: bool, out: &mut Vec<Span>) {
    let has = Has::of(text);
    web::private_keys(text, out);
    web::jwts(text, out);
    tokens::find(text, out);
    if has.pair || has.colons > 0 || text.contains("--") {
        named::find(text, out);
    }
    if has.colons > 0 || text.contains(" -u") {
        web::passwords(text, out);
    }
    if text.len() > 12 {
        web::schemes(text, out);
    }
    if has.at {
        people::emails(text, out);
    }
    if has.digits >= 4 || has.colons > 1 {
        net::find(text, out);
    }
    if has.digits >= 8 {
        numbers::find(text, out);
        people::phones(text, out);
    }
    if has.digits > 0 && text.len() > 8 {
        people::streets(text, out);
    }
    if has.slash {
        people::homes(text, out);
    }
    if deep && text.len() >= 20 {
        web::packed(
            text,
            |inner| spans(inner, false).iter().any(|span| span.by_key || matches!(span.put, Put::Gone(_))),
            out,
        );
    }
}

fn by_policy(text: &str, found: &mut Vec<Span>) {
    let Some(policy) = POLICY.get() else { return };
    if let Some(keep) = &policy.keep {
        let kept: Vec<_> = keep.find_iter(text).map(|m| m.range()).collect();
        found
            .retain(|span| span.by_key || !kept.iter().any(|range| range.start <= span.start && span.end <= range.end));
    }
    if let Some(drop) = &policy.drop {
        found.extend(drop.find_iter(text).map(|m| Span::by_key(m.start(), m.end(), Put::Gone("custom"))));
    }
}

/// Whether a word is the kind of something redacted, as this program says it.
pub(super) fn is_kind(kind: &str) -> bool {
    const KINDS: [&str; 18] = [
        "secret",
        "private key",
        "jwt",
        "credential",
        "cookie",
        "password",
        "webhook",
        "bot token",
        "card",
        "iban",
        "national number",
        "email",
        "ip",
        "phone",
        "name",
        "user",
        "address",
        "custom",
    ];
    KINDS.contains(&kind)
        || matches!(kind, "base64" | "birth date" | "location" | "mailchimp key" | "azure secret")
        || tokens::is_kind(kind)
}

#[cfg(test)]
mod tests;
