//! Java, Kotlin, Scala: `printStackTrace`. PHP: the same form with dots for backslashes, or PHP's own `#0 file(12): f()`.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*at (?:[^\s()]*/)?([^\s()]+)\.([^.\s()]+)\(([^():]*(?: [^():]*)?)(?::(\d+))?\)")
        .expect("a valid pattern")
});
static PHP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^#\d+ (.+)\((\d+)\): (.+)$").expect("a valid pattern"));
static PHP_IN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*at (?:(.+?)\()?([^():]+\.php)(?::(\d+))?\)?$").expect("a valid pattern"));
static MORE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*\.\.\. (\d+) (?:more|common)").expect("a valid pattern"));

pub(super) fn is_frame(line: &str) -> bool {
    FRAME.captures(line).is_some_and(|found| {
        let file = found.get(3).map_or("", |m| m.as_str());
        matches!(file, "Native Method" | "Unknown Source" | "SourceFile")
            || file.ends_with(".java")
            || file.ends_with(".kt")
            || file.ends_with(".scala")
            || file.ends_with(".groovy")
            || file.ends_with(".php")
    })
}

pub(super) fn is_php_frame(line: &str) -> bool {
    PHP.is_match(line)
}

/// Printed from the outermost inwards.
pub(super) fn read(text: &str, php: bool) -> Vec<Exception> {
    let mut chain: Vec<(String, Vec<Frame>)> = Vec::new();
    // Suppressed ones stand deeper than their owner, with causes of their own; they are told aside.
    let mut suppressed: Option<usize> = None;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        let trimmed = line.trim_start();
        if suppressed.is_some_and(|at| depth > at || depth == at && trimmed.starts_with("Suppressed: ")) {
            continue;
        }
        suppressed = None;
        if trimmed.starts_with("Suppressed: ") {
            suppressed = Some(depth);
        } else if let Some(head) = trimmed.strip_prefix("Caused by: ") {
            chain.push((head.to_owned(), Vec::new()));
        } else if let Some(found) = MORE.captures(line) {
            more(&mut chain, found.get(1).map_or("", |m| m.as_str()));
        } else if let Some(frame) = place(line, php) {
            if chain.is_empty() {
                chain.push((String::new(), Vec::new()));
            }
            chain.last_mut().into_iter().for_each(|(_, frames)| frames.push(frame.clone()));
        } else if let Some((head, frames)) = chain.last_mut() {
            if frames.is_empty() {
                head.push('\n');
                head.push_str(line);
            }
        } else if !trimmed.is_empty() {
            chain.push((line.to_owned(), Vec::new()));
        }
    }
    chain.into_iter().map(|(head, frames)| thrown(&head, frames, php)).collect()
}

/// The last frames of the enclosing exception are this one's too.
fn more(chain: &mut [(String, Vec<Frame>)], n: &str) {
    if let [.., (_, outer), (_, inner)] = chain
        && let Ok(n) = n.parse::<usize>()
    {
        inner.extend_from_slice(&outer[outer.len().saturating_sub(n)..]);
    }
}

fn place(line: &str, php: bool) -> Option<Frame> {
    if php {
        if let Some(found) = PHP.captures(line) {
            let part = |n: usize| found.get(n).map(|m| m.as_str());
            return Some(frame(part(3).and_then(|f| f.split('(').next()), part(1), part(2), None));
        }
        let found = PHP_IN.captures(line)?;
        let part = |n: usize| found.get(n).map(|m| m.as_str());
        let function = part(1).map(|name| name.replace('.', "\\"));
        return Some(frame(function.as_deref(), part(2), part(3), None));
    }
    let found = FRAME.captures(line)?;
    let part = |n: usize| found.get(n).map(|m| m.as_str());
    Some(Frame { module: part(1).map(Into::into), ..frame(part(2), part(3), part(4), None) })
}

/// `[Exception in thread "main" ]a.b.Type: text`.
fn thrown(head: &str, frames: Vec<Frame>, php: bool) -> Exception {
    let head = head.trim();
    let head =
        head.strip_prefix("Exception in thread ").and_then(|rest| rest.split_once("\" ")).map_or(head, |(_, h)| h);
    let (name, value) = match head.split_once(": ").or_else(|| head.split_once(":\n")) {
        Some((name, value)) if !name.contains(' ') => (name, Some(value)),
        _ if !head.contains(' ') => (head.trim_end_matches(':'), None),
        _ => ("", Some(head)),
    };
    if php {
        return exception(Some(&name.replace('.', "\\")), value, frames);
    }
    let (module, ty) = name.rsplit_once('.').map_or((None, name), |(module, ty)| (Some(module), ty));
    Exception { module: module.map(Into::into), ..exception(Some(ty), value, frames) }
}
