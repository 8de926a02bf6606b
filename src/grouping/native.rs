//! Native code as it is seen without symbols: by the places in the files that were loaded.

use super::key::Key;
use crate::model::{Data, Event, Exception, Frame};

/// Tags by which crash handlers say what a process was there for.
const PROCESS_TAGS: [&str; 6] = ["process.type", "event.process", "ptype", "process_type", "process-type", "process"];
/// Mechanisms of events that tell of a whole process.
const OF_PROCESSES: [&str; 5] = ["minidump", "tombstone", "applecrashreport", "unreal", "jetsam"];
/// The process that a program begins with: what happens there needs no further word.
const MAIN: &str = "browser";

/// What the crashed process was there for: `browser`, `renderer`, `gpu`, `utility` and what else programs of several
/// processes name; `None`: not told.
pub fn process_type(event: &Event) -> Option<String> {
    let tags = PROCESS_TAGS.iter().filter_map(|key| event.tags.iter().find(|(known, _)| known.raw() == *key));
    let said = tags.map(|(_, value)| value.raw().to_owned()).next();
    let said = said.or_else(|| {
        let process = event.contexts.iter().find(|(name, _)| name.raw() == "process")?;
        let line = process.1.get("command_line").and_then(Data::text)?.raw();
        line.split_whitespace().find_map(|word| word.strip_prefix("--type=")).map(str::to_owned)
    })?;
    let plain = said.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    let plain = plain.strip_suffix("-process").unwrap_or(&plain);
    let word = match plain {
        "main" | "parent" => MAIN,
        "tab" | "web" | "content" => "renderer",
        other => other,
    };
    let fits = !word.is_empty() && word.len() <= 40 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    fits.then(|| word.to_owned())
}

/// A key of a crash with the kind of its process in it: one function that fails in a renderer and in the GPU's process
/// is two bugs. The same key where nothing is told, or where it was the program's first process.
pub(super) fn by_process(event: &Event, hash: [u8; 16]) -> [u8; 16] {
    let of_process =
        |exception: &Exception| exception.mechanism.ty.as_ref().is_some_and(|ty| OF_PROCESSES.contains(&ty.raw()));
    if !event.exceptions.iter().any(of_process) {
        return hash;
    }
    let Some(process) = process_type(event).filter(|process| process != MAIN) else { return hash };
    let mut key = Key::new("process");
    key.add(&process);
    key.add_bytes(&hash);
    key.finish()
}

/// The event as if no symbols had been there; `None` where it has no native frames, or where its stack would have begun
/// elsewhere then, so that the key would be that of another bug.
pub(super) fn without_names(event: &Event) -> Option<Event> {
    let is_native = |frame: &Frame| frame.image.as_ref().is_some_and(|image| image.offset.is_some());
    if !event.exceptions.iter().any(|exception| exception.frames.iter().any(is_native)) {
        return None;
    }
    let mut nameless = event.clone();
    for (bare, named) in nameless.exceptions.iter_mut().zip(&event.exceptions) {
        if !bare.raw_frames.is_empty() {
            bare.frames = std::mem::take(&mut bare.raw_frames);
        }
        for frame in bare.frames.iter_mut().filter(|frame| is_native(frame)) {
            (frame.function, frame.file, frame.abs_path, frame.line) = (None, None, None, None);
        }
        if !begins_alike(bare, named) {
            return None;
        }
    }
    Some(nameless)
}

/// Whether the first frame of the application is the same place in both.
fn begins_alike(bare: &Exception, named: &Exception) -> bool {
    let first = |exception: &Exception| {
        let own = exception.frames.iter().find(|frame| frame.in_app)?;
        own.image.as_ref().map(|image| image.address)
    };
    first(bare) == first(named)
}
