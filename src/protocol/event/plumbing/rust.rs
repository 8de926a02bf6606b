//! Rust: everything that a panic called is plumbing, the hook above all.
//! Sources: rust-lang/rust library/std/src/panicking.rs and library/core/src/panicking.rs; getsentry/sentry-rust.

use crate::model::{Frame, Untrusted};

/// Functions with which a panic, or the capture of a backtrace, begins.
const ENTRIES: &[&str] = &[
    "core::panicking::",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::result::unwrap_failed",
    "core::cell::panic_already",
    "core::slice::index::slice_",
    "core::str::slice_error_fail",
    "core::intrinsics::abort",
    "std::panicking::begin_panic",
    "std::panicking::rust_panic",
    "std::panicking::panic_fmt",
    "std::panic::panic_any",
    "std::panic::resume_unwind",
    "rust_begin_unwind",
    "__rustc::rust_begin_unwind",
    "std::process::abort",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::handle_error",
    "std::alloc::rust_oom",
    "std::backtrace::Backtrace::",
    "<std::backtrace::Backtrace>::",
    "backtrace::backtrace::",
    "backtrace::capture::",
    "sentry_backtrace::",
    "sentry_panic::",
    "<sentry_panic::",
    "eyre::",
];

/// How a program is started and how its functions are called.
const STARTS: &[&str] = &[
    "main",
    "_start",
    "start",
    "clone",
    "clone3",
    "__clone",
    "start_thread",
    "__libc_start_main",
    "__libc_start_call_main",
    "<unknown>",
    "BaseThreadInitThunk",
    "RtlUserThreadStart",
    "invoke_main",
    "mainCRTStartup",
];

/// Folders of the compiler's own sources and of downloaded crates.
const FOREIGN: &[&str] = &[
    "/rustc/",
    "/rustlib/",
    ".cargo/registry/",
    ".cargo\\registry\\",
    ".cargo/git/",
    "/library/std/",
    "/library/core/",
];

/// Whether a frame shows that the program is written in Rust.
pub(super) fn is_rust(frame: &Frame) -> bool {
    let name = function(frame);
    path(frame).ends_with(".rs")
        || path(frame).contains("/rustc/")
        || name.contains("{{closure}}")
        || ["core::panicking::", "std::panicking::", "rust_begin_unwind", "std::rt::"]
            .iter()
            .any(|start| name.starts_with(start))
}

pub(super) fn settle(frames: &mut [Frame]) {
    let entry = frames.iter().rposition(|frame| ENTRIES.iter().any(|entry| function(frame).starts_with(entry)));
    // Frames of libraries that a panic passed through on its way out stand below; those above all came of it.
    let panicked = entry.filter(|entry| frames[entry + 1..].iter().any(|frame| frame.in_app));
    for (at, frame) in frames.iter_mut().enumerate() {
        let foreign = FOREIGN.iter().any(|folder| path(frame).contains(folder));
        let start = STARTS.contains(&function(frame)) || function(frame).starts_with("std::rt::");
        let library = ["core::", "std::", "alloc::", "<core::", "<alloc::", "<std::"];
        let called = library.iter().any(|name| function(frame).starts_with(name));
        if panicked.is_some_and(|entry| at <= entry) || foreign || start || called {
            frame.in_app = false;
        }
    }
}

fn function(frame: &Frame) -> &str {
    frame.function.as_ref().map_or("", Untrusted::raw)
}

fn path(frame: &Frame) -> &str {
    frame.abs_path.as_ref().or(frame.file.as_ref()).map_or("", Untrusted::raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_called_is_not_the_programs() {
        let frame = |function: &str, path: &str| Frame {
            function: Some(function.into()),
            abs_path: Some(path.into()),
            in_app: true,
            ..Frame::default()
        };
        let mut frames = vec![
            frame(
                "<sentry_panic::PanicIntegration as sentry_core::Integration>::setup::{{closure}}",
                "/h/.cargo/registry/src/x/lib.rs",
            ),
            frame("shop::hooks::note_panic", "/srv/shop/src/hooks.rs"),
            frame("std::panicking::rust_panic_with_hook", "/rustc/5/library/std/src/panicking.rs"),
            frame("core::panicking::panic_fmt", "/rustc/5/library/core/src/panicking.rs"),
            frame("shop::stones::grind", "/srv/shop/src/stones.rs"),
            frame("core::ops::function::FnOnce::call_once", "/rustc/5/library/core/src/ops/function.rs"),
            frame("main", ""),
        ];
        settle(&mut frames);
        let own: Vec<&str> = frames.iter().filter(|f| f.in_app).map(function).collect();
        assert_eq!(own, ["shop::stones::grind"]);
    }
}
