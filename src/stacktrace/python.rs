//! Python: `traceback.format_exception`, chains and groups.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame, gather};
use crate::model::{Exception, Frame};

/// Between an exception and one that came of it.
const BETWEEN: [&str; 2] = [
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"^\s*File "(.+)", line (\d+)(?:, in (.+))?$"#).expect("a valid pattern"));
static HEAD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([A-Za-z_][\w.]*(?:<locals>[\w.]+)?)(?::(?: (.*))?)?$").expect("a valid pattern"));

/// Deepest nesting of groups that is followed.
const DEEPEST: usize = 16;

pub(super) fn read(text: &str) -> Vec<Exception> {
    let lines: Vec<&str> = text.lines().collect();
    let group = lines.iter().position(|line| line.trim_start().starts_with("+ Exception Group Traceback"));
    match group {
        Some(at) => {
            let margin = lines[at].len() - lines[at].trim_start().len();
            // What stands before the group is its cause; it has no margin.
            let mut all = group_of(&lines[at..], margin, 0);
            all.extend(chain(&lines[..at]));
            all
        }
        None => chain(&lines),
    }
}

/// A group and its members: `margin` spaces stand before its `|`.
fn group_of(lines: &[&str], margin: usize, depth: usize) -> Vec<Exception> {
    let split = format!("{}+-+-", " ".repeat(margin));
    let end = lines.iter().position(|line| line.starts_with(&split)).unwrap_or(lines.len());
    let own: Vec<&str> = lines[..end].iter().map(|line| without_margin(line, margin)).collect();
    let mut all = chain(&own);
    if all.is_empty() || depth >= DEEPEST {
        return all;
    }
    let inner = margin + 2;
    let (border, deeper) = (format!("{}+--", " ".repeat(inner)), format!("{}+-+-", " ".repeat(inner)));
    for member in lines.get(end + 1..).unwrap_or_default().split(|line| line.starts_with(&border)) {
        let first = all.len();
        let read = match member.iter().any(|line| line.starts_with(&deeper)) {
            true => group_of(member, inner, depth + 1),
            false => chain(&member.iter().map(|line| without_margin(line, inner)).collect::<Vec<_>>()),
        };
        all.extend(read.into_iter().map(|e| moved(e, first as u64)));
        // Causes of a member are told by their parent, the one before.
        for (at, exception) in all.iter_mut().enumerate().skip(first) {
            let parent = if at == first { 0 } else { at as u64 - 1 };
            exception.mechanism.exception_id.get_or_insert(at as u64);
            exception.mechanism.parent_id.get_or_insert(parent);
        }
    }
    let first = all.len().min(1);
    gather(&mut all, 0, first);
    all
}

/// The same exception with numbers that begin at `first`.
fn moved(mut exception: Exception, first: u64) -> Exception {
    let mechanism = &mut exception.mechanism;
    mechanism.exception_id = mechanism.exception_id.map(|id| id + first);
    mechanism.parent_id = mechanism.parent_id.map(|id| id + first);
    exception
}

fn without_margin(line: &str, margin: usize) -> &str {
    let inner = line.get(margin..).unwrap_or_else(|| line.trim_start());
    let inner = inner.strip_prefix('|').or_else(|| inner.strip_prefix('+')).unwrap_or(inner);
    inner.strip_prefix(' ').unwrap_or(inner)
}

/// Exceptions that came of each other; printed with the root first.
fn chain(lines: &[&str]) -> Vec<Exception> {
    let blocks = lines.split(|line| BETWEEN.contains(&line.trim()));
    let mut chain: Vec<Exception> = blocks.filter_map(block).collect();
    chain.reverse();
    chain
}

/// One traceback: places, each with its source line, and then what was raised.
fn block(lines: &[&str]) -> Option<Exception> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for line in lines {
        let inside = said.is_empty();
        let start = line.trim_start().trim_start_matches("+ ");
        let opens =
            start.starts_with("Exception Group Traceback") || start.starts_with("Traceback (most recent call last)");
        if inside && opens {
            continue;
        }
        if inside && let Some(found) = PLACE.captures(line) {
            let part = |n: usize| found.get(n).map(|m| m.as_str());
            frames.push(frame(part(3), part(1), part(2), None));
        } else if inside && (line.starts_with(' ') || line.trim().is_empty()) {
            source(&mut frames, line.trim());
        } else {
            said.push(line);
        }
    }
    let (first, rest) = said.split_first()?;
    let head = HEAD.captures(first)?;
    let mut value = head.get(2).map_or("", |m| m.as_str()).to_owned();
    for line in rest {
        value.push('\n');
        value.push_str(line);
    }
    frames.reverse();
    let name = head.get(1).map_or("", |m| m.as_str());
    let (module, ty) = name.rsplit_once('.').map_or((None, name), |(module, ty)| (Some(module), ty));
    Some(Exception {
        module: module.filter(|m| *m != "builtins").map(Into::into),
        ..exception(Some(ty), Some(&value), frames)
    })
}

/// The source line of the last place; marks below it (`~~^^`) and notes of repetition are no code.
fn source(frames: &mut [Frame], line: &str) {
    let marks = line.chars().all(|c| matches!(c, '^' | '~' | ' '));
    if let Some(last) = frames.last_mut()
        && !marks
        && last.context_line.is_none()
        && !line.starts_with("[Previous line repeated")
    {
        last.context_line = Some(line.into());
    }
}
