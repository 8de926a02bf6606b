//! What a person waits for on the log: the first event of a project, and who was refused and why, counted, once a minute.
//! The counts of the last day lie beside the store, where `doctor` finds them.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{
    model::Timestamp,
    store::{HostedStore, Scope},
};

/// How often refusals are told.
const EVERY: Duration = Duration::from_secs(60);
/// How long they are remembered, in seconds.
const DAY_S: i64 = 86_400;
/// Most different ones.
const MOST: usize = 200;
/// Longest name of a project in an address.
const NAME: usize = 40;

/// Requests that were refused, one row for a project and a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Project as the address names it, or `callers`.
    pub who: String,
    /// Why.
    pub why: String,
    /// How many in the last day that had any.
    pub count: u64,
    /// When the last one came, in seconds since 1970.
    pub last_s: i64,
}

/// Who and why.
type Kind = (String, &'static str);

/// How often a kind was refused.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Since the last line on the log.
    fresh: u64,
    /// In all, as long as it goes on.
    all: u64,
    last_s: i64,
}

/// Keeps count.
pub struct IntakeLog {
    file: PathBuf,
    now: fn() -> Timestamp,
    heard: Mutex<HashSet<String>>,
    refused: Mutex<BTreeMap<Kind, Counted>>,
}

impl IntakeLog {
    /// Beside the store in that folder.
    pub fn of(store: &Path, now: fn() -> Timestamp) -> Self {
        Self { file: file_of(store), now, heard: Mutex::default(), refused: Mutex::default() }
    }

    fn heard(&self) -> MutexGuard<'_, HashSet<String>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a project had no event before this one; asked before it is stored, and once a project.
    pub(super) async fn is_first(&self, host: &dyn HostedStore, slug: &str) -> bool {
        if self.heard().contains(slug) {
            return false;
        }
        let known = host.projects(&Scope::default()).await.unwrap_or_default();
        let first = known.iter().any(|project| project.slug == slug && project.last_event.is_none());
        if !first {
            self.heard().insert(slug.to_owned());
        }
        first
    }

    /// It is stored now.
    pub(super) fn first(&self, slug: &str) {
        if self.heard().insert(slug.to_owned()) {
            tracing::info!(project = slug, "the first event of this project is here");
        }
    }

    /// Counts a refusal. The first of its kind is told at once, so that whoever sets up an SDK sees it.
    pub(super) fn refused(&self, who: &str, why: &'static str) {
        let fits = who.len() <= NAME && who.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let who = if fits { who } else { "(no project)" };
        let at = (self.now)().as_second();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known = refused.contains_key(&(who.to_owned(), why));
        if !known && refused.len() >= MOST {
            return;
        }
        let counted = refused.entry((who.to_owned(), why)).or_default();
        if known {
            counted.fresh += 1;
        } else {
            tracing::warn!(project = who, why, "a request was refused");
        }
        (counted.all, counted.last_s) = (counted.all + 1, at);
    }

    /// Tells the counts every minute until `end`.
    pub async fn run(&self, end: CancellationToken) {
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                () = tokio::time::sleep(EVERY) => self.tell(),
            }
        }
        self.tell();
    }

    fn tell(&self) {
        let now = (self.now)().as_second();
        let rows: Vec<RefusedRow> = {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.retain(|_, counted| now - counted.last_s < DAY_S);
            for ((who, why), counted) in refused.iter_mut().filter(|(_, counted)| counted.fresh > 0) {
                let count = std::mem::take(&mut counted.fresh);
                tracing::warn!(project = who.as_str(), why, count, "requests were refused since the last line");
            }
            let row = |((who, why), counted): (&Kind, &Counted)| RefusedRow {
                who: who.clone(),
                why: (*why).to_owned(),
                count: counted.all,
                last_s: counted.last_s,
            };
            refused.iter().map(row).collect()
        };
        if (!rows.is_empty() || self.file.exists())
            && let Err(error) = write(&self.file, &rows)
        {
            tracing::error!(%error, "what was refused can't be written down");
        }
    }
}

/// What a server over that store refused lately, the last first.
pub fn refused_lately(store: &Path, now: Timestamp) -> Vec<RefusedRow> {
    let text = std::fs::read(file_of(store)).unwrap_or_default();
    let mut rows: Vec<RefusedRow> = serde_json::from_slice(&text).unwrap_or_default();
    rows.retain(|row| now.as_second() - row.last_s < DAY_S);
    rows.sort_by_key(|row| std::cmp::Reverse(row.last_s));
    rows
}

fn file_of(store: &Path) -> PathBuf {
    store.join("refused.json")
}

fn write(file: &Path, rows: &[RefusedRow]) -> std::io::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, serde_json::to_vec(rows)?)?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn refusals_are_counted_and_found_again_for_a_day() {
        let store = tempfile::tempdir().unwrap();
        let told = IntakeLog::of(store.path(), noon);
        for _ in 0..3 {
            told.refused("7", "a wrong key");
        }
        told.refused("<script>", "a wrong key");
        told.tell();
        let rows = refused_lately(store.path(), noon());
        let said: Vec<_> = rows.iter().map(|row| (row.who.as_str(), row.why.as_str(), row.count)).collect();
        assert_eq!(said, [("(no project)", "a wrong key", 1), ("7", "a wrong key", 3)]);
        let tomorrow = noon().saturating_add(jiff::SignedDuration::from_hours(25)).unwrap();
        assert_eq!(refused_lately(store.path(), tomorrow), []);
    }
}
