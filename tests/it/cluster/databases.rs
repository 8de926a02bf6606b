//! PostgreSQL and ClickHouse's engine for the tests: one server of each, and in both a database for each test.
//! Both end with the process of the tests, however it ends: each is told by a pipe that closes then.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use prodsignal::{
    backend::cluster::{ClusterStore, Options},
    store::{Digest, ProjectKey, Receipt, Record, SignalSink, StoreError},
};

use crate::{
    program::python_packages,
    world::{Hit, at},
};

/// The engine as a package; its dependencies are for data frames, which nothing here asks for.
const ENGINE: &str = "--no-deps chdb-core==26.9.0";

/// Runs a program until a pipe closes.
const WHILE_OPEN: &str =
    "\"$@\" & pid=$!; cat >/dev/null; kill -INT $pid 2>/dev/null; sleep 2; kill -9 $pid 2>/dev/null";

/// A server, ended with its pipe.
pub struct Running {
    child: Child,
    pub port: u16,
}

impl Running {
    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        let shell = self.child.id().to_string();
        let _ = Command::new("pkill").args(["-9", "-P", &shell]).status();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An empty folder below `target`.
pub fn folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// A program of PostgreSQL, which refuses to run as root.
fn of_postgres(name: &str) -> Vec<String> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL: apt-get install postgresql")
        .map(|entry| entry.unwrap().path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    let program = versions.pop().expect("PostgreSQL: apt-get install postgresql").display().to_string();
    let own = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"].map(str::to_owned);
    own.into_iter().filter(|_| is_root()).chain([program]).collect()
}

fn ok(mut command: Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn command(words: &[String], more: &[&str]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(more);
    command
}

fn while_open(words: &[String], more: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WHILE_OPEN, "sh"]).args(words).args(more).stdin(Stdio::piped());
    command
}

/// PostgreSQL, without waiting for the disk: what is tested are processes that end, not machines.
fn postgres() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    RUNNING.get_or_init(|| {
        let folder = folder("postgres");
        if is_root() {
            ok(command(&["chown".to_owned()], &["nobody:nogroup", &folder.display().to_string()]));
        }
        let data = folder.join("data").display().to_string();
        let init = ["-D", &data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        let mut made = command(&of_postgres("initdb"), &init);
        made.current_dir("/");
        ok(made);
        let port = free_port();
        let told = port.to_string();
        let options = ["-D", &data, "-p", &told, "-h", "127.0.0.1", "-k", "", "-F", "-c", "max_connections=300"];
        let mut started = while_open(&of_postgres("postgres"), &options);
        let child = started.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ready = ["-h", "127.0.0.1", "-p", &told, "-U", "postgres", "-q"];
        let mut tries = 0;
        while !command(&of_postgres("pg_isready"), &ready).status().unwrap().success() {
            tries += 1;
            assert!(tries < 600, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Running { child, port }
    })
}

/// The engine behind ClickHouse's HTTP interface, in a folder.
pub fn engine(folder: &Path, port: u16) -> Running {
    let packages = python_packages("clickhouse", ENGINE);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/clickhouse_http.py");
    let words = ["python3".to_owned(), script.display().to_string()];
    let (path, told) = (folder.display().to_string(), port.to_string());
    let mut command = while_open(&words, &["--path", &path, "--port", &told]);
    let mut child = command.env("PYTHONPATH", packages).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("a line that says where it listens").unwrap();
    let address = first.split("127.0.0.1:").nth(1).unwrap_or_else(|| panic!("no address in: {first}"));
    let port = address.split(' ').next().unwrap().parse().unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    Running { child, port }
}

fn clickhouse() -> &'static Running {
    static RUNNING: OnceLock<Running> = OnceLock::new();
    RUNNING.get_or_init(|| engine(&folder("clickhouse"), 0))
}

/// A store in databases of its own.
pub struct World {
    pub store: ClusterStore,
    pub options: Options,
}

impl World {
    /// An empty store.
    pub async fn new() -> Self {
        Self::open(places()).await
    }

    pub async fn open(options: Options) -> Self {
        let store = ClusterStore::open(options.clone()).await.unwrap();
        Self { store, options }
    }

    /// Writes events, each into its project, and waits until they can be asked for.
    pub async fn hits(&self, hits: &[Hit]) -> Receipt {
        let mut sum = Receipt::default();
        for run in hits.chunk_by(|a, b| a.project == b.project) {
            let records = run.iter().map(|hit| Record::Event(Box::new(hit.record()))).collect();
            let receipt = self.write(run[0].project, records).await.unwrap();
            sum.stored += receipt.stored;
            sum.duplicates += receipt.duplicates;
            sum.new_issues.extend(receipt.new_issues);
        }
        self.store.settle().await.unwrap();
        sum
    }

    /// Writes records into a project, which is made if needed.
    pub async fn write(&self, project: &str, records: Vec<Record>) -> Result<Receipt, StoreError> {
        let project = self.store.ensure_project(project).await?;
        let received = at(40, 0);
        self.store.write(Digest { project: ProjectKey::from(&project), received, records, outcomes: Vec::new() }).await
    }
}

/// Databases that nobody uses yet, in the servers of the tests.
pub fn places() -> Options {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let (postgres, clickhouse) = (postgres().port, clickhouse().port);
    let told = postgres.to_string();
    ok(command(&of_postgres("createdb"), &["-h", "127.0.0.1", "-p", &told, "-U", "postgres", &name]));
    let url = format!("http://127.0.0.1:{clickhouse}/");
    let made = crate::program::http("POST", &url, &[], format!("CREATE DATABASE {name}").as_bytes());
    assert_eq!(made.status, 200, "{}", made.body);
    Options::new(
        &format!("http://127.0.0.1:{clickhouse}/?database={name}"),
        &format!("postgres://postgres@127.0.0.1:{postgres}/{name}"),
    )
}
