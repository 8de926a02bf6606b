//! Tells the tests which outside programs there are, so that those that need one are reported as ignored without it.
//! With `PRODSIGNAL_TEST_ALL=1` all run, and fail where their program is missing. `PRODSIGNAL_SENTRY_OPENAPI` names the
//! official description of Sentry's Web API, which is not part of this project.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-env-changed=PRODSIGNAL_TEST_ALL");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PRODSIGNAL_SENTRY_OPENAPI");
    println!("cargo::rustc-check-cfg=cfg(has_openapi)");
    if std::env::var("PRODSIGNAL_SENTRY_OPENAPI").is_ok_and(|path| !path.is_empty()) {
        println!("cargo::rustc-cfg=has_openapi");
    }
    println!("cargo::rustc-check-cfg=cfg(has_postgres)");
    let all = std::env::var("PRODSIGNAL_TEST_ALL").is_ok_and(|v| v == "1");
    for (program, arguments, cfg) in [
        ("npm", ["--version"].as_slice(), "has_node"),
        ("python3", &["-m", "pip", "--version"], "has_python"),
        ("chromium", &["--version"], "has_chromium"),
        ("git", &["--version"], "has_git"),
    ] {
        println!("cargo::rustc-check-cfg=cfg({cfg})");
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        if all || command.status().is_ok_and(|status| status.success()) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
    // Debian keeps the server's programs off the path.
    let servers = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if all || servers.into_iter().any(|version| version.path().join("bin/initdb").exists()) {
        println!("cargo::rustc-cfg=has_postgres");
    }
}
