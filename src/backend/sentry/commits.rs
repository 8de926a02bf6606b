//! Commits of releases.

use serde_json::Value;

use super::{
    ask::Ask,
    json::{text, time},
    operation::COMMITS,
    releases::optional,
    store::SentryStore,
};
use crate::{
    model::Untrusted,
    store::{Commit, CommitQuery, Page, ReleaseCommit, StoreError},
};

/// Releases that are asked for their commits.
const RELEASES: usize = 5;

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
            let commit = |json: &Value| ReleaseCommit { release: release.clone(), commit: self.commit(json) };
            items.extend(pages.items.iter().map(commit));
        }
        more |= items.len() > query.limit;
        items.truncate(query.limit);
        Ok(Page { items, total: None, more, warnings: Vec::new(), by_change: Vec::new() })
    }

    fn commit(&self, json: &Value) -> Commit {
        let named = |key: &str| json.get(key).and_then(|part| text(part, "name"));
        Commit {
            id: text(json, "id").unwrap_or_default(),
            repository: named("repository"),
            author: named("author").map(|name| self.scrubbed(&name)),
            at: time(json, "dateCreated"),
            message: text(json, "message").map(|message| self.scrubbed(&message)),
            files: Vec::new(),
        }
    }
}
