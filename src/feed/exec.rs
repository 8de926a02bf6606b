//! A command that is run for each entry: the entry is its standard input, and never part of a command line.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Filter, Outcome, Target};
use crate::{
    model::Timestamp,
    store::{Claim, FeedStore, Finding},
};

/// How often the command is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// A command.
pub struct Exec {
    /// As the shell takes it.
    pub command: String,
    /// Longest that it may run.
    pub limit: Duration,
    /// How often it is run for an entry at most.
    pub tries: u32,
    /// What it is run for.
    pub filter: Filter,
    /// Where issues are claimed before it runs; `None`: nothing is claimed.
    pub claims: Option<Arc<dyn FeedStore>>,
    /// How long a claim holds.
    pub claim_for: Duration,
    /// The clock.
    pub now: fn() -> Timestamp,
}

#[async_trait::async_trait]
impl Target for Exec {
    fn name(&self) -> String {
        let digest = Sha256::digest(self.command.as_bytes());
        digest[..8].iter().fold("exec:".to_owned(), |name, byte| format!("{name}{byte:02x}"))
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    fn tries(&self) -> u32 {
        self.tries
    }

    fn wants(&self, finding: &Finding) -> bool {
        self.filter.takes(finding)
    }

    async fn tell(&self, finding: &Finding, data: &Value) -> Outcome {
        let issue = finding.change.issue.as_ref().map(|issue| issue.id);
        if let (Some(claims), Some(issue)) = (&self.claims, issue) {
            let now = (self.now)();
            let span = jiff::SignedDuration::try_from(self.claim_for).unwrap_or_default();
            let until = now.saturating_add(span).unwrap_or(Timestamp::MAX);
            let claim = Claim { issue, who: self.name().into(), until };
            match claims.claim(claim, now).await {
                Ok(None) => {}
                // Somebody works on it already: two never get the same issue.
                Ok(Some(_)) => return Outcome::Done,
                Err(_) => return Outcome::Failed,
            }
        }
        let done = self.run(data).await;
        if let (false, Some(claims), Some(issue)) = (done, &self.claims, issue) {
            let _ = claims.unclaim(issue).await;
        }
        if done { Outcome::Done } else { Outcome::Failed }
    }

    /// Nothing is claimed: a digest is for reading.
    async fn tell_digest(&self, _: &[Finding], data: &Value) -> Outcome {
        if self.run(data).await { Outcome::Done } else { Outcome::Failed }
    }
}

impl Exec {
    /// Runs the command with this on its input; whether it ended well.
    async fn run(&self, data: &Value) -> bool {
        let (command, limit, input) = (self.command.clone(), self.limit, data.to_string());
        matches!(tokio::task::spawn_blocking(move || run(&command, limit, &input)).await, Ok(Ok(true)))
    }
}

/// Runs the command; whether it ended well within its time.
fn run(command: &str, limit: Duration, input: &str) -> std::io::Result<bool> {
    let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
    shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(command);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::inherit()).stderr(Stdio::inherit()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that doesn't read its input ends as it likes.
        let _ = stdin.write_all(input.as_bytes()).and_then(|()| stdin.write_all(b"\n"));
    }
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() >= limit {
            end(&mut child);
            tracing::warn!(seconds = limit.as_secs(), "the command took too long and was ended");
            return Ok(false);
        }
        std::thread::sleep(LOOK);
    }
}

/// Ends the command and what it started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
    let _ = child.kill();
    let _ = child.wait();
}
