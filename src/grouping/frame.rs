//! What a frame is called, and which frames say nothing about the application.

use super::{generated, minified, module};
use crate::model::Frame;

/// Receivers that V8 names because of how a function was called, not where it lives.
const PLAIN_RECEIVERS: [&str; 14] = [
    "Object",
    "Function",
    "Module",
    "Window",
    "Proxy",
    "Timeout",
    "Immediate",
    "Promise",
    "Array",
    "EventTarget",
    "Document",
    "Reflect",
    "Generator",
    "Server",
];

/// Functions that engines and instrumentation put around others.
const WRAPPERS: [&str; 9] = [
    "apply",
    "call",
    "bind",
    "sentryWrapped",
    "__sentry_wrapped__",
    "__sentry_patched_func__",
    "fetch",
    "send",
    "instrumented",
];

/// The function's own name: no receiver that varies, no markers of engines. `None`: anonymous.
pub(super) fn bare_name(frame: &Frame) -> Option<String> {
    let raw = frame.function.as_ref()?.raw().trim();
    let script = minified::is_script(module::path_of(frame));
    let name = generated::steady(without_markers(raw), script);
    let name = if script { without_receiver(&name) } else { name };
    let anonymous = [
        "",
        "?",
        "<anonymous>",
        "(anonymous)",
        "anonymous",
        "_onTimeout",
        "_onImmediate",
        "eval",
        "{closure}",
        "_callee$",
        "<fn>",
        "<unknown>",
    ];
    let generated =
        name.starts_with("<lambda") || (name.starts_with('<') && name.ends_with("comp>")) || name == "<genexpr>";
    (!anonymous.contains(&name.as_str()) && !generated).then_some(name)
}

fn without_markers(raw: &str) -> &str {
    let name = raw.split(" [as ").next().unwrap_or(raw);
    let name = name.split("/<").next().unwrap_or(name);
    ["async*", "async ", "new ", "get ", "set ", "static ", "global.", "window."]
        .iter()
        .fold(name, |name, marker| name.strip_prefix(marker).unwrap_or(name))
        .trim()
}

/// `Object.formatLine` → `formatLine`, `Cart.total` stays, `a.merge` → `merge`.
fn without_receiver(name: &str) -> String {
    if name.starts_with(['/', '<', '(']) || name.contains(' ') {
        return name.to_owned();
    }
    let Some((receiver, method)) = name.rsplit_once('.') else { return name.to_owned() };
    if ["", "?", "<anonymous>"].contains(&method) {
        return String::new();
    }
    let class = receiver.rsplit('.').next().unwrap_or(receiver);
    let plain = PLAIN_RECEIVERS.contains(&class)
        || (class.starts_with("HTML") && class.ends_with("Element"))
        || minified::is_minified_name(class);
    if class.starts_with(|c: char| c.is_uppercase()) && !plain {
        format!("{class}.{method}")
    } else {
        method.to_owned()
    }
}

/// Code of an SDK, or what the language runs while it fails.
pub(super) fn is_machinery(frame: &Frame) -> bool {
    let module = frame.module.as_ref().map_or("", |m| m.raw());
    let function = frame.function.as_ref().map_or("", |f| f.raw());
    let path = module::path_of(frame);
    let last = function.rsplit(['.', ':']).next().unwrap_or(function);
    module.split(['.', ':', '/']).next().is_some_and(|root| root == "sentry_sdk" || root == "@sentry")
        || module.starts_with("io.sentry.")
        || ["/@sentry/", "/sentry_sdk/", "sentry-cdn.com/", "/sentry-internal/"].iter().any(|part| path.contains(part))
        || ["sentryWrapped", "__sentry_wrapped__", "__sentry_patched_func__"].contains(&last)
        || [
            "core::panicking::",
            "std::panicking::",
            "rust_begin_unwind",
            "std::rt::",
            "std::sys::",
            "sentry_",
            "<sentry_",
            "sentry::",
        ]
        .iter()
        .any(|start| function.starts_with(start))
}

