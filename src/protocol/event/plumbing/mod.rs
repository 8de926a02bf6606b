//! Which frames of a whole stack are plumbing: what a runtime, an error reporter or a builtin puts around the program's
//! own functions, whatever the SDK calls it.
//! It uses `model`.
//! It never takes a frame away: it says whose it is.

mod go;
mod names;
mod rust;

use crate::model::{Exception, Frame, Untrusted};

/// What is known around a stack.
pub(super) struct Stack<'a> {
    /// Platform of the event.
    pub(super) platform: &'a str,
    /// Type of the exception that was thrown; empty for a thread or a message.
    pub(super) ty: &'a str,
    /// Modules of the event that are libraries, by name.
    pub(super) libraries: &'a [String],
}

/// The modules of an event that are libraries: those with a version.
pub(super) fn libraries(json: &serde_json::Value) -> Vec<String> {
    let modules = json.get("modules").and_then(serde_json::Value::as_object);
    let library = |(name, version): (&String, &serde_json::Value)| {
        let version = version.as_str().unwrap_or("");
        let own = version.is_empty() || version.starts_with("(devel)") || version.contains("+dirty");
        (!own).then(|| name.clone())
    };
    modules.into_iter().flatten().filter_map(library).collect()
}

/// Settles whose the frames of an exception are, as sent and after a source map.
pub(super) fn settle_exception(exception: &mut Exception, platform: &str, libraries: &[String]) {
    let ty = exception.ty.as_ref().map_or("", Untrusted::raw).to_owned();
    let stack = Stack { platform, ty: &ty, libraries };
    settle(&mut exception.frames, &stack);
    settle(&mut exception.raw_frames, &stack);
}

/// Settles whose the frames are; they run from the crash outwards.
pub(super) fn settle(frames: &mut [Frame], stack: &Stack<'_>) {
    if frames.is_empty() {
        return;
    }
    match language(frames, stack.platform) {
        Language::Go => go::settle(frames, stack),
        Language::Rust => rust::settle(frames),
        // Builtins of Ruby and PHP carry the place of whoever called them.
        Language::Ruby => builtins(frames),
        Language::Php => {
            builtins(frames);
            frames.iter_mut().filter(|frame| is_builtin_of_php(frame)).for_each(|frame| frame.in_app = false);
        }
        Language::Other => {}
    }
    frames.iter_mut().filter(|frame| frame.in_app && names::is_plumbing(frame)).for_each(|frame| frame.in_app = false);
    if matches!(stack.platform, "go" | "cocoa" | "native" | "dart" | "other") && !stack.ty.starts_with("runtime.") {
        reporter(frames);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Go,
    Rust,
    Ruby,
    Php,
    Other,
}

fn language(frames: &[Frame], platform: &str) -> Language {
    match platform {
        "go" => Language::Go,
        "ruby" => Language::Ruby,
        "php" => Language::Php,
        "rust" => Language::Rust,
        "native" | "other" | "" if frames.iter().any(rust::is_rust) => Language::Rust,
        _ => Language::Other,
    }
}

/// Where a frame stands: its file and line.
fn place(frame: &Frame) -> Option<(&str, u64)> {
    let file = frame.abs_path.as_ref().or(frame.file.as_ref())?.raw();
    Some((file, frame.line?))
}

/// A function that stands where the function around it does is a builtin, whose place the runtime doesn't know.
/// Blocks and closures on one line with the function around them are the program's own.
fn builtins(frames: &mut [Frame]) {
    for at in 0..frames.len().saturating_sub(1) {
        let (frame, around) = (&frames[at], &frames[at + 1]);
        let name = frame.function.as_ref().map_or("", Untrusted::raw);
        let block = ["block ", "rescue in ", "ensure in ", "<", "{closure"].iter().any(|start| name.starts_with(start))
            || name.contains("{closure");
        let same = place(frame).is_some() && place(frame) == place(around);
        if same && !block && frame.function != around.function && around.function.is_some() {
            frames[at].in_app = false;
        }
    }
}

/// `array_map`: no file, no class and no namespace. PHP's own trace says `[internal function]` for its file.
fn is_builtin_of_php(frame: &Frame) -> bool {
    let text = |text: &Option<Untrusted>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
    let file = text(&frame.abs_path) + &text(&frame.file);
    let function = text(&frame.function);
    let nowhere = file.is_empty() || file.starts_with("[internal");
    nowhere && !function.is_empty() && !function.contains(['\\', ':', '{', '@'])
}

/// The function that hands an error without a stack of its own to the SDK is on top of all: known by its name.
fn reporter(frames: &mut [Frame]) {
    let Some(top) = frames.iter().position(|frame| frame.in_app) else { return };
    let another = frames[top + 1..].iter().any(|frame| frame.in_app);
    if another && names::is_reporter(&frames[top]) {
        frames[top].in_app = false;
    }
}
