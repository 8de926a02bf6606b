//! One form of a message that carries its remedy, and how it is found in a text.

use regex::Regex;

use super::{Action, Remedy};

/// Longer lines are cut around the words.
const LONGEST: usize = 600;

/// One form: the kind, the pattern, and what to make of the first group.
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) pattern: Regex,
    pub(super) action: fn(&str) -> Action,
    /// What is quoted.
    pub(super) quote: Quote,
}

/// How much of a text is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// What the pattern found.
    Found,
    /// The first group.
    Group,
    /// The line in which it was found.
    Line,
}

pub(super) fn rule(kind: &'static str, quote: Quote, pattern: &str, action: fn(&str) -> Action) -> Rule {
    let pattern = Regex::new(pattern).expect("the rule's pattern is a regular expression");
    Rule { kind, pattern, action, quote }
}

impl Rule {
    /// The remedy that a text holds by this rule.
    pub(super) fn find(&self, text: &str) -> Option<Remedy> {
        let found = self.pattern.captures(text)?;
        let whole = found.get(0)?;
        let group = found.get(1).map_or("", |group| group.as_str().trim());
        let evidence = match self.quote {
            Quote::Found => whole.as_str().trim(),
            Quote::Group => group,
            Quote::Line => line_around(text, whole.start(), whole.end()),
        };
        Some(Remedy { kind: self.kind, action: (self.action)(group), evidence: evidence.into() })
    }
}

/// The line; of a long one what stands around the words.
fn line_around(text: &str, start: usize, end: usize) -> &str {
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
    if to - from <= LONGEST {
        return text[from..to].trim();
    }
    let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[boundary(from.max(start.saturating_sub(LONGEST / 2)))..boundary(to.min(end + LONGEST / 2))].trim()
}
