//! What kind of crash an event tells of, said in its context `crash`: for diagnosis, and for whoever reads it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{hang, holders::put, memory};

/// Signals and exceptions of systems: what a crash is called that no code threw.
const CRASHES: &[&str] = &["SIG", "EXC_", "EXCEPTION_", "STATUS_", "0x"];
/// Functions by which runtimes report that memory ran out.
const OUT_OF_MEMORY: &[&str] = &[
    "handle_alloc_error",
    "__rust_alloc_error_handler",
    "__rg_oom",
    "rust_oom",
    "default_alloc_error_hook",
    "__throw_bad_alloc",
    "OnNoMemory",
    "TerminateBecauseOutOfMemory",
    "FatalProcessOutOfMemory",
    "OOMErrorHandler",
    "ReportOOM",
    "mozalloc_handle_oom",
    "OOM_CRASH",
    "CrashOnOutOfMemory",
    "reportOutOfMemory",
    "PartitionOutOfMemory",
    "PartitionExcessiveAllocationSize",
    "g_malloc",
    "xmalloc",
    "xrealloc",
    "xcalloc",
    "RtlReportFatalFailure",
];
/// Parts of names that functions have which get memory: ending the program right there is a failed allocation.
const ALLOCATES: &[&str] = &["alloc", "oom", "outofmemory", "nomem"];
/// Functions that runtimes go through on the way to the end, and the kind of crash that each is known for.
const ON_THE_WAY: &[(&str, &str)] = &[
    ("rust_panic", "panic"),
    ("rust_begin_unwind", "panic"),
    ("panic_fmt", "panic"),
    ("panic_nounwind", "panic"),
    ("panic_cannot_unwind", "panic"),
    ("__assert_fail", "assertion"),
    ("__assert_rtn", "assertion"),
    ("__assert2", "assertion"),
    ("_wassert", "assertion"),
    ("_assertionFailure", "assertion"),
    ("g_assertion_message", "assertion"),
    ("__cxa_pure_virtual", "pure_virtual_call"),
    ("_purecall", "pure_virtual_call"),
    ("__terminate", "terminate"),
    ("terminate", "terminate"),
    ("__stack_chk_fail", "stack_corruption"),
    ("__fortify_fail", "stack_corruption"),
    ("__chk_fail", "stack_corruption"),
    ("malloc_printerr", "heap_corruption"),
];
/// Kinds that say no more than that the program ended itself.
const ENDED: &[&str] = &["abort", "breakpoint", "illegal_instruction", "exception"];
/// Frames among which those functions are looked for.
const TOP: usize = 25;
/// Functions that end the program.
const ENDS: &[&str] = &["abort", "raise", "gsignal", "pthread_kill", "__pthread_kill_implementation", "tgkill"];
/// A function that stands so often in a stack calls itself.
const RECURSION: usize = 10;

/// Adds or sharpens the context of a crash or a hang. Tells whether that changed anything.
pub(super) fn say_kind(event: &mut Value) -> bool {
    hang::say(event) || say_crash(event)
}

fn say_crash(event: &mut Value) -> bool {
    let Some(crash) = event.pointer("/exception/values").and_then(Value::as_array).and_then(|list| list.last()) else {
        return memory::say(event);
    };
    let text = |key: &str| crash.get(key).and_then(Value::as_str).unwrap_or("");
    if !CRASHES.iter().any(|start| text("type").starts_with(start)) {
        return memory::say(event);
    }
    let names = functions(crash);
    let mut found = event.pointer("/contexts/crash").cloned().unwrap_or_else(|| json!({}));
    let before = found.clone();
    if found.get("kind").is_none() {
        found["reason"] = text("type").into();
    }
    let on_the_way = on_the_way(&names, text("type"));
    let ran_out =
        reports_no_memory(&names).or_else(|| got_memory(&names, text("type")).filter(|_| on_the_way.is_none()));
    if let Some(function) = ran_out {
        found["kind"] = "out_of_memory".into();
        found["evidence"] = format!("it ended in {function}, which gets memory").into();
    }
    if found.get("kind").is_none_or(|kind| kind.as_str().is_some_and(|kind| ENDED.contains(&kind)))
        && let Some(kind) = on_the_way
    {
        found["kind"] = kind.into();
    }
    let recursion = recursion(&names);
    if !recursion.is_empty() {
        if found.get("kind").is_none_or(|kind| kind == "wild_pointer") {
            found["kind"] = "stack_overflow".into();
        }
        found["recursion"] = json!(recursion);
    }
    if found == before || found.get("kind").is_none() {
        return memory::say(event);
    }
    put(event, found);
    memory::say(event);
    true
}

