//! The built program under test, and the outside programs that talk to it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{LazyLock, OnceLock},
};

use prodsignal::model::Timestamp;
use serde_json::Value;

/// The program as it was built for these tests. It is started by [`program`] or [`program_words`] alone, which set its clock.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_prodsignal");

/// The setting that moves the program's clock, in seconds.
const CLOCK: &str = "PRODSIGNAL_CLOCK_OFFSET_S";

/// When the tests begin, for the program and for themselves: `PRODSIGNAL_TEST_NOW`, or a fixed moment.
const BEGIN: &str = "2026-11-30T16:57:00Z";

/// Seconds from the machine's clock to that of the tests.
static OFFSET_S: LazyLock<i64> = LazyLock::new(|| {
    let begin = std::env::var("PRODSIGNAL_TEST_NOW").ok().filter(|text| !text.is_empty());
    let begin: Timestamp =
        begin.as_deref().unwrap_or(BEGIN).parse().expect("PRODSIGNAL_TEST_NOW is a moment in RFC 3339");
    begin.as_second() - machine_time().as_second()
});

#[expect(clippy::disallowed_methods, reason = "the one place where tests read the machine's clock, to move it")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

/// The time of the tests. It goes on as the tests run.
pub fn now() -> Timestamp {
    Timestamp::from_second(machine_time().as_second() + *OFFSET_S).unwrap()
}

/// The program on the tests' clock, without settings of whoever runs the tests.
pub fn program() -> Command {
    on_the_clock(Command::new(PROGRAM))
}

/// A clock that begins at a moment when it is made, whatever `PRODSIGNAL_TEST_NOW` says and whenever the test runs, and
/// goes on: each command that is set to it has the same.
#[derive(Clone, Copy)]
pub struct Clock {
    offset_s: i64,
}

impl Clock {
    pub fn beginning_at(begin: &str) -> Self {
        let begin: Timestamp = begin.parse().unwrap();
        Self { offset_s: begin.as_second() - machine_time().as_second() }
    }

    pub fn set(&self, mut command: Command) -> Command {
        command.env(CLOCK, self.offset_s.to_string());
        command
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(machine_time().as_second() + self.offset_s).unwrap()
    }
}

/// The command line of the program on the tests' clock, for others to start.
pub fn program_words() -> [String; 3] {
    ["env".to_owned(), format!("{CLOCK}={}", *OFFSET_S), PROGRAM.to_owned()]
}

/// Sets the clock and removes other settings of the program for what a command starts.
pub fn on_the_clock(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PRODSIGNAL_")) {
        command.env_remove(name);
    }
    command.env(CLOCK, OFFSET_S.to_string());
    command
}

/// A store of its own, gone when dropped.
pub struct Store {
    dir: tempfile::TempDir,
    clock: Option<Clock>,
}

