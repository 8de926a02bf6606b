//! Values behind a label: `id: abcXyz`, `user: ann country: NL`.

use super::ANY;

/// Ends of labels whose values name one thing of many.
const IDS: [&str; 9] = ["id", "uuid", "guid", "token", "key", "session", "sku", "slug", "ref"];

/// What says something of the thing rather than names it: `id: missing`.
const STATES: [&str; 20] = [
    "not",
    "is",
    "was",
    "no",
    "missing",
    "invalid",
    "unknown",
    "expired",
    "required",
    "empty",
    "null",
    "none",
    "undefined",
    "cannot",
    "can't",
    "must",
    "already",
    "failed",
    "the",
    "wrong",
];

/// The text with `*` for values of labels that name ids, and for all values of a list of labels that the text ends with.
pub(super) fn without_values(text: &str) -> String {
    if !text.contains(": ") {
        return text.to_owned();
    }
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let from = list_from(&words);
    for at in 1..words.len() {
        let named = label(&words[at - 1]).is_some_and(|label| is_id(&label)) && may_be_value(&words[at]);
        if named || (at > from && label(&words[at - 1]).is_some()) {
            let core = words[at].trim_matches(['(', ')', ',', '.', ';']).to_owned();
            if !core.is_empty() {
                words[at] = words[at].replacen(&core, &ANY.to_string(), 1);
            }
        }
    }
    words.join(" ")
}

/// Where a list of at least two `label: value` begins that runs to the end of the text.
fn list_from(words: &[String]) -> usize {
    let mut from = words.len();
    while from >= 2 && label(&words[from - 2]).is_some() && label(&words[from - 1]).is_none() {
        from -= 2;
    }
    if words.len() - from >= 4 { from } else { words.len() }
}

/// `user:` → `user`. Types of errors and words of a sentence have capitals or stand alone.
fn label(word: &str) -> Option<String> {
    let name = word.trim_start_matches('(').strip_suffix(':')?;
    let fits = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '.');
    (fits && name.starts_with(|c: char| c.is_lowercase())).then(|| name.to_owned())
}

fn is_id(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let last = lower.rsplit(['_', '-', '.']).next().unwrap_or(&lower);
    IDS.contains(&last) || label.ends_with("Id") || label.ends_with("ID")
}

fn may_be_value(word: &str) -> bool {
    let core = word.trim_matches(['(', ')', ',', '.', ';']);
    !core.is_empty() && !core.ends_with(':') && !STATES.contains(&core.to_lowercase().as_str())
}
