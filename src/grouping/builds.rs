//! Crashes of native code without symbols, from build to build: what stays the same while offsets change.
//!
//! The place of such a crash is an offset into a file, which the next build moves. What the program itself said (an
//! assertion, a fatal error, a panic) and the files that the stack ran through stay. That is less than a place: two
//! places of one build may say the same. So it leads to an issue of another build only as long as no build was seen to
//! say it at two places; who keeps the issues sees to that.

use super::{key::Key, module, native, pattern::pattern, raw, saying};
use crate::model::{AcrossBuilds, Data, Event, Exception};

/// Beginnings of what systems and crash handlers say of a crash by themselves, in lower case: they tell no bug from another.
const OF_SYSTEMS: [&str; 27] = [
    "attempted to dereference",
    "exception ",
    "exc_",
    "kern_",
    "signal ",
    "sig",
    "fatal crash",
    "fatal signal",
    "possible zombie",
    "potential ",
    "null pointer",
    "invalid memory access",
    "stack overflow",
    "aborted",
    "division by zero",
    "illegal instruction",
    "breakpoint",
    "bus error",
    "segmentation fault",
    "unhandled exception",
    "heap corruption",
    "stack corruption",
    "out of memory",
    "pure virtual ",
    "trap",
    "killed",
    "terminated by an uncaught exception: terminate called without",
];
/// Letters that a text has at least to tell anything.
const LETTERS: usize = 6;

/// The keys of an event's crash in every build; `None`: it is no crash of native code, its place has a name of its own,
/// its build is not known, or nothing was said.
pub(super) fn across(event: &Event) -> Option<AcrossBuilds> {
    let exception = event.exceptions.last()?;
    let crash = saying::crash_name(raw(&exception.ty))?;
    let at = exception.frames.iter().position(|frame| frame.in_app && module::offset_of(frame).is_some())?;
    let own = &exception.frames[at];
    // A name that came with the event is the same in every build; one that symbols gave was not there at first.
    if own.function.is_some() && exception.raw_frames.is_empty() {
        return None;
    }
    let build = own.image.as_ref()?.debug_id.as_ref()?.raw();
    let said = said(event, exception)?;
    let mut key = Key::new("across builds");
    key.add(crash);
    key.add(&said);
    let mut files: Vec<String> = exception.frames[..=at].iter().map(|frame| module::module_key(frame, true)).collect();
    files.dedup();
    files.iter().for_each(|file| key.add(file));
    let finished = |end: &str, word: &str| {
        let mut key = key.clone();
        key.add(end);
        key.add(word);
        native::by_process(event, key.finish())
    };
    let build = build.to_ascii_lowercase();
    Some(AcrossBuilds {
        said: finished("said", ""),
        here: finished("build", &build),
        ambiguous: finished("ambiguous", ""),
    })
}

/// What the program said, without numbers and addresses: the text's parts that are not the system's own.
fn said(event: &Event, exception: &Exception) -> Option<String> {
    // What was read off a dump says by itself whether the program said anything.
    let crash = event.contexts.iter().find(|(name, _)| name.raw() == "crash");
    let silent = crash.is_some_and(|(_, crash)| crash.get("message").and_then(Data::text).is_none());
    if exception.mechanism.synthetic && silent {
        return None;
    }
    let lines = raw(&exception.value).lines().next().unwrap_or("");
    let own = |part: &&str| {
        let part = part.to_ascii_lowercase();
        let letters = part.chars().filter(|c| c.is_alphabetic()).count();
        letters >= LETTERS && !OF_SYSTEMS.iter().any(|start| part.starts_with(start))
    };
    let parts: Vec<&str> = lines.split(" > ").map(str::trim).filter(own).collect();
    (!parts.is_empty()).then(|| pattern(&parts.join(" > ")))
}
