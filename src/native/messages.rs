//! What a program said before it ended: texts of aborts that lie in the dump's memory or in the places that systems
//! keep for them.

use minidump::{Minidump, MinidumpAssertion, MinidumpMacCrashInfo, UnifiedMemoryList};

use super::reason::{Crash, Kind, Said};

/// Longest text that is taken, in bytes.
const LONGEST: usize = 1_000;
/// Bytes of memory that are looked through.
const SEARCHED: usize = 16 << 20;

/// Words by which libraries and runtimes are known to end a program: glibc, the C++ runtimes, Rust, Swift, V8, Chromium,
/// Go, LLVM's sanitizers.
const WORDS: &[(&str, Kind)] = &[
    ("Assertion `", Kind::Assertion),
    ("Assertion failed", Kind::Assertion),
    ("assertion failed", Kind::Assertion),
    ("Check failed: ", Kind::Assertion),
    ("Precondition failed", Kind::Assertion),
    ("memory allocation of ", Kind::OutOfMemory),
    ("JavaScript heap out of memory", Kind::OutOfMemory),
    ("Oilpan: Out of memory", Kind::OutOfMemory),
    ("invalid array length Allocation failed", Kind::OutOfMemory),
    ("Out of memory", Kind::OutOfMemory),
    ("out of memory", Kind::OutOfMemory),
    ("std::bad_alloc", Kind::OutOfMemory),
    ("panicked at ", Kind::Panic),
    ("terminate called ", Kind::Terminate),
    ("terminating due to uncaught exception", Kind::Terminate),
    ("terminating with uncaught exception", Kind::Terminate),
    ("pure virtual method called", Kind::PureVirtualCall),
    ("pure virtual function called", Kind::PureVirtualCall),
    ("stack smashing detected", Kind::StackCorruption),
    ("buffer overflow detected", Kind::StackCorruption),
    ("double free", Kind::HeapCorruption),
    ("free(): ", Kind::HeapCorruption),
    ("malloc(): ", Kind::HeapCorruption),
    ("realloc(): ", Kind::HeapCorruption),
    ("munmap_chunk(): ", Kind::HeapCorruption),
    ("corrupted size vs. prev_size", Kind::HeapCorruption),
    ("corrupted double-linked list", Kind::HeapCorruption),
    ("Fatal error: ", Kind::Assertion),
];

/// Looks for what was said. `pointer`: of the crashing thread's stack.
pub(super) fn read(
    dump: &Minidump<'_, &[u8]>,
    memory: &UnifiedMemoryList<'_>,
    pointer: Option<u64>,
    crash: &Crash,
) -> Option<Said> {
    let kept = assertion(dump).or_else(|| mac(dump));
    let aborted = matches!(crash.kind, Kind::Abort | Kind::Breakpoint | Kind::IllegalInstruction | Kind::Exception);
    kept.or_else(|| if aborted { in_memory(memory, pointer) } else { None })
}

/// The stream that Windows' own assertions are kept in.
fn assertion(dump: &Minidump<'_, &[u8]>) -> Option<Said> {
    let said = dump.get_stream::<MinidumpAssertion>().ok()?;
    let text = said.expression().filter(|text| !text.is_empty())?;
    let place = said.function().filter(|name| !name.is_empty()).map(|name| format!(", in {name}")).unwrap_or_default();
    Some(Said { kind: Some(Kind::Assertion), text: shortened(&format!("{text}{place}")) })
}

/// What Apple's libraries leave for crash reports.
fn mac(dump: &Minidump<'_, &[u8]>) -> Option<Said> {
    let info = dump.get_stream::<MinidumpMacCrashInfo>().ok()?;
    let text = info.raw.iter().find_map(|record| record.message().or_else(|| record.message2()))?;
    let text = text.trim();
    Some(Said { kind: kind_of(text), text: shortened(text) })
}

/// The longest text with one of the words, that of the crashing thread's stack first.
fn in_memory(memory: &UnifiedMemoryList<'_>, pointer: Option<u64>) -> Option<Said> {
    let stack = pointer.and_then(|pointer| memory.memory_at_address(pointer));
    let stack_at = stack.as_ref().map(minidump::UnifiedMemory::base_address);
    let from_pointer = stack.map(|stack| {
        let skip = pointer.unwrap_or(0).saturating_sub(stack.base_address());
        &stack.bytes()[usize::try_from(skip).unwrap_or(0).min(stack.bytes().len())..]
    });
    let mut left = SEARCHED;
    let others = memory.iter().filter(|part| Some(part.base_address()) != stack_at).map(|part| part.bytes());
    from_pointer.into_iter().chain(others).find_map(|bytes| {
        let bytes = &bytes[..bytes.len().min(left)];
        left -= bytes.len();
        said_in(bytes)
    })
}

fn said_in(bytes: &[u8]) -> Option<Said> {
    let printable = |b: &u8| matches!(b, b' '..=b'~');
    let texts = bytes.split(|b| !printable(b)).filter(|text| text.len() >= 16 && text.len() <= 4 * LONGEST);
    let texts = texts.filter_map(|text| std::str::from_utf8(text).ok());
    // A text with a place for a value is the program's own, not yet said.
    let said = texts.filter(|text| !text.contains("%s") && !text.contains("%d") && !text.contains("{}"));
    let known = said.filter_map(|text| Some((kind_of(text)?, text)));
    let best = known.max_by_key(|(_, text)| text.len())?;
    Some(Said { kind: Some(best.0), text: shortened(best.1.trim_start_matches([':', ' ', '*'])) })
}

pub(super) fn kind_of(text: &str) -> Option<Kind> {
    WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, kind)| *kind)
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_found_and_what_might_be_said_is_not() {
        let said =
            said_in(b"\0\0press: a.c:10: check: Assertion `n < 4' failed.\0%s: Assertion `%s' failed.\0x").unwrap();
        assert_eq!(said.kind, Some(Kind::Assertion));
        assert_eq!(said.text, "press: a.c:10: check: Assertion `n < 4' failed.");
        assert_eq!(said_in(b"memory allocation of 64 bytes failed\n").unwrap().kind, Some(Kind::OutOfMemory));
        assert_eq!(said_in(b"nothing of note happened here\0"), None);
    }
}
