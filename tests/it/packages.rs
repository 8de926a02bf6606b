//! Tests of packages: each is made of the program that was built for these tests, installed from the built file into an
//! empty place, and answers there.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::program::PROGRAM;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TARGET: &str =
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" };

/// All packages, made once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("built");
        let _ = fs::remove_dir_all(&out);
        let mut command = Command::new("python3");
        command.arg(Path::new(ROOT).join("packaging/build.py")).args([PROGRAM, TARGET]).arg(&out);
        ran(&mut command);
        out
    })
}

fn ran(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        done.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// The built file whose name ends so.
fn file(end: &str) -> PathBuf {
    let mut found = fs::read_dir(built()).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.to_string_lossy().ends_with(end)).unwrap_or_else(|| panic!("no file *{end}"))
}

/// An installed program lists the tools over MCP and answers the demonstration's question.
fn answers(command: impl Fn() -> Command) {
    let home = tempfile::tempdir().unwrap();
    let with_home = || {
        let mut command = command();
        command.env("HOME", home.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
        command
    };
    let mut child = with_home().arg("stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let greet = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    writeln!(stdin, "{greet}\n{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).unwrap();
    writeln!(stdin, "{}", json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })).unwrap();
    drop(stdin);
    let said = child.wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let listed = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["id"] == 2);
    assert!(listed.unwrap_or_else(|| panic!("{said}"))["result"]["tools"].as_array().unwrap().len() >= 9);
    let demo = ran(with_home().arg("demo"));
    assert!(demo.contains("## What broke"), "{demo}");
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(
    not(all(has_node, has_python)),
    ignore = "needs Node and Python: apt-get install nodejs npm python3 python3-pip"
)]
fn the_npm_packages_install_and_answer() {
    let place = tempfile::tempdir().unwrap();
    let packed: Vec<PathBuf> = ["prodsignal-linux-x64", "prodsignal-linux-arm64", "prodsignal"]
        .iter()
        .map(|name| built().join("npm").join(name))
        .filter(|folder| folder.exists())
        .map(|folder| {
            let mut command = Command::new("npm");
            command.args(["pack", "--silent", "--pack-destination"]).arg(place.path()).arg(folder);
            place.path().join(ran(&mut command).trim())
        })
        .collect();
    assert_eq!(packed.len(), 2, "{packed:?}");
    let app = place.path().join("app");
    fs::create_dir(&app).unwrap();
    fs::write(app.join("package.json"), "{\"private\":true}").unwrap();
    let mut command = Command::new("npm");
    // Other platforms' packages are in no registry yet; npm passes over what is optional.
    command.args([
        "install",
        "--offline",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--omit=optional",
        "--prefix",
    ]);
    ran(command.arg(&app).args(&packed));
    answers(|| Command::new(app.join("node_modules/.bin/prodsignal")));
    let mut npx = Command::new("npx");
    let version = ran(npx.current_dir(&app).args(["--offline", "--no-install", "prodsignal", "version"]));
    assert!(version.starts_with("prodsignal "), "{version}");
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_wheel_installs_and_answers() {
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
        "--prefix",
    ]);
    ran(command.arg(place.path()).arg(file(".whl")));
    answers(|| Command::new(place.path().join("bin/prodsignal")));
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_script_installs_the_tarball_and_refuses_a_damaged_one() {
    let place = tempfile::tempdir().unwrap();
    let script = |from: &Path| {
        let mut command = Command::new("sh");
        command.arg(built().join("install.sh")).env("PRODSIGNAL_FROM", from).env("PRODSIGNAL_TARGET", TARGET);
        command.env("PRODSIGNAL_BIN", place.path().join("bin"));
        command
    };
    let damaged = place.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    for end in [".tar.gz", ".tar.gz.sha256"] {
        fs::copy(file(end), damaged.join(file(end).file_name().unwrap())).unwrap();
    }
    fs::write(damaged.join(file(".tar.gz").file_name().unwrap()), "damaged").unwrap();
    assert!(!script(&damaged).output().unwrap().status.success());
    assert!(!place.path().join("bin/prodsignal").exists());
    ran(&mut script(built()));
    answers(|| Command::new(place.path().join("bin/prodsignal")));
}

#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(not(has_python), ignore = "needs Python: apt-get install python3 python3-pip")]
fn the_bundle_holds_what_its_manifest_says() {
    let mut bundle = zip::ZipArchive::new(fs::File::open(file(".mcpb")).unwrap()).unwrap();
    let manifest: Value = serde_json::from_reader(bundle.by_name("manifest.json").unwrap()).unwrap();
    for field in ["manifest_version", "name", "version", "description", "author", "server"] {
        assert!(!manifest[field].is_null(), "{field}: {manifest}");
    }
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["server"]["type"], "binary");
    let entry = manifest["server"]["entry_point"].as_str().unwrap();
    let place = tempfile::tempdir().unwrap();
    bundle.extract(place.path()).unwrap();
    let command = manifest["server"]["mcp_config"]["command"].as_str().unwrap();
    assert_eq!(command.replace("${__dirname}", ""), format!("/{entry}"));
    answers(|| Command::new(place.path().join(entry)));
}

#[test]
fn the_registrys_entry_names_the_packages_with_their_version() {
    let entry: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(ROOT).join("packaging/server.json")).unwrap()).unwrap();
    let name = entry["name"].as_str().unwrap();
    assert!(name.contains('/') && entry["description"].as_str().unwrap().len() <= 100, "{entry}");
    for package in entry["packages"].as_array().unwrap() {
        assert_eq!(package["packageArguments"][0]["value"], "stdio");
        assert_eq!(package["transport"]["type"], "stdio");
    }
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    assert!(readme.contains(&format!("mcp-name: {name}")), "the registry looks for this in the README of each package");
}
