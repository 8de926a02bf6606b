//! Programs in C and Rust that crash while Crashpad's own handler watches and writes the dump; `sentry-cli` uploads
//! the symbols.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{address, event, post};
use crate::{
    api::commands::{said, sentry_cli},
    program::{Server, Store},
};

/// Comes with Debian's Chromium.
const HANDLER: &str = "/usr/lib/chromium/chrome_crashpad_handler";

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// The line of a source that is marked with a function's name.
fn marked(name: &str, function: &str) -> u64 {
    let text = std::fs::read_to_string(source(name)).unwrap();
    text.lines().position(|line| line.ends_with(&format!("// {function}"))).unwrap() as u64 + 1
}

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Builds both programs into a folder.
fn build(folder: &Path) {
    let c = ["-g", "-O1", "-fno-omit-frame-pointer", "-Wl,--build-id", "-o"];
    run(Command::new("cc").args(c).arg(folder.join("kettle")).arg(source("kettle.c")));
    let object = folder.join("watch.o");
    run(Command::new("cc").args(["-c", "-DWATCH_ALONE", "-o"]).arg(&object).arg(source("kettle.c")));
    let link = format!("link-arg={}", object.display());
    let rust =
        ["--edition", "2021", "-g", "-C", "opt-level=1", "-C", "panic=abort", "-C", "link-arg=-Wl,--build-id", "-C"];
    run(Command::new("rustc").args(rust).arg(link).arg("-o").arg(folder.join("urn")).arg(source("kettle.rs")));
}

/// Lets a program crash, and sends the dump that the handler wrote as the handler would; gives the event.
fn crashed(server: &Server, store: &Store, folder: &Path, program: &str, bug: &str) -> Value {
    let dumps = tempfile::tempdir().unwrap();
    let mut command = Command::new(folder.join(program));
    command.arg(bug).arg(dumps.path()).arg("http://127.0.0.1:9/").arg(HANDLER);
    assert!(!command.output().unwrap().status.success(), "{bug} did not crash");
    let dump = ["completed", "pending"].iter().find_map(|kept| {
        let files = std::fs::read_dir(dumps.path().join(kept)).ok()?;
        files.map(|file| file.unwrap().path()).find(|path| path.extension().is_some_and(|end| end == "dmp"))
    });
    let dump = std::fs::read(dump.unwrap_or_else(|| panic!("{program} {bug}: no dump"))).unwrap();
    let said = br#"{"release":"kettle@1.0.0","user":{"id":"cook-1"}}"#;
    let parts: [(&str, Option<&str>, &[u8]); 3] =
        [("prod", None, b"kettle"), ("sentry", None, said), ("upload_file_minidump", Some("crash.dmp"), &dump)];
    let answer = post(&address(server, store, "kettle"), &parts);
    assert_eq!(answer.status, 200, "{}", answer.body);
    event(store, answer.body.trim())
}

fn upload(server: &Server, folder: &Path) {
    let mut command = sentry_cli(server, "kettle");
    said(command.args(["debug-files", "upload", "--wait"]).arg(folder));
}

/// The first frame of the application: function, file, line.
fn first_own(event: &Value) -> (String, String, u64) {
    let frames = event["exceptions"][0]["frames"].as_array().unwrap();
    let own = frames.iter().find(|frame| frame["in_app"] == true).unwrap_or(&Value::Null);
    let text = |key: &str| own[key].as_str().unwrap_or("").to_owned();
    (text("function"), text("file"), own["line"].as_u64().unwrap_or(0))
}

#[test]
#[cfg_attr(not(all(has_node, has_chromium)), ignore = "needs Node and Debian's Chromium, whose crash handler it runs")]
fn programs_that_crash_are_told_by_function_and_line() {
    let store = Store::new();
    store.ok(&["project", "kettle"]);
    let server = store.serve();
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let early = crashed(&server, &store, folder.path(), "kettle", "boil");
    assert_eq!(early["exceptions"][0]["type"], "SIGSEGV", "{early}");
    assert!(first_own(&early).0.is_empty() && early["tags"]["prod"] == "kettle", "{early}");
    upload(&server, folder.path());
    // Who aborts does so within the C library: its call-frame information leads out of it.
    let libc = Command::new("cc").arg("-print-file-name=libc.so.6").output().unwrap();
    upload(&server, Path::new(String::from_utf8(libc.stdout).unwrap().trim()));
    let early = event(&store, early["id"].as_str().unwrap());
    assert_eq!(first_own(&early), ("boil".into(), "kettle.c".into(), marked("kettle.c", "boil")));
    for (bug, ty) in [("boil", "SIGSEGV"), ("whistle", "SIGABRT"), ("overflow", "SIGSEGV"), ("fill_alloc", "SIGABRT")] {
        let crash = crashed(&server, &store, folder.path(), "kettle", bug);
        assert_eq!(crash["exceptions"][0]["type"], ty, "{bug}: {crash}");
        assert_eq!(first_own(&crash), (bug.into(), "kettle.c".into(), marked("kettle.c", bug)), "{bug}: {crash}");
        let kind = crash["contexts"]["crash"]["kind"].as_str().unwrap().to_owned();
        let want = [("boil", "null_pointer"), ("whistle", "abort"), ("overflow", "stack_overflow")];
        let want = want.iter().find(|(name, _)| *name == bug).map_or("out_of_memory", |(_, kind)| kind);
        assert_eq!(kind, want, "{bug}");
    }
    let rust = [
        ("pour", "SIGSEGV", "null_pointer"),
        ("steep", "SIGABRT", "panic"),
        ("brim", "SIGSEGV", "stack_overflow"),
        ("decant", "SIGABRT", "out_of_memory"),
    ];
    for (bug, ty, kind) in rust {
        let crash = crashed(&server, &store, folder.path(), "urn", bug);
        let (function, file, line) = first_own(&crash);
        assert_eq!(crash["exceptions"][0]["type"], ty, "{bug}: {crash}");
        assert_eq!((function.rsplit("::").next(), file.as_str()), (Some(bug), "kettle.rs"), "{bug}: {crash}");
        // A stack runs over where room for the call is made, which may be the function's first line.
        let own = marked("kettle.rs", bug);
        assert!(line == own || bug == "brim" && (own - 3..own).contains(&line), "{bug}: {crash}");
        assert_eq!(crash["contexts"]["crash"]["kind"], kind, "{bug}: {crash}");
    }
}
