//! What names an event's own user, so that it goes from all of that event's texts.

use aho_corasick::AhoCorasick;
use serde_json::Value;

use super::{keys, pseudonym::Pseudonyms, redact};

/// Fewest characters of what is sought: shorter ids are parts of anything.
const LEAST: usize = 4;
/// Fewest digits of an id that is a number.
const DIGITS: usize = 6;

/// Words that name nobody in particular.
const NOBODY: [&str; 26] = [
    "anonymous",
    "anon",
    "guest",
    "user",
    "admin",
    "root",
    "test",
    "null",
    "undefined",
    "none",
    "unknown",
    "default",
    "system",
    "demo",
    "true",
    "false",
    "error",
    "production",
    "visitor",
    "nobody",
    "customer",
    "member",
    "name",
    "email",
    "public",
    "private",
];

/// The names of one event's user.
#[derive(Default)]
pub(super) struct Own {
    finder: Option<AhoCorasick>,
    /// What takes the place of each pattern.
    put: Vec<String>,
}

impl Own {
    /// Of the user as an event has it.
    pub(super) fn of(user: Option<&Value>, pseudonyms: &Pseudonyms) -> Self {
        let (mut sought, mut put) = (Vec::new(), Vec::new());
        let Some(Value::Object(user)) = user.filter(|_| !pseudonyms.is_returning()) else { return Self::default() };
        for (key, kind) in [("id", "user"), ("username", "user"), ("email", "email"), ("name", "name")] {
            let said = match user.get(key) {
                Some(Value::String(text)) => text.trim().to_owned(),
                Some(Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            if !is_telling(&said) {
                continue;
            }
            let shown = match kind {
                // Counts go by it as it stands.
                "user" => pseudonyms.named(kind, &said),
                kind => pseudonyms.named(kind, &redact::normal(kind, &said)),
            };
            for form in forms(&said) {
                sought.push(form);
                put.push(shown.clone());
            }
        }
        let build = || {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(aho_corasick::MatchKind::LeftmostLongest)
                .build(&sought)
                .ok()
        };
        Self { finder: if sought.is_empty() { None } else { build() }, put }
    }

    /// The text without the user; `None`: they are not in it.
    pub(super) fn taken_from(&self, text: &str) -> Option<String> {
        let finder = self.finder.as_ref()?;
        let found = redact::places(text, |plain, out| {
            for hit in finder.find_iter(plain) {
                let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let (before, after) = (plain[..hit.start()].chars().next_back(), plain[hit.end()..].chars().next());
                if !joined(before) && !joined(after) {
                    out.push((hit.start(), hit.end(), hit.pattern().as_usize()));
                }
            }
        });
        if found.is_empty() {
            return None;
        }
        let (mut out, mut done) = (String::with_capacity(text.len()), 0);
        for (start, end, at) in found {
            if start >= done {
                out.push_str(&text[done..start]);
                out.push_str(&self.put[at]);
                done = end;
            }
        }
        out.push_str(&text[done..]);
        Some(out)
    }
}

fn is_telling(said: &str) -> bool {
    let digits = said.bytes().all(|b| b.is_ascii_digit());
    let long = said.chars().count() >= if digits { DIGITS } else { LEAST };
    let lower = said.to_lowercase();
    long && said.len() <= 200 && !NOBODY.contains(&lower.as_str()) && !said.starts_with("{{") && !keys::is_gone(said)
}

/// A name as addresses, paths and lists write it.
fn forms(said: &str) -> Vec<String> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let mut forms = vec![said.to_owned()];
    if (2..=4).contains(&words.len()) {
        forms.extend([" ", "+", "_", ".", "-", ""].iter().map(|gap| words.join(gap)));
        let (last, first) = (words[words.len() - 1], words[..words.len() - 1].join(" "));
        forms.extend([format!("{last}, {first}"), format!("{last} {first}"), format!("{last}.{first}")]);
    }
    forms.sort();
    forms.dedup();
    forms.retain(|form| form.chars().count() >= LEAST);
    forms
}
