//! Whether a frame is the application's own code, where the SDK doesn't say.

use super::{frameworks, native_name::without_return_type};
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
    "C:/Windows/",
    "/wp-includes/",
    "/wp-admin/",
    "/.pnp.cjs",
    "/.yarn/cache/",
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

/// Folders of what an operating system brings along: places of loaded libraries.
const SYSTEM_FOLDERS: &[&str] = &[
    "/lib/",
    "/lib64/",
    "/lib32/",
    "/usr/lib",
    "/usr/libexec/",
    "/usr/local/lib/",
    "/System/",
    "/Library/Apple/",
    "/Developer/",
    "/snap/core",
    "/nix/store/",
    "/gnu/store/",
    "/apex/",
    "/system/",
    "/system_ext/",
    "/vendor/",
    "/product/",
    "/odm/",
    "/memfd:",
    "linux-gate",
    "linux-vdso",
    "[vdso]",
    "/dev/",
    "\\windows\\",
    "\\winnt\\",
    "\\driverstore\\",
];

/// Beginnings of the names of files that are a runtime's, a system's or a crash handler's wherever they lie.
const SYSTEM_FILES: &[&str] = &[
    "libc.so",
    "libc-2",
    "ld-linux",
    "ld-musl",
    "libm.so",
    "libpthread",
    "libdl.so",
    "librt.so",
    "libstdc++",
    "libgcc_s",
    "libc++",
    "libunwind",
    "libasan",
    "libtsan",
    "libubsan",
    "libsystem_",
    "libdyld",
    "libobjc",
    "libswift",
    "libdispatch",
    "libart.so",
    "libhwui",
    "libandroid",
    "libvulkan",
    "libsqlite",
    "linker",
    "app_process",
    "boot.oat",
    "boot-",
    "coreclr",
    "libcoreclr",
    "clrjit",
    "libclrjit",
    "hostfxr",
    "hostpolicy",
    "system.private.",
    "libflutter.so",
    "flutter",
    "ntdll",
    "kernel32",
    "kernelbase",
    "ucrtbase",
    "msvcrt",
    "msvcp",
    "vcruntime",
    "concrt",
    "user32",
    "win32u",
    "gdi32",
    "combase",
    "ole32",
    "rpcrt4",
    "advapi32",
    "wow64",
    "d3d",
    "dxgi",
    "nvoglv",
    "nvwgf",
    "atidx",
    "amdxx",
    "igd",
    "libgl",
    "libnvidia",
    "libsentry",
    "sentry.dll",
    "crashpad",
    "libcrashpad",
    "libhermes",
    "libjsc",
    "libv8",
    "libjvm",
    "jvm.dll",
    "libmonosgen",
    "mono-2.0",
    "unityplayer",
    "unityframework",
    "gameassembly.dll.",
    "libwine",
];

/// Functions that end a program, raise a signal or report a failure on behalf of whoever called them, and what starts
/// programs and threads: nowhere the application's own, even where they are linked into it.
const PLATFORM_FUNCTIONS: &[&str] = &[
    "abort",
    "raise",
    "gsignal",
    "kill",
    "tgkill",
    "pthread_kill",
    "__pthread_kill",
    "__pthread_kill_implementation",
    "__pthread_kill_internal",
    "__abort_msg",
    "__assert",
    "__assert_fail",
    "__assert_fail_base",
    "__assert_perror_fail",
    "__assert_rtn",
    "_assert",
    "_wassert",
    "__stack_chk_fail",
    "__fortify_fail",
    "__chk_fail",
    "__libc_message",
    "malloc_printerr",
    "__libc_start_main",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "_start",
    "start",
    "start_thread",
    "clone",
    "clone3",
    "__clone",
    "__clone3",
    "__restore_rt",
    "_sigtramp",
    "__kernel_rt_sigreturn",
    "_dl_start",
    "_pthread_start",
    "thread_start",
    "_pthread_body",
    "__pthread_start",
    "malloc",
    "free",
    "realloc",
    "calloc",
    "operator new",
    "operator new[]",
    "operator delete",
    "_Znwm",
    "_Znam",
    "_ZdlPv",
    "__cxa_throw",
    "__cxa_rethrow",
    "__cxa_pure_virtual",
    "__cxa_bad_cast",
    "__gxx_personality_v0",
    "_purecall",
    "_CxxThrowException",
    "_invalid_parameter",
    "_invalid_parameter_noinfo",
    "_invoke_watson",
    "__report_gsfailure",
    "__fastfail",
    "RaiseException",
    "RtlUserThreadStart",
    "BaseThreadInitThunk",
    "invoke_main",
    "__scrt_common_main",
    "__scrt_common_main_seh",
    "mainCRTStartup",
    "WinMainCRTStartup",
    "wmainCRTStartup",
    "objc_exception_throw",
    "swift_runtime",
    "swift_fatalError",
    "swift_unexpectedError",
    "_swift_runtime_on_report",
    "_assertionFailure",
    "_fatalErrorMessage",
    "dyld_start",
    "_dyld_start",
    "rust_panic",
    "rust_begin_unwind",
    "__rust_alloc_error_handler",
    "__rg_oom",
    "__rdl_oom",
    "rust_oom",
    "__rust_start_panic",
    "mozalloc_abort",
    "mozalloc_handle_oom",
    "NS_DebugBreak",
    "MOZ_CrashPrintf",
    "_Unwind_Resume",
    "_Unwind_RaiseException",
    "JSC::",
    "OOM_CRASH",
    "abort_message",
    "demangling_terminate_handler",
    "google::DumpStackTraceAndExit",
    "google::LogFatal",
    "qt_message_fatal",
    "qt_assert",
    "qt_assert_x",
    "QMessageLogger::fatal",
    "FWindowsPlatformMisc::RaiseException",
    "il2cpp::vm::Exception::Raise",
    "il2cpp_codegen_raise_exception",
    "boost::assertion_failed",
    "boost::assertion_failed_msg",
    "g_assertion_message",
    "g_assertion_message_expr",
    "g_log_default_handler",
    "base::debug::DumpWithoutCrashing",
];

