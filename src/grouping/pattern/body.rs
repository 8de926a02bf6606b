//! The body of a failed call within a text: `Error code: 400 - {'error': {'code': 'context_length'}}`. What it says of the error is
//! part of the program; whatever else it holds is data.

use std::sync::LazyLock;

use regex::Regex;

/// Names under which a service says which error it is, the surest first.
const SAYS: [&str; 2] = [
    r#"["'](?:code|error_code|errorCode|reason)["']\s*:\s*["']([^"'{}\[\]]{2,80})["']"#,
    r#"["'](?:message|msg|error_description|detail)["']\s*:\s*["']([^"'{}\[\]]{2,200})["']"#,
];

static IS_ERROR: LazyLock<Regex> = LazyLock::new(|| regex(r#"["'](?:errors?|error_code|errorCode)["']\s*:"#));
static SAID: LazyLock<[Regex; 2]> = LazyLock::new(|| SAYS.map(regex));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a regular expression")
}

/// What the body of an error says; `None` where a bracketed part is none.
pub(super) fn said(part: &[char]) -> Option<String> {
    if part.first() != Some(&'{') {
        return None;
    }
    let text: String = part.iter().collect();
    if !IS_ERROR.is_match(&text) {
        return None;
    }
    let said = SAID.iter().find_map(|says| says.captures(&text)?.get(1).map(|found| found.as_str().to_owned()));
    said.filter(|said| said.chars().any(char::is_alphabetic))
}
