//! What an issue is called.

use super::raw;
use super::{chain, frame, spine, types};
use crate::model::{Event, Exception, Frame, TopFrame, Untrusted};

/// Characters of a text that go into a title.
const TITLE: usize = 200;

/// An issue's names.
pub(super) struct Name {
    pub(super) title: Untrusted,
    pub(super) ty: Option<Untrusted>,
    pub(super) value: Option<Untrusted>,
    pub(super) culprit: Option<Untrusted>,
    pub(super) top_frame: Option<TopFrame>,
}

/// Reads them. The title is that of the outermost exception, which is what logs show,
/// unless that one is a wrapper without a word of its own.
pub(super) fn describe(event: &Event) -> Name {
    let error = named(event);
    let top = top(event);
    let (ty, value) = match error {
        Some(error) if !raw(&error.ty).trim().is_empty() => (error.ty.clone(), error.value.clone()),
        Some(error) => (None, event.message.clone().or_else(|| error.value.clone())),
        None => (None, event.message.clone().or_else(|| event.message_template.clone())),
    };
    Name {
        title: title(&ty, &value, top).into(),
        culprit: culprit(event, top),
        top_frame: top.map(top_frame),
        ty,
        value,
    }
}

/// The exception that names the issue.
pub(super) fn named(event: &Event) -> Option<&Exception> {
    spine::naming(&event.exceptions, &chain::kind_of).first().copied()
}

/// The frame that an issue is known by: the innermost of the application, in the cause nearest to the root that
/// has one. The members of a group are no causes of each other: there the group's own frame comes first.
pub(super) fn top(event: &Event) -> Option<&Frame> {
    let exceptions = spine::grouping(&event.exceptions, &chain::kind_of);
    let has_group = exceptions.iter().any(|e| e.mechanism.is_exception_group);
    let mut stacks: Vec<&[Frame]> = exceptions.iter().map(|e| e.frames.as_slice()).collect();
    if !has_group {
        stacks.reverse();
    }
    let threads = event.threads.iter().filter(|t| t.crashed || t.current).map(|t| t.frames.as_slice());
    stacks.extend(threads);
    let own = |f: &&Frame| {
        let outside = frame::is_machinery(f) || frame::is_extension(f) || frame::is_native(f);
        f.in_app && !outside && frame::says_where(f)
    };
    let innermost = |frames: &&'_ [Frame]| frames.iter().position(|f| own(&f) && !frame::is_wrapper(f));
    let found = stacks.iter().find_map(|frames| innermost(frames).map(|at| &frames[at]));
    found
        .or_else(|| stacks.iter().flat_map(|s| s.iter()).find(own))
        .or_else(|| stacks.iter().flat_map(|s| s.iter()).find(|f| frame::says_where(f)))
}

fn title(ty: &Option<Untrusted>, value: &Option<Untrusted>, top: Option<&Frame>) -> String {
    let text = one_line(raw(value));
    let whole = match (types::lasting(raw(ty).trim()), text.as_str()) {
        ("", "") => top.map_or("", |frame| raw(&frame.function)).to_owned(),
        ("", text) => text.to_owned(),
        (ty, "") => ty.to_owned(),
        (ty, text) => format!("{ty}: {text}"),
    };
    if whole.is_empty() { "(no message)".to_owned() } else { shortened(whole) }
}

/// The first line; when that holds no word, all of them in one.
fn one_line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    if first.chars().any(char::is_alphabetic) {
        return first.to_owned();
    }
    text.split_whitespace().take(TITLE).collect::<Vec<_>>().join(" ")
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(TITLE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// The transaction, else function and file.
fn culprit(event: &Event, top: Option<&Frame>) -> Option<Untrusted> {
    if let Some(transaction) = event.transaction.as_ref().filter(|t| !t.raw().trim().is_empty()) {
        return Some(transaction.clone());
    }
    let frame = top?;
    let named = top_frame(frame);
    let file = raw(&named.file);
    let function = raw(&named.function);
    let text = match (function, file) {
        ("", "") => return None,
        ("", file) => file.to_owned(),
        (function, "") => function.to_owned(),
        (function, file) => format!("{function} ({file})"),
    };
    Some(text.into())
}

/// Native code without a name is called by its place in the library.
fn top_frame(frame: &Frame) -> TopFrame {
    let place = || Some(frame.image.as_ref()?.label().into());
    TopFrame { function: frame.function.clone().or_else(place), file: frame.file.clone(), line: frame.line }
}