/// Beginnings of such functions' names: standard libraries, panics, fatal logs, JavaScript engines, crash handlers.
const PLATFORM_PREFIXES: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "__rustc",
    "__rust_",
    "__cxa_",
    "__pthread_",
    "__libc_",
    "__GI_",
    "__interceptor_",
    "__asan",
    "__tsan",
    "__ubsan",
    "__sanitizer",
    "_objc_",
    "swift::",
    "v8::",
    "node::Abort",
    "node::OnFatalError",
    "node::OOMErrorHandler",
    "blink::ReportOOM",
    "logging::LogMessage",
    "logging::CheckError",
    "logging::NotReached",
    "base::internal::OnNoMemory",
    "base::TerminateBecauseOutOfMemory",
    "base::debug::BreakDebugger",
    "partition_alloc::",
    "allocator_shim::",
    "google::LogMessage",
    "absl::log_internal",
    "google_breakpad::",
    "<.",
    "crashpad::",
    "sentry_",
    "sentry__",
    "sentry::",
    "sentry_core::",
    "sentry_panic::",
    "sentry_backtrace::",
    "crash_handler::",
    "minidumper::",
    "art::",
    "ntdll!",
    "Windows.",
    "System.Runtime.",
    "Swift runtime failure: ",
    "FDebug::",
    "node::OOM",
];

/// Platforms whose frames are native code.
const NATIVE: &[&str] = &["native", "c", "cocoa", "objc", "swift"];

/// Whether a frame that the SDK calls the application's own is not: SDKs of native code know the file that was loaded, not
/// what ends programs in it.
pub(super) fn is_ending(frame: &Frame, package: Option<&str>, platform: &str) -> bool {
    match frame.image {
        Some(_) => is_platform(frame, package),
        None => {
            NATIVE.contains(&platform) && frame.function.as_ref().is_some_and(|name| is_platform_function(name.raw()))
        }
    }
}

/// Whether a frame of native code belongs to the system, a runtime or a crash handler, whatever the sender thought.
pub(super) fn is_platform(frame: &Frame, package: Option<&str>) -> bool {
    let in_system = package.is_some_and(|path| {
        let lower = path.to_ascii_lowercase();
        let name = lower.rsplit(['/', '\\']).next().unwrap_or("");
        let folder = SYSTEM_FOLDERS.iter().any(|part| match part.starts_with('\\') {
            true => lower.contains(part),
            false => path.starts_with(part),
        });
        folder || SYSTEM_FILES.iter().any(|start| name.starts_with(start))
    });
    in_system || frame.function.as_ref().is_some_and(|name| is_platform_function(name.raw()))
}

fn is_platform_function(name: &str) -> bool {
    let name = without_return_type(name);
    let bare = name.split('(').next().unwrap_or(name).trim();
    let bare = bare.strip_prefix("impl ").unwrap_or(bare);
    PLATFORM_FUNCTIONS.contains(&bare) || PLATFORM_PREFIXES.iter().any(|start| name.starts_with(start))
}

