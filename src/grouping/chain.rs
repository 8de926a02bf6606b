//! The key of all that was thrown: a chain is its links, a group is the set of its members.

use std::collections::{BTreeSet, HashMap};

use super::key::Key;
use super::pattern::pattern;
use super::saying::{self, MessageSignature, ThrowOrigin};
use super::stack::Stack;
use super::template::template;
use super::{code, raw, spine, types};
use crate::model::{Event, Exception, Frame};

/// Which frames a key is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frames {
    /// After a source map, where there is one.
    Read,
    /// As the SDK sent them.
    AsSent,
}

/// A key and how it came about.
pub(super) struct Decided {
    pub(super) by: &'static str,
    pub(super) hash: [u8; 16],
    /// It may throw different bugs together.
    pub(super) weak: bool,
}

/// One exception's part of the key.
struct Link {
    hash: [u8; 16],
    by_stack: bool,
    weak: bool,
}

/// The key of an event, its fingerprint aside.
pub(super) fn key_of(event: &Event, frames: Frames) -> Decided {
    if event.exceptions.iter().all(is_carrier) {
        return message_key(event);
    }
    let chain = spine::grouping(&event.exceptions, &kind_of);
    let stacks: Vec<Stack<'_>> = chain.iter().map(|e| stack_of(e, frames)).collect();
    let members = members(&chain);
    let any_app = stacks.iter().any(|stack| stack.in_app);
    let root = (0..stacks.len()).rev().find(|i| !members[*i] && (!any_app || stacks[*i].in_app));
    let has_members = members.contains(&true);
    let links: Vec<Link> = stacks
        .iter()
        .enumerate()
        .map(|(i, stack)| {
            let caller = root == Some(i) && !has_members;
            link(chain[i], stack, caller, any_app && !stack.in_app)
        })
        .collect();
    combine(&links, &members)
}

fn combine(links: &[Link], members: &[bool]) -> Decided {
    let mut chain: Vec<[u8; 16]> = links.iter().zip(members).filter(|(_, m)| !**m).map(|(l, _)| l.hash).collect();
    chain.dedup();
    let group: BTreeSet<[u8; 16]> = links.iter().zip(members).filter(|(_, m)| **m).map(|(l, _)| l.hash).collect();
    let by = match (chain.len() + group.len(), links.iter().any(|l| l.by_stack)) {
        (0 | 1, true) => "stack",
        (0 | 1, false) => "message",
        _ => "chain",
    };
    let mut key = Key::new("exceptions");
    key.add(&chain.len().to_string());
    chain.iter().chain(&group).for_each(|hash| key.add_bytes(hash));
    Decided { by, hash: key.finish(), weak: links.iter().all(|l| l.weak) }
}

/// Which exceptions were gathered by a group, at any depth. Ids that run in a circle end the search.
fn members(exceptions: &[&Exception]) -> Vec<bool> {
    let by_id: HashMap<u64, &Exception> =
        exceptions.iter().filter_map(|e| e.mechanism.exception_id.map(|id| (id, *e))).collect();
    let gathered = |exception: &Exception| {
        let mut parent = exception.mechanism.parent_id;
        for _ in 0..exceptions.len() {
            let Some(above) = parent.and_then(|id| by_id.get(&id)) else { return false };
            if above.mechanism.is_exception_group {
                return !std::ptr::eq(*above, exception);
            }
            parent = above.mechanism.parent_id;
        }
        false
    };
    exceptions.iter().map(|exception| gathered(exception)).collect()
}

/// What kind of error it is by itself: members of a group that are of one kind count as one.
pub(super) fn kind_of(exception: &Exception) -> [u8; 16] {
    link(exception, &stack_of(exception, Frames::Read), false, false).hash
}

fn stack_of(exception: &Exception, frames: Frames) -> Stack<'_> {
    let mapped = !exception.raw_frames.is_empty();
    let mut stack = match frames {
        Frames::AsSent if mapped => Stack::of(&exception.raw_frames, false),
        _ => Stack::of(&exception.frames, mapped),
    };
    if let Some(function) = saying::crashed_in(raw(&exception.ty), raw(&exception.value)) {
        stack.name_first(function);
    }
    stack
}

