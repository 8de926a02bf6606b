//! Commits of releases.

use serde_json::Value;

use super::{
    ask::Ask,
    fault::optional,
    json::{text, time, word},
    operation::{COMMIT_FILES, COMMITS},
    store::SentryStore,
};
use crate::{
    model::Untrusted,
    store::{ChangedFile, Commit, CommitQuery, Page, ReleaseCommit, StoreError},
};

/// Releases that are asked for their commits.
const RELEASES: usize = 5;
/// Files of one release that are read.
const FILES: usize = 1_000;

impl SentryStore {
    /// Answers `SignalStore::commits`.
    pub(super) async fn commits_of(&self, query: &CommitQuery) -> Result<Page<ReleaseCommit>, StoreError> {
        let known = self.known_releases(&self.whole(&query.scope)).await?;
        let place = |name: &Untrusted| known.iter().position(|facts| facts.release.version == *name);
        let Some(last) = place(&query.upto) else {
            return Err(StoreError::NotFound { what: "release", asked: query.upto.clone(), near: Vec::new() });
        };
        let first = query.after.as_ref().and_then(place).map_or(last, |after| after + 1);
        let (mut items, mut more, mut asked) = (Vec::new(), false, 0);
        for facts in known.get(first..=last).unwrap_or_default().iter().rev() {
            if items.len() >= query.limit || asked == RELEASES {
                more = true;
                break;
            }
            asked += 1;
            let release = &facts.release.version;
            let ask = Ask::new(&COMMITS).segment("version", release.raw());
            let pages = optional(self.server.pages(ask, "", query.limit - items.len()).await)?;
            more |= pages.more;
            let files = if pages.items.is_empty() { Vec::new() } else { self.files_of(release).await? };
            let commit = |json: &Value| ReleaseCommit { release: release.clone(), commit: self.commit(json, &files) };
            items.extend(pages.items.iter().map(commit));
        }
        more |= items.len() > query.limit;
        items.truncate(query.limit);
        Ok(Page { items, total: None, more, warnings: Vec::new(), by_change: Vec::new() })
    }

    /// Files that the commits of a release changed, as rows.
    async fn files_of(&self, release: &Untrusted) -> Result<Vec<Value>, StoreError> {
        let ask = Ask::new(&COMMIT_FILES).segment("version", release.raw());
        Ok(optional(self.server.pages(ask, "", FILES).await)?.items)
    }

    /// A commit with its files among those of the release.
    fn commit(&self, json: &Value, files: &[Value]) -> Commit {
        let named = |key: &str| json.get(key).and_then(|part| text(part, "name"));
        Commit {
            id: text(json, "id").unwrap_or_default(),
            repository: named("repository"),
            author: named("author").map(|name| self.scrubbed(&name)),
            at: time(json, "dateCreated"),
            message: text(json, "message").map(|message| self.scrubbed(&message)),
            files: files.iter().filter(|file| is_of(file, json)).filter_map(|file| self.file(file)).collect(),
        }
    }
    fn file(&self, row: &Value) -> Option<ChangedFile> {
        let kind = word(row, "type").chars().next()?;
        Some(ChangedFile { path: self.scrubbed(&text(row, "filename")?), kind })
    }
}

/// Whether a file is of a commit: by its id, which not every server tells, else by its message.
fn is_of(file: &Value, commit: &Value) -> bool {
    match text(file, "commitId") {
        Some(id) => text(commit, "id") == Some(id),
        None => text(file, "commitMessage").is_some_and(|message| text(commit, "message") == Some(message)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_of_the_commit_that_its_id_or_else_its_message_names() {
        let commit = json!({ "id": "c1", "message": "Keep carts" });
        assert!(is_of(&json!({ "commitId": "c1", "commitMessage": "other" }), &commit));
        assert!(!is_of(&json!({ "commitId": "c2", "commitMessage": "Keep carts" }), &commit));
        assert!(is_of(&json!({ "commitMessage": "Keep carts" }), &commit));
        assert!(!is_of(&json!({}), &commit));
    }
}
