//! Crashes of native code without symbols, from build to build: what stays the same while offsets change.
//!
//! The place of such a crash is an offset into a file, which the next build moves. What the program itself said (an
//! assertion, a fatal error, a panic) and the files that the stack ran through stay. That is less than a place: two
//! places of one build may say the same. So it leads to an issue of another build only as long as no build was seen to
//! say it at two places (who keeps the issues sees to that), and only where the place lies near the one that it had: what is
//! built anew moves code by what was added before it, hardly to another end of the file.

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
/// A file is taken in so many parts for what is near, each of so many bytes at least and at most.
const PARTS: u64 = 16;
const PART: (u64, u64) = (16 << 10, 1 << 20);

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
    let near = near(own.image.as_ref()?.offset?, own.image.as_ref()?.size);
    Some(AcrossBuilds {
        said: near.map(|part| finished("said", &part)),
        here: finished("build", &build),
        ambiguous: finished("ambiguous", ""),
    })
}

/// The parts of a file that an offset lies in, in two divisions that are half a part apart: places that are less than half
/// a part from each other share one of them at least.
fn near(offset: u64, size: u64) -> [String; 2] {
    let size = if size == 0 { PART.1 * PARTS } else { size };
    let part = (size.checked_next_power_of_two().unwrap_or(u64::MAX) / PARTS).clamp(PART.0, PART.1);
    [format!("a{}", offset / part), format!("b{}", offset.saturating_add(part / 2) / part)]
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

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn places_that_moved_little_share_a_part_of_the_file_and_others_do_not() {
        let shared =
            |one: u64, other: u64, size: u64| near(one, size).iter().zip(near(other, size)).any(|(a, b)| *a == b);
        for (one, other, size) in
            [(0x3c30, 0x3c58, 0x4_0000), (0x3fff, 0x5fff, 0x4_0000), (9 << 20, 9 << 20 | 0x7_ffff, 150 << 20)]
        {
            assert!(shared(one, other, size), "{one:#x} {other:#x}");
        }
        for (one, other, size) in [(0x3c30, 0x3_0000, 0x4_0000), (9 << 20, 80 << 20, 150 << 20), (1 << 20, 9 << 20, 0)]
        {
            assert!(!shared(one, other, size), "{one:#x} {other:#x}");
        }
        near(u64::MAX, u64::MAX);
    }
}
