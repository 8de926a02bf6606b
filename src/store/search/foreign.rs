//! What looks like a condition in another grammar than that of searches, and how it is written here.

use super::super::Field;

pub(super) const ALTERNATIVES: &str = "OR is not supported: all conditions must hold; for values of one key write key:[a, b], else make \
     two calls; put a text that has the word in quotes";

pub(super) const LOWER_NOT: &str =
    "to leave a word out write NOT word or !word; to look for the word \"not\" put the text in quotes";

const FUNCTIONS: &str = "functions are not compared here: for counts of an issue use timesSeen:>5 or userCount:>5, for counts of \
     groups use group_by with aggregate";

pub(super) const GROUPS: &str =
    "groups in parentheses are not supported: all conditions must hold; put a text that has parentheses in quotes";

/// What is no text but a condition in another grammar, and how it is written here.
pub(super) fn foreign(word: &str, rest: &[char]) -> Option<&'static str> {
    let bare = word.trim_start_matches(['!', '-']);
    let is_known = |key: &str| Field::parse(key).is_some_and(|field| !matches!(field, Field::Tag(_)));
    if is_function(word) {
        return Some(FUNCTIONS);
    }
    let is_word = |text: &str| text.len() > 1 && text.chars().all(char::is_alphabetic);
    if word.strip_prefix('-').is_some_and(|rest| is_word(rest) || rest.starts_with("is:") || rest.starts_with("has:")) {
        return Some("to leave something out write !level:error, NOT word or !word");
    }
    if word == "!" {
        return Some("! turns the condition round that follows it without a space: !level:error");
    }
    if word.starts_with('-') && bare.split_once(':').is_some_and(|(key, value)| is_known(key) && !value.is_empty()) {
        return Some("a condition is turned round by !, such as !level:error");
    }
    if let Some(end) = bare.find(['=', '<', '>']) {
        let key = bare[..end].trim_end_matches('!');
        if is_known(key) || matches!(key, "is" | "has") {
            return Some("conditions are written key:value, !key:value, key:>5 or key:<=5; put a text in quotes");
        }
    }
    if word.starts_with('{') && (word.contains('"') || rest.contains(&'"')) {
        return Some("the search is a text such as level:error, not JSON");
    }
    let next_is_value = || rest.iter().find(|c| !c.is_whitespace()) == Some(&':');
    if is_known(bare) && next_is_value() {
        return Some("the colon follows its key without a space: level:error");
    }
    let sides = |(one, other): (&str, &str)| [one, other].iter().all(|side| side.ends_with(char::is_alphanumeric));
    (word.split_once('|').is_some_and(sides)).then_some(ALTERNATIVES)
}

/// `count():>5`, `count_unique(user):>3`.
fn is_function(text: &str) -> bool {
    let name = text.trim_start_matches('!').split('(').next().unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && text.contains("):")
}
