//! Rust: the standard library's backtrace.

use std::sync::LazyLock;

use regex::Regex;

use super::{exception, frame};
use crate::model::{Exception, Frame};

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*\d+:\s+(?:0x[0-9a-f]+ - )?(\S.*)$").expect("a valid pattern"));
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s+at (.+?):(\d+)(?::(\d+))?$").expect("a valid pattern"));

/// What runs while a panic is told: no part of what happened.
const HOOKS: &[&str] = &[
    "std::backtrace",
    "backtrace::",
    "std::panicking",
    "core::panicking",
    "rust_begin_unwind",
    "std::sys::backtrace",
    "<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call",
    "tracing",
    "opentelemetry",
];

pub(super) fn is_frame(line: &str) -> bool {
    NAME.captures(line).is_some_and(|found| found.get(1).is_some_and(|name| name.as_str().contains("::")))
}

pub(super) fn read(text: &str) -> Vec<Exception> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines() {
        if let Some(found) = NAME.captures(line) {
            frames.push(frame(found.get(1).map(|m| m.as_str()), None, None, None));
        } else if let (Some(found), Some(last)) = (PLACE.captures(line), frames.last_mut()) {
            let part = |n: usize| found.get(n).map(|m| m.as_str());
            let name = last.function.take();
            *last = Frame { function: name, ..frame(None, part(1), part(2), part(3)) };
        }
    }
    let hook = |frame: &Frame| {
        frame.function.as_ref().is_some_and(|name| HOOKS.iter().any(|hook| name.raw().starts_with(hook)))
    };
    // Hooks stand above the crash; a library of the same name below it is a caller.
    let hooks = frames.iter().take_while(|frame| hook(frame)).count();
    frames.drain(..hooks);
    if frames.is_empty() { Vec::new() } else { vec![exception(None, None, frames)] }
}
