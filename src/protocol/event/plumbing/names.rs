//! Names of frames that are nobody's place, in any language, and of functions that report errors.

use crate::model::{Frame, Untrusted};

/// Files that stand for an engine's own code.
const ENGINE_FILES: &[&str] = &["<anonymous>", "[native code]", "native code", "[native]", "<unknown>"];

/// Functions with which runtimes raise, abort or end; by their whole name.
const THROWERS: &[&str] = &[
    "abort",
    "raise",
    "gsignal",
    "__assert_fail",
    "__assert_rtn",
    "_assertionFailure",
    "__cxa_throw",
    "__cxa_rethrow",
    "_CxxThrowException",
    "std::terminate",
    "std::rethrow_exception",
    "objc_exception_throw",
    "swift_unexpectedError",
    "swift_deallocClassInstance",
    "runtime.gopanic",
    "runtime.panicmem",
    "runtime.sigpanic",
    "runtime.goPanicIndex",
    "__fortify_fail",
    "__stack_chk_fail",
    "ThrowHelper",
    "SentryFlutter",
    "FlutterError.reportError",
    "_AssertionError._throwNew",
    "_AssertionError._doThrowNew",
    "Error._throw",
    "Error.throwWithStackTrace",
];

/// Beginnings of functions or modules of SDKs and of crash handlers.
const HANDLERS: &[&str] = &[
    "sentry_",
    "<sentry_",
    "sentry::",
    "sentry__",
    "Sentry\\",
    "Sentry::",
    "Raven::",
    "io.sentry.",
    "Sentry.",
    "SentrySDK",
    "-[Sentry",
    "+[Sentry",
    "crashpad::",
    "google_breakpad::",
    "github.com/getsentry/sentry-go",
    "Bugsnag",
    "package:sentry",
];

/// Functions that hand errors to an SDK, without prefix, in small letters.
const REPORTERS: &[&str] = &[
    "report",
    "reporterror",
    "reportexception",
    "reporttosentry",
    "report_error",
    "report_exception",
    "captureerror",
    "captureexception",
    "capture",
    "capture_exception",
    "capture_error",
    "logerror",
    "log_error",
    "logexception",
    "recorderror",
    "record_error",
    "recordexception",
    "notifyerror",
    "notify_error",
    "notifysentry",
    "tracksentry",
    "trackerror",
    "senderror",
    "sendtosentry",
    "send_to_sentry",
    "handleerror",
    "handle_error",
    "fail",
];

/// An engine's own code, the code of an SDK, or what a runtime calls when it throws.
pub(super) fn is_plumbing(frame: &Frame) -> bool {
    let text = |text: &Option<Untrusted>| text.as_ref().map_or(String::new(), |text| text.raw().to_owned());
    let (function, module, file) = (text(&frame.function), text(&frame.module), text(&frame.file));
    let engine = ENGINE_FILES.contains(&file.as_str()) && frame.line.is_none();
    let bare = function.split('(').next().unwrap_or("");
    let handler = |name: &str| HANDLERS.iter().any(|start| name.starts_with(start));
    engine || THROWERS.contains(&bare) || handler(&function) || handler(&module) || file.starts_with("package:sentry")
}

/// Whether a function's name says that it reports errors.
pub(super) fn is_reporter(frame: &Frame) -> bool {
    let function = frame.function.as_ref().map_or("", Untrusted::raw);
    let bare = function.split('(').find(|part| !part.is_empty()).unwrap_or(function);
    let last = function.rsplit_once(").").map_or(bare, |(_, last)| last);
    let last = last.rsplit(['.', ':', ' ', '[']).next().unwrap_or(last).trim_end_matches([']', ')']);
    REPORTERS.contains(&last.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reporters_are_known_by_name() {
        let named = |function: &str| is_reporter(&Frame { function: Some(function.into()), ..Frame::default() });
        for function in [
            "report",
            "(*Server).fail",
            "web.ReportError",
            "report(error:)",
            "Log.captureException",
            "shop::report_error",
        ] {
            assert!(named(function), "{function}");
        }
        for function in ["plate", "reportOrders", "Api.load(url:)", "failover", ""] {
            assert!(!named(function), "{function}");
        }
    }
}
