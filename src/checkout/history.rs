//! Which commits touched the lines of a function.

use std::ops::Range;

use super::{Oid, git::Git};
use crate::model::{Timestamp, Untrusted};

/// Commits of one function that are read.
const MOST: &str = "--max-count=20";
/// Hash, author's date, first line of the message.
const FORMAT: &str = "--format=%H%x00%aI%x00%s";
/// Bytes of a list of commits.
const LIST_BYTES: u64 = 1 << 20;

/// A commit of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCommit {
    /// Its hash.
    pub id: Oid,
    /// When its author made it.
    pub at: Option<Timestamp>,
    /// The first line of its message.
    pub subject: Untrusted,
    /// Paths of the files in which it touched what was asked for.
    pub files: Vec<Untrusted>,
}

/// The commits after `from` up to `to` that touched these lines of a file as `to` has it, the newest first. Lines count
/// from 0. `None` where history can't tell.
pub(super) async fn of_lines(
    git: &Git,
    from: &Oid,
    to: &Oid,
    path: &str,
    lines: &Range<usize>,
) -> Option<Vec<CodeCommit>> {
    let range = format!("{}..{}", from.as_str(), to.as_str());
    let place = format!("-L{},{}:{path}", lines.start + 1, lines.end);
    let words =
        ["log", "--no-show-signature", "--no-patch", "--no-ext-diff", "--no-textconv", MOST, FORMAT, &place, &range];
    Some(read(&git.ask(&words, LIST_BYTES).await?, path))
}

/// The commits after `from` up to `to` that touched a file, the newest first.
pub(super) async fn of_file(git: &Git, from: &Oid, to: &Oid, path: &str) -> Option<Vec<CodeCommit>> {
    let range = format!("{}..{}", from.as_str(), to.as_str());
    let words = ["log", "--no-show-signature", "--no-patch", MOST, FORMAT, &range, "--", path];
    Some(read(&git.ask(&words, LIST_BYTES).await?, path))
}

/// The path that a file of `from` has in `to`, where it was renamed.
pub(super) async fn renamed(git: &Git, from: &Oid, to: &Oid, path: &str) -> Option<String> {
    let words =
        ["diff-tree", "-r", "-z", "--find-renames", "--diff-filter=R", "--name-status", from.as_str(), to.as_str()];
    let printed = git.ask(&words, 16 << 20).await?;
    let mut parts = std::str::from_utf8(&printed).ok()?.split('\0');
    while let (Some(_), Some(old), Some(new)) = (parts.next(), parts.next(), parts.next()) {
        if old == path {
            return Some(new.to_owned());
        }
    }
    None
}

fn read(printed: &[u8], path: &str) -> Vec<CodeCommit> {
    let text = String::from_utf8_lossy(printed);
    let line = |line: &str| {
        let mut parts = line.splitn(3, '\0');
        let id = Oid::parse(parts.next()?)?;
        let at = parts.next()?.parse().ok();
        Some(CodeCommit { id, at, subject: parts.next()?.into(), files: vec![path.into()] })
    };
    text.lines().filter_map(line).collect()
}