/// `text_alone`: other links show the application's frames, so the runtime's own frames here say nothing.
fn link(exception: &Exception, stack: &Stack<'_>, caller: bool, text_alone: bool) -> Link {
    let ty = raw(&exception.ty);
    let value = beginning(raw(&exception.value));
    let said = saying::read(ty, value);
    let placed = said.thrower != ThrowOrigin::Surroundings && !text_alone && !stack.is_empty();
    let place = placed.then(|| stack.place(&said, caller));
    let names_lost = place.as_ref().is_some_and(|place| place.names_lost);
    let ty = types::lasting(saying::crash_name(ty).unwrap_or(ty));
    let made_up = types::is_made_up(ty, names_lost || stack.is_obfuscated() || stack.is_script());
    let mut key = Key::new("exception");
    if said.thrower != ThrowOrigin::Surroundings {
        key.add(if made_up { "~" } else { ty });
    }
    match code_of(exception, &said, value) {
        // A system's error is known by domain and code; its text is written for people, in their language.
        Some((code, true)) => key.add(&code),
        code => {
            key.add(&text(&said, value, stack, place.is_none() || names_lost || made_up));
            code.iter().for_each(|(code, _)| key.add(code));
        }
    }
    for part in place.iter().flat_map(|place| &place.parts) {
        key.add(part);
    }
    let weak = place.as_ref().is_none_or(|place| place.by_shape);
    Link { hash: key.finish(), by_stack: place.is_some(), weak }
}

/// The code that tells errors of one type and place apart, and whether it says all.
fn code_of(exception: &Exception, said: &MessageSignature, value: &str) -> Option<(String, bool)> {
    if said.thrower != ThrowOrigin::Code {
        return None;
    }
    let system = exception.mechanism.code.as_ref().map(|code| (code.raw().to_owned(), true));
    system.or_else(|| code::of_text(value).map(|code| (code, false)))
}

/// What of the text counts. `needed`: nothing else tells the bug from others.
fn text(said: &MessageSignature, value: &str, stack: &Stack<'_>, needed: bool) -> String {
    let words = said.thrower == ThrowOrigin::Code && (said.key == pattern(value) && !said.key.is_empty());
    let silent = needed && said.key.is_empty();
    if !words && !silent {
        return said.key.clone();
    }
    let source = stack.places.first().filter(|_| stack.in_app).and_then(|top| template(value, top.frame));
    source.unwrap_or_else(|| pattern(value))
}

/// Longer texts are data; what they begin with tells them apart.
fn beginning(text: &str) -> &str {
    let end = (0..=text.len().min(2000)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// An exception that only carries the stack of a message.
fn is_carrier(exception: &Exception) -> bool {
    exception.ty.as_ref().is_none_or(|ty| ty.raw().trim().is_empty())
}

/// Messages are known by their template. Without any text, by the stack that was running.
fn message_key(event: &Event) -> Decided {
    let text = message_pattern(event);
    if !text.is_empty() {
        let mut key = Key::new("message");
        key.add(raw(&event.logger));
        key.add(&text);
        return Decided { by: "message", hash: key.finish(), weak: true };
    }
    let frames = event.exceptions.iter().map(|e| &e.frames).chain(running(event)).find(|frames| !frames.is_empty());
    let stack = frames.map(|frames| Stack::of(frames, false)).filter(|stack| !stack.is_empty());
    if let Some(stack) = stack {
        let said = MessageSignature { thrower: ThrowOrigin::Code, key: String::new(), recursion: false };
        let mut key = Key::new("running");
        stack.place(&said, true).parts.iter().for_each(|part| key.add(part));
        return Decided { by: "stack", hash: key.finish(), weak: true };
    }
    let mut key = Key::new("fallback");
    [&event.logger, &event.transaction, &event.platform].into_iter().for_each(|part| key.add(raw(part)));
    key.add(event.level.as_str());
    Decided { by: "fallback", hash: key.finish(), weak: true }
}

fn running(event: &Event) -> impl Iterator<Item = &Vec<Frame>> {
    let crashed = event.threads.iter().filter(|thread| thread.crashed);
    crashed.chain(event.threads.iter().filter(|thread| thread.current)).map(|thread| &thread.frames)
}

fn message_pattern(event: &Event) -> String {
    if let Some(template) = event.message_template.as_ref().filter(|t| !t.raw().trim().is_empty()) {
        return placeholders_as_any(template.raw());
    }
    let carrier = event.exceptions.first();
    let own = event.message.as_ref().filter(|m| !m.raw().trim().is_empty());
    let value = own.or_else(|| carrier.and_then(|e| e.value.as_ref())).map_or("", |value| beginning(value.raw()));
    let said = saying::read("", value);
    if said.thrower == ThrowOrigin::Surroundings {
        return said.key;
    }
    let source = carrier.and_then(|e| e.frames.iter().find(|f| f.in_app)).and_then(|frame| template(value, frame));
    let text = source.unwrap_or_else(|| pattern(value));
    code::of_text(value).map_or(text.clone(), |code| format!("{text} [{code}]"))
}

/// `%s`, `%(name)d`, `{}` in a template read as what they stand for, so that it looks like the text made from it.
fn placeholders_as_any(template: &str) -> String {
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '%' && chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || "(.-+#".contains(*c)) {
            chars.by_ref().find(|c| c.is_ascii_alphabetic() && !"lh".contains(*c));
            out.push('*');
        } else {
            out.push(c);
        }
    }
    pattern(&out)
}
