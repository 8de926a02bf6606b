//! Ruby: `full_message`.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static HEAD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(.+?):(\d+):in [`'](.+?)': (.*)$").expect("a valid pattern"));
static FROM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s+(?:\d+: )?from (.+?):(\d+)(?::in [`'](.+)')?$").expect("a valid pattern"));
static TYPE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(.*) \(([A-Z][\w:]*)\)$").expect("a valid pattern"));
static COLOURS: LazyLock<Regex> = LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;]*m").expect("a valid pattern"));

pub(super) fn is_head(line: &str) -> bool {
    HEAD.is_match(&COLOURS.replace_all(line, ""))
}

pub(super) fn read(text: &str) -> Vec<Exception> {
    let text = COLOURS.replace_all(text, "");
    let mut chain: Vec<(String, Vec<Frame>)> = Vec::new();
    for line in text.lines() {
        if let Some(found) = FROM.captures(line) {
            let part = |n: usize| found.get(n).map(|m| m.as_str());
            chain.last_mut().into_iter().for_each(|(_, frames)| frames.push(place(part(3), part(1), part(2))));
        } else if let Some(found) = HEAD.captures(line) {
            let part = |n: usize| found.get(n).map(|m| m.as_str());
            chain.push((part(4).unwrap_or("").to_owned(), vec![place(part(3), part(1), part(2))]));
        } else if let Some((said, _)) = chain.last_mut().filter(|(_, frames)| frames.len() == 1) {
            said.push('\n');
            said.push_str(line);
        }
    }
    chain.into_iter().map(|(said, frames)| thrown(&said, frames)).collect()
}

/// The class stands in brackets after the first line of the text.
fn thrown(said: &str, frames: Vec<Frame>) -> Exception {
    let (first, rest) = said.split_once('\n').unwrap_or((said, ""));
    let Some(found) = TYPE.captures(first) else { return exception(None, Some(said), frames) };
    let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
    let text = if rest.trim().is_empty() { part(1).to_owned() } else { format!("{}\n{rest}", part(1)) };
    exception(Some(part(2)), Some(&text), frames)
}

/// Since Ruby 3.4 the class stands before the method: `Till#charge`.
fn place(function: Option<&str>, file: Option<&str>, line: Option<&str>) -> Frame {
    let named = function.map(|name| name.rsplit(" in ").next().unwrap_or(name));
    frame(named.map(|name| name.rsplit(['#', '.']).next().unwrap_or(name)), file, line, None)
}