impl Store {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: None }
    }

    /// A store for captures whose times are their own: the program's clock begins at the fixed moment.
    pub fn of_captures() -> Self {
        Self { clock: Some(Clock::beginning_at(BEGIN)), ..Self::new() }
    }

    /// Sets the program's clock to a moment, from which it goes on.
    pub fn begin_at(&mut self, begin: &str) {
        self.clock = Some(Clock::beginning_at(begin));
    }

    /// Sets a command that starts the program to its clock.
    pub fn on_its_clock(&self, command: Command) -> Command {
        let command = on_the_clock(command);
        match self.clock {
            Some(clock) => clock.set(command),
            None => command,
        }
    }

    /// The time of its program.
    pub fn now(&self) -> Timestamp {
        self.clock.map_or_else(now, |clock| clock.now())
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// The program over this store, deaf to the settings of whoever runs the tests.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.arg("--store").arg(self.path()).args(words);
        command.env("XDG_CONFIG_HOME", self.dir.path());
        match &self.clock {
            Some(clock) => clock.set(command),
            None => command,
        }
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs and expects success; gives what was printed.
    pub fn ok(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Calls a tool and gives its structured content, failures included.
    pub fn call(&self, tool: &str, arguments: Value) -> Value {
        let done = self.run(&["call", tool, &arguments.to_string(), "--json"]);
        serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|e| panic!("{tool}: {e}: {}", String::from_utf8_lossy(&done.stderr)))
    }

    /// Imports envelopes of `tests/data`, given as text, one a line of NDJSON.
    pub fn import(&self, project: &str, envelopes: &[String]) {
        let mut child = self
            .command(&["--project", project, "import", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for envelope in envelopes {
            writeln!(stdin, "{}", Value::from(envelope.as_str())).unwrap();
        }
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }

    pub fn serve(&self) -> Server {
        Server::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }
}

/// A running `prodsignal serve`, killed when dropped.
pub struct Server {
    pub child: Child,
    pub url: String,
}

impl Server {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().expect("a line that says where it listens").unwrap();
        let url = first[first.find("http://").unwrap_or_else(|| panic!("no address in: {first}"))..].trim().to_owned();
        // What it says later must not fill the pipe and stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// The DSN of a project for this server.
    pub fn dsn(&self, store: &Store, project: &str) -> String {
        let printed = store.ok(&["project", project]);
        let (key, place) = printed.trim().trim_start_matches("http://").split_once('@').unwrap();
        let id = place.rsplit('/').next().unwrap();
        format!("http://{key}@{}/{id}", self.url.trim_start_matches("http://"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Folder under `target` for packages of outside programs.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages")
}

/// Runs what provides packages, once for each list of them.
fn provide(folder: &Path, wanted: &str, command: &mut Command) {
    let stamp = folder.join("provided");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return;
    }
    fs::create_dir_all(folder).unwrap();
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    fs::write(stamp, wanted).unwrap();
}

/// Node's packages: the folder that holds `node_modules`.
pub fn node_packages() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let wanted = ["@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/client@2.4.0", "@sentry/node@11.12.0"];
        let folder = packages().join("node");
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("npm");
        command.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder).args(wanted);
        provide(&folder, &wanted.join(" "), &mut command);
        folder
    })
}

/// A program of its own from npm, and what it needs beside it: the folder that holds its `node_modules`.
pub fn node_tool(name: &'static str, wanted: &'static str) -> PathBuf {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = packages().join(name);
    let mut command = Command::new("npm");
    command
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&folder)
        .args(wanted.split(' '));
    provide(&folder, wanted, &mut command);
    folder
}

/// Packages of Playwright's test runner, which uses the system's Chromium and downloads none.
pub fn playwright_packages() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let wanted = ["@playwright/test@1.65.1", "esbuild@0.28.2", "react@19.3.1", "react-dom@19.3.1"];
        let folder = packages().join("playwright");
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("npm");
        command.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder).args(wanted);
        provide(&folder, &wanted.join(" "), &mut command);
        folder
    })
}

/// A script of `tests/clients` under Node, with the packages of Playwright's test runner.
pub fn playwright_node(script: &str) -> Command {
    let folder = playwright_packages();
    let copy = folder.join(script);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script), &copy).unwrap();
    let mut command = Command::new("node");
    command.arg(copy);
    command
}

/// Python's packages of one name: the folder to put on the path.
pub fn python_packages(name: &'static str, wanted: &'static str) -> PathBuf {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = packages().join(name);
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(&folder)
        .args(wanted.split(' '));
    provide(&folder, wanted, &mut command);
    folder
}

/// A script of `tests/clients` under Node.
pub fn node(script: &str) -> Command {
    // Node looks for packages beside the script: so the script is put where they are.
    let folder = node_packages();
    let copy = folder.join(script);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script), &copy).unwrap();
    let mut command = Command::new("node");
    command.arg(copy);
    command
}

/// A script of `tests/clients` under Python, with the packages of one folder.
pub fn python(script: &str, packages: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script)).env("PYTHONPATH", packages);
    command
}

/// An answer to [`http`].
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header, in lower case as it was asked for.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// One request on a connection of its own.
pub fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let mut head = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += &format!("Host: {host}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // A server that refuses may close before it has read everything.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: unchunked(head, body) }
}

fn unchunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut rest, mut out) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size @ 1..) = usize::from_str_radix(size.trim(), 16) else { break };
        out.push_str(after.get(..size).unwrap_or(after));
        rest = after.get(size + 2..).unwrap_or("");
    }
    out
}
