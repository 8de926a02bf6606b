//! Which issue an event belongs to: a pure function of the event.
//! It uses `model` alone.
//! It never does IO, never reads a clock, and never lets a line number, a directory or a build's hash into a key.
//!
//! A bug is (what was thrown, where, and what it said as far as that is part of the program). From one exception:
//!
//! - **Thrown by the language itself** (`x is undefined`, `division by zero`): the function that it happened in is
//!   the bug, whoever called it, so a request, a thread and a cron job share an issue. What was missing there (the
//!   property, not the variable) is part of it.
//! - **Thrown by code** (`throw`, `raise`, a library that refuses its arguments): the function may be a helper that
//!   throws on behalf of its callers, so its caller counts too. Where the type says nothing (`Error`), so does the text,
//!   without ids, numbers, addresses and paths.
//! - **Minified**: one-letter names mean something else in the next build, so only names that survive (methods, routes)
//!   and the text count; where no name survives, the shape of the stack does.
//! - **No stack**: the text, or its template where there is one.
//!
//! A chain is all of its links. A fingerprint of the application replaces all that, `{{ default }}` standing for it.

mod anonymous;
mod builds;
mod chain;
mod code;
mod fingerprint;
mod frame;
mod generated;
mod key;
mod minified;
mod module;
mod native;
mod pattern;
mod place;
mod saying;
mod spine;
mod stack;
mod template;
mod title;
mod types;

pub use native::process_type;

use crate::model::{Event, Exception, Frame, Group, Untrusted};

/// What a frame is called on every machine and in every build.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlaceName {
    /// Module or file, without directories, versions and hashes.
    pub module: String,
    /// Function; `None`: anonymous, or named by a minifier.
    pub function: Option<String>,
}

/// The names of an exception's frames, one for each; `None`: code of an SDK, an extension, or what names no place.
pub fn place_names(exception: &Exception) -> Vec<Option<PlaceName>> {
    stack::place_names(&exception.frames, !exception.raw_frames.is_empty())
}

/// Whether the name of a frame's module, file or folder says that many callers share it.
pub fn is_shared_by_name(frame: &Frame) -> bool {
    module::serves_by_name(frame)
}

/// Groups an event.
pub fn group(event: &Event) -> Group {
    let mut own = chain::key_of(event, chain::Frames::Read);
    let mut also = earlier_keys(event, &own);
    own.hash = native::by_process(event, own.hash);
    also.iter_mut().for_each(|hash| *hash = native::by_process(event, *hash));
    let mut across = builds::across(event);
    if !event.fingerprint.is_empty() && !fingerprint::is_default(&event.fingerprint) {
        own = chain::Decided { by: "fingerprint", hash: fingerprint::hash(event, &own.hash), weak: false };
        also.clear();
        across = None;
    }
    let name = title::describe(event);
    Group {
        hash: own.hash,
        also,
        across,
        by: own.by,
        title: name.title,
        ty: name.ty,
        value: name.value,
        culprit: name.culprit,
        top_frame: name.top_frame,
    }
}

/// The keys that the event had before maps or symbols made its frames readable, if they told bugs apart at all.
fn earlier_keys(event: &Event, own: &chain::Decided) -> Vec<[u8; 16]> {
    let mut keys = Vec::new();
    let mut add = |before: chain::Decided| {
        if !before.weak && before.hash != own.hash && !keys.contains(&before.hash) {
            keys.push(before.hash);
        }
    };
    let native = native::without_names(event);
    if native.is_none() && event.exceptions.iter().any(|exception| !exception.raw_frames.is_empty()) {
        add(chain::key_of(event, chain::Frames::AsSent));
    }
    if let Some(nameless) = native {
        add(chain::key_of(&nameless, chain::Frames::Read));
    }
    keys
}

fn raw(text: &Option<Untrusted>) -> &str {
    text.as_ref().map_or("", |text| text.raw())
}
