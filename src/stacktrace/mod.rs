//! Stack traces as runtimes print them become exceptions with frames: the one caught outermost first, its causes after it.
//! It uses `model` and `regex`.
//! It never does IO, and never fails: a text that is no stack trace has no exceptions.

mod dotnet;
mod go;
mod java;
mod python;
mod ruby;
mod rust;
mod script;

use crate::model::{Exception, Frame, Mechanism};

/// Longest text that is read, in bytes: its beginning and end tell what happened.
const LONGEST: usize = 256 * 1024;
/// Most exceptions that are read of one text.
const MOST: usize = 64;

/// What printed a stack trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `traceback.format_exception`.
    Python,
    /// `error.stack` of V8, SpiderMonkey or JavaScriptCore.
    Script,
    /// `printStackTrace`, also of Kotlin and Scala.
    Java,
    /// Java's form, as the OpenTelemetry SDK of PHP prints it, or PHP's own.
    Php,
    /// `runtime.Stack`.
    Go,
    /// `Exception.ToString()`.
    DotNet,
    /// `full_message`.
    Ruby,
    /// The standard library's backtrace.
    Rust,
}

impl Language {
    /// Reads `telemetry.sdk.language`.
    pub fn of_sdk(name: &str) -> Option<Self> {
        Some(match name {
            "python" => Self::Python,
            "nodejs" | "webjs" => Self::Script,
            "java" | "kotlin" => Self::Java,
            "php" => Self::Php,
            "go" => Self::Go,
            "dotnet" => Self::DotNet,
            "ruby" => Self::Ruby,
            "rust" => Self::Rust,
            _ => return None,
        })
    }

    /// Tells by the form of the text.
    fn of_text(text: &str) -> Option<Self> {
        let any = |test: &dyn Fn(&str) -> bool| text.lines().take(200).any(test);
        if text.contains("Traceback (most recent call last)") && any(&|l| l.contains("File \"")) {
            return Some(Self::Python);
        }
        if any(&|l| l.starts_with("goroutine ") && l.ends_with(':')) {
            return Some(Self::Go);
        }
        if any(&rust::is_frame) {
            return Some(Self::Rust);
        }
        if any(&java::is_frame) {
            return Some(Self::Java);
        }
        if any(&dotnet::is_frame) {
            return Some(Self::DotNet);
        }
        if any(&script::is_frame) {
            return Some(Self::Script);
        }
        if any(&ruby::is_head) {
            return Some(Self::Ruby);
        }
        any(&java::is_php_frame).then_some(Self::Php)
    }
}

/// Reads a stack trace. `said` is what the sender names as its language; the form of the text has the last word where it
/// is plain. Frames run from the crash outwards.
pub fn read(text: &str, said: Option<Language>) -> Vec<Exception> {
    let text = cut(text);
    let language = match (said, Language::of_text(text)) {
        // Both print the same form, and mean other things by it.
        (Some(Language::Php), Some(Language::Java)) => Some(Language::Php),
        (said, found) => found.or(said),
    };
    let mut chain = match language {
        Some(Language::Python) => python::read(text),
        Some(Language::Script) => script::read(text),
        Some(Language::Java) => java::read(text, false),
        Some(Language::Php) => java::read(text, true),
        Some(Language::Go) => go::read(text),
        Some(Language::DotNet) => dotnet::read(text),
        Some(Language::Ruby) => ruby::read(text),
        Some(Language::Rust) => rust::read(text),
        None => Vec::new(),
    };
    chain.truncate(MOST);
    chain
}

/// The part of a text that is read: whole characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An exception as read.
fn exception(ty: Option<&str>, value: Option<&str>, frames: Vec<Frame>) -> Exception {
    let some = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(Into::into);
    Exception { ty: some(ty), value: some(value), frames, ..Exception::default() }
}

/// A frame as read; `line` and `column` as digits.
fn frame(function: Option<&str>, file: Option<&str>, line: Option<&str>, column: Option<&str>) -> Frame {
    let some = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(Into::into);
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).filter(|n| *n > 0);
    Frame {
        function: some(function),
        file: some(file),
        abs_path: some(file),
        line: number(line),
        column: number(column),
        ..Frame::default()
    }
}

/// Marks the exceptions from `first` on, those without a parent among them, as members of the group at `group`.
fn gather(chain: &mut [Exception], group: usize, first: usize) {
    for (at, exception) in chain.iter_mut().enumerate() {
        exception.mechanism.exception_id.get_or_insert(at as u64);
        if at >= first && exception.mechanism.parent_id.is_none() {
            exception.mechanism.parent_id = Some(group as u64);
        }
    }
    if let Some(Exception { mechanism, .. }) = chain.get_mut(group) {
        *mechanism = Mechanism { is_exception_group: true, ..std::mem::take(mechanism) };
    }
}