/// The application's own, as far as grouping looks at it.
pub(super) fn is_own(frame: &Frame) -> bool {
    frame.in_app && !is_machinery(frame) && !is_extension(frame) && !is_native(frame)
}

/// A builtin that has no source of its own.
pub(super) fn is_native(frame: &Frame) -> bool {
    let path = module::path_of(frame);
    ["<anonymous>", "native", "[native code]", "<unknown>", "<string>"].contains(&path)
        || path.starts_with("<frozen ")
        || path.starts_with("node:")
}

/// Code that the user's browser added.
pub(super) fn is_extension(frame: &Frame) -> bool {
    let path = [&frame.abs_path, &frame.file].into_iter().flatten().map(|p| p.raw()).find(|p| p.contains("://"));
    path.and_then(|p| p.split_once("://")).is_some_and(|(scheme, _)| {
        scheme.ends_with("-extension") || scheme == "webkit-masked-url" || scheme == "safari-web-extension"
    })
}

/// Names a place at all: `?` at line 0 of the page does not.
pub(super) fn says_where(frame: &Frame) -> bool {
    bare_name(frame).is_some()
        || module::offset_of(frame).is_some()
        || (frame.line.is_some_and(|line| line > 0) && !module::path_of(frame).is_empty())
}

/// Stands around another function without being the place of anything.
pub(super) fn is_wrapper(frame: &Frame) -> bool {
    let last = frame.function.as_ref().map_or("", |f| f.raw().rsplit('.').next().unwrap_or(""));
    WRAPPERS.contains(&last) && minified::looks_minified(frame, Some("~"))
        || ["apply", "call"].contains(&last) && !frame.in_app && minified::is_script(module::path_of(frame))
}

#[cfg(test)]
mod tests {
    use super::bare_name;
    use crate::model::Frame;

    fn name(function: &str, file: &str) -> Option<String> {
        bare_name(&Frame { function: Some(function.into()), file: Some(file.into()), ..Frame::default() })
    }

    #[test]
    fn engines_decorate_names_and_the_name_stays() {
        for (function, want) in [
            ("formatLine", "formatLine"),
            ("Object.formatLine", "formatLine"),
            ("async formatLine", "formatLine"),
            ("new Cart", "Cart"),
            ("async Cart.total [as sum]", "Cart.total"),
            ("a.merge", "merge"),
            ("module.exports.run", "run"),
            ("formatLine/<", "formatLine"),
            ("/tickets/assign", "/tickets/assign"),
        ] {
            assert_eq!(name(function, "src/a.js").as_deref(), Some(want), "{function}");
        }
        for function in ["?", "<anonymous>", "HTMLButtonElement.<anonymous>", "Server.?", "Timeout._onTimeout", ""] {
            assert_eq!(name(function, "src/a.js"), None, "{function}");
        }
    }

    #[test]
    fn compilers_decorate_names_too() {
        for (function, file, want) in [
            ("Cart.total.<locals>.inner", "a.py", "Cart.total.inner"),
            ("shop::orders::settle::{{closure}}", "src/orders.rs", "shop::orders::settle"),
            ("shop::settle::h0123456789abcdef", "src/orders.rs", "shop::settle"),
            ("main.handler.func1", "main.go", "main.handler"),
            ("block (2 levels) in per_crate", "harvest.rb", "per_crate"),
            ("lambda$handle$0", "Orders.java", "lambda$handle"),
            ("<SettleAsync>d__5.MoveNext", "Orders.cs", "SettleAsync"),
            ("settle(int, char const*)", "orders.cc", "settle"),
        ] {
            assert_eq!(name(function, file).as_deref(), Some(want), "{function}");
        }
        assert_eq!(name("<lambda>", "a.py"), None);
        assert_eq!(name("<listcomp>", "a.py"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_function_has_a_name_or_none(function in ".{0,40}", file in ".{0,20}") {
            name(&function, &file);
            name(&function, "a.js");
        }
    }
}
