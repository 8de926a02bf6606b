//! .NET: `Exception.ToString()`.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ {2,}at ([^()]+?)\(([^)]*)\)?.*?(?: in (.+?):line (\d+))?$").expect("a valid pattern")
});

pub(super) fn is_frame(line: &str) -> bool {
    // V8 prints `at f (file:1:2)`, with a space before the bracket.
    line.starts_with("   at ")
        && FRAME.captures(line).is_some_and(|found| {
            let name = found.get(1).map_or("", |m| m.as_str());
            let place = found.get(3).is_some();
            place || name.contains('.') && !name.ends_with(' ') && !line.contains(".js:") && !line.contains("://")
        })
}

/// Heads run inwards, joined by ` ---> `; stacks follow from the innermost outwards.
pub(super) fn read(text: &str) -> Vec<Exception> {
    let mut heads: Vec<String> = Vec::new();
    let mut stacks: Vec<Vec<Frame>> = vec![Vec::new()];
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("--- End of inner exception stack trace") {
            stacks.push(Vec::new());
        } else if trimmed.starts_with("--- End of stack trace from previous location") {
            // What follows is where it was awaited: one stack.
        } else if let Some(frame) = place(line) {
            stacks.last_mut().into_iter().for_each(|stack| stack.push(frame.clone()));
        } else if let Some(inner) = trimmed.strip_prefix("---> ") {
            heads.push(inner.to_owned());
        } else if stacks.len() == 1 && stacks[0].is_empty() && !trimmed.is_empty() {
            match heads.last_mut() {
                Some(head) => {
                    head.push('\n');
                    head.push_str(line);
                }
                None => heads.extend(trimmed.split(" ---> ").map(str::to_owned)),
            }
        }
    }
    let mut stacks = stacks.into_iter();
    let mut chain: Vec<Exception> =
        heads.iter().rev().map(|head| thrown(head, stacks.next().unwrap_or_default())).collect();
    chain.reverse();
    chain
}

fn thrown(head: &str, frames: Vec<Frame>) -> Exception {
    match head.split_once(": ") {
        Some((ty, value)) if !ty.contains(' ') => exception(Some(ty), Some(value), frames),
        _ if !head.contains(' ') => exception(Some(head), None, frames),
        _ => exception(None, Some(head), frames),
    }
}

fn place(line: &str) -> Option<Frame> {
    let found = FRAME.captures(line)?;
    let part = |n: usize| found.get(n).map(|m| m.as_str());
    let name = part(1)?.trim();
    let (module, function) = name.rsplit_once('.').map_or((None, name), |(m, f)| (Some(m.trim_end_matches('.')), f));
    Some(Frame { module: module.map(Into::into), ..frame(Some(function), part(3), part(4), None) })
}