/// `/Python312/Lib/` of Windows.
fn is_python_library(path: &str) -> bool {
    let parts: Vec<String> = path.split('/').map(str::to_ascii_lowercase).collect();
    let python = |part: &str| part.strip_prefix("python3").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    parts.windows(2).any(|two| python(&two[0]) && two[1] == "lib")
}

/// Frameworks in an application's bundle are others' code, but for the one that holds Flutter's application.
fn is_bundled_framework(path: &str) -> bool {
    path.split_once(".app/Frameworks/").is_some_and(|(_, rest)| !rest.starts_with("App.framework/"))
}

/// Whether a frame is the application's own, where the SDK doesn't say.
pub(super) fn of(frame: &Frame, package: Option<&str>, platform: &str) -> bool {
    let texts = [&frame.abs_path, &frame.file].into_iter().flatten().map(|t| t.raw()).chain(package);
    for path in texts {
        // Windows writes the other slash.
        let slashed = path.replace('\\', "/");
        let slashed = if slashed.starts_with('/') { slashed } else { format!("/{slashed}") };
        let foreign = FOREIGN_FILES.iter().any(|start| path.starts_with(start)) || frameworks::has_file(path);
        if foreign
            || LIBRARY_PATHS.iter().any(|part| slashed.contains(part))
            || is_python_library(&slashed)
            || is_bundled_framework(&slashed)
        {
            return false;
        }
    }
    let function = frame.function.as_ref().map(|name| without_return_type(name.raw()));
    if NATIVE.contains(&platform) && function.is_some_and(is_platform_function) {
        return false;
    }
    let mut names = function.into_iter().chain(frame.module.as_ref().map(|name| name.raw()));
    if names.any(|name| frameworks::names(name, platform) || FOREIGN_NAMES.iter().any(|start| name.starts_with(start)))
    {
        return false;
    }
    if frame.image.is_some() || package.is_some() {
        return !is_platform(frame, package) && package.is_some();
    }
    // Native stacks without a file are mostly libraries without debug information.
    !(matches!(platform, "native" | "c") && frame.file.is_none() && frame.abs_path.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_frames_are_told_by_package_and_by_what_ends_programs() {
        let own = |package: &str, function: &str| {
            let image = crate::model::ImagePlace { package: Some(package.into()), ..Default::default() };
            let function = (!function.is_empty()).then(|| function.into());
            of(&Frame { function, image: Some(Box::new(image)), ..Frame::default() }, Some(package), "native")
        };
        assert!(own("/opt/pump/bin/pump", ""));
        assert!(own("/opt/pump/bin/pump", "Valve::open(int)"));
        assert!(own("/data/app/~~x/com.acme/lib/arm64/libpump.so", ""));
        assert!(own("/private/var/containers/Bundle/Application/0/Meadow.app/Meadow", "mow"));
        assert!(own("/opt/pump/bin/pump", "std::vector<int> shop::parse<int>(int)"));
        assert!(!own("/opt/pump/bin/pump", "void std::sort<int*>(int*, int*)"));
        assert!(!own("/opt/pump/bin/pump", "abort"));
        assert!(!own("/opt/pump/bin/pump", "std::panicking::begin_panic"));
        assert!(!own("/usr/lib/x86_64-linux-gnu/libc.so.6", "gsignal"));
        assert!(!own("C:\\Windows\\System32\\ntdll.dll", ""));
        assert!(!own("/apex/com.android.runtime/lib64/bionic/libc.so", "abort"));
        assert!(!own("/opt/pump/lib/libstdc++.so.6", ""));
        assert!(!own(
            "/private/var/containers/Bundle/Application/0/Meadow.app/Frameworks/Alamofire.framework/Alamofire",
            "x"
        ));
        assert!(own("/private/var/containers/Bundle/Application/0/Till.app/Frameworks/App.framework/App", "x"));
        for function in ["qt_assert(char const*)", "google::DumpStackTraceAndExit()", "Swift runtime failure: overflow"]
        {
            assert!(!own("/opt/pump/bin/pump", function), "{function}");
        }
    }

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
        assert!(!at("C:\\shop\\node_modules\\express\\lib\\router.js", "next"));
        assert!(!at("C:\\Python312\\Lib\\json\\decoder.py", "decode") && at("C:\\shop\\lib\\cart.py", "total"));
        assert!(!at("/srv/www/wp-includes/class-wp-hook.php", "apply_filters"));
    }
}
