//! Runs `git` to read a repository's objects, and nothing else of it.
//!
//! `git` is given a folder of our own as its repository, empty but for a configuration of ours, and beside it only the place
//! of the objects. So what a repository can make `git` run or read is never looked at: its configuration (drivers, filters,
//! hooks, pagers, remotes, included files), its hooks, its attributes, its index, its replaced and grafted objects.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time::timeout,
};

use super::Oid;

/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of answers that are kept.
const KEPT_BYTES: usize = 32 << 20;

/// Reads one repository's objects. What an object says never changes, so answers are kept.
pub(super) struct Git {
    home: TempDir,
    objects: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    answers: HashMap<Vec<String>, Option<Arc<[u8]>>>,
    bytes: usize,
}

impl Git {
    /// For the objects in a folder, whose hashes have so many digits.
    pub(super) fn new(objects: &Path, digits: usize) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("prodsignal-code-").tempdir()?;
        for folder in ["refs", "objects"] {
            fs::create_dir(home.path().join(folder))?;
        }
        fs::write(home.path().join("HEAD"), "ref: refs/heads/none\n")?;
        let format = if digits == 64 { "1\n[extensions]\n\tobjectFormat = sha256\n[core]\n" } else { "0\n" };
        let config = format!(
            "[core]\n\trepositoryFormatVersion = {format}\tbare = true\n\thooksPath = /dev/null\n\tfsmonitor = false\n\
             [protocol]\n\tallow = never\n[log]\n\tshowSignature = false\n[diff]\n\texternal =\n"
        );
        fs::write(home.path().join("config"), config)?;
        Ok(Self { home, objects: objects.to_owned(), kept: Mutex::default() })
    }

    /// Says where history ends in a clone that has not all of it.
    pub(super) fn set_shallow(&self, ends: &[Oid]) {
        let place = self.home.path().join("shallow");
        let lines: String = ends.iter().map(|end| format!("{}\n", end.as_str())).collect();
        // Without it, history just ends in objects that are not there.
        let _ = if lines.is_empty() { fs::remove_file(place) } else { fs::write(place, lines) };
    }

    /// What a run prints, at most `most` bytes of it; `None` where it fails, prints more, or takes too long. Arguments name
    /// objects by whole hashes alone, so that the answer may be kept.
    pub(super) async fn ask(&self, arguments: &[&str], most: u64) -> Option<Arc<[u8]>> {
        let key: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        if let Some(known) = self.kept().answers.get(&key) {
            return known.clone();
        }
        let answer = self.ask_once(arguments, most).await.ok()?;
        let answer: Option<Arc<[u8]>> = answer.map(Into::into);
        let mut kept = self.kept();
        let bytes = 200 + answer.as_ref().map_or(0, |bytes| bytes.len());
        if kept.bytes + bytes > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.answers.insert(key, answer.clone());
        answer
    }

    /// As [`Git::ask`], kept by nobody; an error where another try may differ.
    pub(super) async fn ask_once(&self, arguments: &[&str], most: u64) -> io::Result<Option<Vec<u8>>> {
        let mut child = self.command(arguments).spawn()?;
        let Ok(read) = timeout(LIMIT, finished(&mut child, most)).await else {
            let _ = child.kill().await;
            return Err(io::ErrorKind::TimedOut.into());
        };
        let (bytes, done) = read?;
        if !done {
            let _ = child.kill().await;
        }
        Ok(bytes.filter(|_| done))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear();
        for name in ["PATH", "SystemRoot", "TMPDIR", "TEMP"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("GIT_DIR", self.home.path())
            .env("GIT_OBJECT_DIRECTORY", &self.objects)
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_ATTR_NOSYSTEM", "1"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_NO_LAZY_FETCH", "1"),
                ("GIT_NO_REPLACE_OBJECTS", "1"),
                ("GIT_ALLOW_PROTOCOL", "none"),
                ("GIT_LITERAL_PATHSPECS", "1"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("LC_ALL", "C"),
            ])
            .args(["--no-pager", "--no-optional-locks", "--no-replace-objects"])
            .args(arguments)
            // Never the work tree: what stands there is not looked at, not even for programs.
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was printed, and whether the run ended by itself; nothing where it failed.
async fn finished(child: &mut Child, most: u64) -> io::Result<(Option<Vec<u8>>, bool)> {
    let mut bytes = Vec::new();
    if let Some(printed) = child.stdout.take() {
        printed.take(most + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > most {
        return Ok((None, false));
    }
    let status = child.wait().await?;
    Ok((status.success().then_some(bytes), true))
}
