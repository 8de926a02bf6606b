//! Whether a frame is the application's own code, where the SDK doesn't say.

use crate::model::Frame;

/// Parts of paths that only libraries and runtimes have.
const LIBRARY_PATHS: &[&str] = &[
    "/node_modules/",
    "/bower_components/",
    "/site-packages/",
    "/dist-packages/",
    "/lib/python",
    "/gems/",
    "/vendor/",
    "/.cargo/registry/",
    "/rustc/",
    "/rustlib/",
    "/go/pkg/mod/",
    "/usr/local/go/",
    "/usr/lib/",
    "/usr/local/lib/",
    "/System/Library/",
    "C:\\Windows\\",
];

/// Beginnings of files that are a runtime's or an extension's.
const FOREIGN_FILES: &[&str] = &[
    "node:",
    "internal/",
    "<frozen ",
    "<internal:",
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "native ",
    "webpack/bootstrap",
    "[native code]",
    "<anonymous>",
    "@opentelemetry/",
];

/// Beginnings of functions or modules that are a standard library's or the SDK's own.
const FOREIGN_NAMES: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "sentry::",
    "sentry_core::",
    "sentry_panic::",
    "sentry_backtrace::",
    "backtrace::",
    "rust_begin_unwind",
    "__rust_",
    "__libc_start",
    "_start",
    "tokio::",
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "kotlin.",
    "android.",
    "com.android.",
    "androidx.",
    "io.sentry.",
    "System.",
    "Microsoft.",
    "sentry_sdk.",
    "runtime.",
    "net/http.",
];

pub(super) fn of(frame: &Frame, package: Option<&str>, platform: &str) -> bool {
    let texts = [&frame.abs_path, &frame.file].into_iter().flatten().map(|t| t.raw()).chain(package);
    for path in texts {
        let slashed = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        if LIBRARY_PATHS.iter().any(|part| slashed.contains(part)) || FOREIGN_FILES.iter().any(|f| path.starts_with(f))
        {
            return false;
        }
    }
    let mut names = [&frame.function, &frame.module].into_iter().flatten().map(|t| t.raw());
    if names.any(|name| FOREIGN_NAMES.iter().any(|f| name.starts_with(f))) {
        return false;
    }
    // Native stacks without a file are mostly libraries without debug information.
    !(matches!(platform, "native" | "c") && frame.file.is_none() && frame.abs_path.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_by_their_place() {
        let at = |file: &str, function: &str| {
            of(&Frame { file: Some(file.into()), function: Some(function.into()), ..Frame::default() }, None, "other")
        };
        assert!(at("/app/src/pay.js", "charge"));
        assert!(at("src/main.rs", "till::print"));
        assert!(!at("/app/node_modules/express/lib/router.js", "next"));
        assert!(!at("node:internal/timers", "listOnTimeout"));
        assert!(!at("library/std/src/panicking.rs", "std::panicking::begin_panic"));
        assert!(!at("/usr/lib/python3.11/json/decoder.py", "decode"));
    }
}
