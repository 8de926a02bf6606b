//! Go: `runtime.Stack`, pairs of lines.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static FILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s+(.+):(\d+)(?: \+0x[0-9a-f]+)?$").expect("a valid pattern"));

/// What takes the stack down or ends the function that failed: no part of what happened.
const OWN: &[&str] = &["runtime/debug.Stack", "go.opentelemetry.io/", "panic(", "runtime.gopanic", "runtime.Stack"];

/// The stack says nothing of what failed: type and text come with the record.
pub(super) fn read(text: &str) -> Vec<Exception> {
    let (mut frames, mut name): (Vec<Frame>, Option<&str>) = (Vec::new(), None);
    for line in text.lines() {
        match (FILE.captures(line), name.take()) {
            (Some(found), Some(name)) => {
                let part = |n: usize| found.get(n).map(|m| m.as_str());
                if !OWN.iter().any(|own| name.starts_with(own)) {
                    frames.push(place(name, part(1), part(2)));
                }
            }
            (Some(_), None) => {}
            // A second goroutine is another stack.
            (None, _) if line.starts_with("goroutine ") && !frames.is_empty() => break,
            (None, _) => name = (!line.starts_with("goroutine ") && !line.trim().is_empty()).then_some(line.trim()),
        }
    }
    if frames.is_empty() { Vec::new() } else { vec![exception(None, None, frames)] }
}

/// `example.com/shop/pay.(*Till).Charge(0xc000…)`: package, then function.
fn place(name: &str, file: Option<&str>, line: Option<&str>) -> Frame {
    let name = name.strip_prefix("created by ").unwrap_or(name);
    let name = name.split(" in goroutine ").next().unwrap_or(name);
    let name = if name.ends_with(')') { name.rfind('(').map_or(name, |at| &name[..at]) } else { name };
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let (module, function) = match name[slash..].find('.') {
        Some(dot) => (Some(&name[..slash + dot]), &name[slash + dot + 1..]),
        None => (None, name),
    };
    Frame { module: module.map(Into::into), ..frame(Some(function), file, line, None) }
}
