//! JavaScript: `error.stack` of V8 (`at f (file:1:2)`), SpiderMonkey and JavaScriptCore (`f@file:1:2`).

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static V8: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s+at (?:async )?(?:(.*?) \()?(.*?)(?::(\d+))?(?::(\d+))?\)?$").expect("a valid pattern")
});
static OTHERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(.*?)@((?:[a-z-]+:)?.*?)(?::(\d+))?(?::(\d+))?$").expect("a valid pattern"));
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:Uncaught )?([A-Za-z_$][\w$.]*)(?: \[\w+\])?(?:: ?((?s).*))?$").expect("a valid pattern")
});

pub(super) fn is_frame(line: &str) -> bool {
    let v8 = line.trim_start().starts_with("at ") && line.starts_with(' ') && V8.is_match(line);
    v8 || is_other(line)
}

/// `f@https://…:1:2`: an address or a path with a line after the sign.
fn is_other(line: &str) -> bool {
    let Some((name, place)) = line.trim().split_once('@') else { return false };
    let numbered = place.rsplit(':').next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let native = place == "[native code]";
    !name.contains([' ', ':']) && (native || numbered && place.contains('/'))
}

/// Each cause follows after `caused by:`, as pino prints it, or `[cause]:`, as Node does.
pub(super) fn read(text: &str) -> Vec<Exception> {
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        let trimmed = line.trim_start();
        let cause = trimmed.strip_prefix("caused by: ").or_else(|| trimmed.strip_prefix("[cause]: "));
        match cause {
            Some(head) => parts.push(vec![head]),
            None => parts.last_mut().into_iter().for_each(|part| part.push(line)),
        }
    }
    parts.iter().filter_map(|lines| one(lines)).collect()
}

fn one(lines: &[&str]) -> Option<Exception> {
    let first = lines.iter().position(|line| is_frame(line)).unwrap_or(lines.len());
    let head = lines[..first].join("\n");
    let frames: Vec<Frame> = lines[first..].iter().filter_map(|line| place(line)).collect();
    let said = HEAD.captures(head.trim());
    let (ty, value) = match &said {
        Some(found) => (found.get(1).map(|m| m.as_str()), found.get(2).map(|m| m.as_str())),
        None => (None, Some(head.as_str())),
    };
    (!head.trim().is_empty() || !frames.is_empty()).then(|| exception(ty, value, frames))
}

fn place(line: &str) -> Option<Frame> {
    let found = if line.trim_start().starts_with("at ") { V8.captures(line) } else { OTHERS.captures(line) }?;
    let part = |n: usize| found.get(n).map(|m| m.as_str()).filter(|text| !text.is_empty());
    let file = part(2).map(|file| file.strip_prefix("file://").unwrap_or(file));
    Some(frame(part(1).map(|name| name.strip_prefix("async ").unwrap_or(name)), file, part(3), part(4)))
}
