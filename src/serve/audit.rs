//! Who asked and changed what: a line of JSON for each request of a caller and each call of a tool.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde_json::json;

use crate::model::Timestamp;

/// The audit log.
pub struct Audit {
    file: Mutex<File>,
    now: fn() -> Timestamp,
}

impl Audit {
    /// Opens a log, which is made for its owner alone if there is none, and grows at its end.
    ///
    /// # Errors
    /// When it can't be opened for writing.
    pub fn open(path: &Path, now: fn() -> Timestamp) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: Mutex::new(options.open(path)?), now })
    }

    /// A call of a tool.
    pub fn called(&self, who: &str, tool: &str, failed: bool) {
        self.line(&json!({ "at": (self.now)().to_string(), "who": who, "tool": tool, "failed": failed }));
    }

    /// A request. Its query stays out: it may name people.
    pub(super) fn asked(&self, who: &str, from: Option<&str>, method: &str, path: &str, status: u16) {
        let at = (self.now)().to_string();
        self.line(&json!({ "at": at, "who": who, "from": from, "method": method, "path": path, "status": status }));
    }

    fn line(&self, line: &serde_json::Value) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            tracing::error!(%error, "the audit log can't be written");
        }
    }
}