/// Functions from the crash outwards.
fn functions(crash: &Value) -> Vec<&str> {
    let frames = crash.pointer("/stacktrace/frames").and_then(Value::as_array);
    let frames = frames.into_iter().flatten().rev();
    frames.map(|frame| frame.get("function").and_then(Value::as_str).unwrap_or("")).collect()
}

/// The function by which a runtime reported that memory ran out.
fn reports_no_memory<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().take(12).copied().find(|name| OUT_OF_MEMORY.contains(&last(name)))
}

/// The function that ended the program while it got memory.
fn got_memory<'a>(names: &[&'a str], ty: &str) -> Option<&'a str> {
    if ty != "SIGABRT" {
        return None;
    }
    // Whoever called what ends programs; functions of the system between have no name often.
    let end = names.iter().rposition(|name| ENDS.contains(name))?;
    let caller = names[end + 1..].iter().copied().find(|name| !name.is_empty() && !name.starts_with("__"))?;
    let plain: String = last(caller).to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    ALLOCATES.iter().any(|part| plain.contains(part)).then_some(caller)
}

/// A function's name without what it is in and takes.
fn last(name: &str) -> &str {
    name.split('(').next().unwrap_or(name).rsplit("::").next().unwrap_or(name)
}

/// What the runtime ended the program for: of several, what was first on the way.
fn on_the_way(names: &[&str], ty: &str) -> Option<&'static str> {
    if !["SIGABRT", "SIGTRAP", "SIGILL", "EXC_", "EXCEPTION_", "STATUS_", "0x"]
        .iter()
        .any(|start| ty.starts_with(start))
    {
        return None;
    }
    let kind = |name: &&str| ON_THE_WAY.iter().find(|(known, _)| *known == last(name)).map(|(_, kind)| *kind);
    names.iter().take(TOP).rev().find_map(kind)
}

/// Functions that call each other without end.
fn recursion<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        *counts.entry(name).or_default() += 1;
    }
    counts.into_iter().filter(|(_, n)| *n >= RECURSION).map(|(name, _)| name).take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(ty: &str, functions: &[&str]) -> Value {
        let frames: Vec<Value> = functions.iter().rev().map(|name| json!({ "function": name })).collect();
        let mut event = json!({ "exception": { "values": [{ "type": ty, "stacktrace": { "frames": frames } }] } });
        say_kind(&mut event);
        event["contexts"]["crash"]["kind"].clone()
    }

    #[test]
    fn an_abort_while_memory_is_got_is_memory_that_ran_out() {
        assert_eq!(kind("SIGABRT", &["gsignal", "abort", "", "paper_alloc", "main"]), "out_of_memory");
        assert_eq!(kind("SIGABRT", &["abort", "Pool::allocate(int)", "main"]), "out_of_memory");
        assert_eq!(
            kind("SIGABRT", &["abort", "rust_oom", "alloc::alloc::handle_alloc_error", "main"]),
            "out_of_memory"
        );
        assert_eq!(kind("SIGABRT", &["abort", "plate_check", "alloc_all", "main"]), Value::Null);
    }

    #[test]
    fn runtimes_are_known_by_the_functions_on_the_way_to_the_end() {
        for (functions, want) in [
            (
                &["abort", "std::process::abort", "__rustc::rust_panic", "core::panicking::panic_fmt", "steep"][..],
                "panic",
            ),
            (&["gsignal", "abort", "__assert_fail_base", "__assert_fail", "plate_check"], "assertion"),
            (&["abort", "__cxxabiv1::__terminate(void (*)())", "std::terminate()", "__cxa_throw", "boil"], "terminate"),
            (&["abort", "std::terminate()", "__cxa_pure_virtual", "boil"], "pure_virtual_call"),
            (&["abort", "__libc_message", "__fortify_fail", "__stack_chk_fail", "boil"], "stack_corruption"),
            (&["abort", "__libc_message", "malloc_printerr", "_int_free", "boil"], "heap_corruption"),
        ] {
            assert_eq!(kind("SIGABRT", functions), want, "{functions:?}");
            assert_eq!(kind("SIGSEGV", functions), Value::Null, "{functions:?}");
        }
        assert_eq!(kind("SIGSEGV", &["fill", "my_alloc", "main"]), Value::Null);
        assert_eq!(kind("ParseError", &["abort", "my_alloc"]), Value::Null);
    }

    #[test]
    fn a_function_that_calls_itself_without_end_is_named() {
        assert_eq!(kind("SIGSEGV", &["fold"; 40]), "stack_overflow");
    }
}
