//! Changing an issue, as callers see it.
//! It uses the pool and the writer's queue.
//! It never writes a name that it did not find.

use super::{EmbeddedStore, write::Decision};
use crate::{
    guard::{Pseudonyms, Scrubber},
    model::{Timestamp, Untrusted},
    release,
    store::{
        Claim, FeedStore, IssueUpdate, IssueUpdated, NewStatus, ReleaseQuery, Scope, SignalStore, SignalWrite,
        StoreError,
    },
};

#[async_trait::async_trait]
impl SignalWrite for EmbeddedStore {
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError> {
        let scope = Scope { start: None, end: None, ..update.scope.clone() };
        let before = self.issue(&update.issue, &scope).await?.issue;
        let project = Scope { project: Some(before.project.as_str().into()), ..Scope::default() };
        let releases = self.releases(&ReleaseQuery { scope: project, ..ReleaseQuery::default() }).await?;
        let names: Vec<Untrusted> = releases.iter().map(|facts| facts.release.version.clone()).collect();
        if let Some(NewStatus::Resolved { in_release: Some(asked) }) = &update.status
            && !names.contains(asked)
        {
            let near = release::nearest(asked, &names);
            return Err(StoreError::NotFound { what: "release", asked: asked.clone(), near });
        }
        // Whoever is named in a note is a pseudonym, and a secret is gone, as in everything that is kept.
        let scrubber = Scrubber::new(Pseudonyms::new(self.key()));
        let decision = Decision {
            issue: before.id.0,
            status: update.status.clone(),
            newest: names.first().map(|name| name.raw().to_owned()),
            assignee: update.assignee.as_ref().map(|name| scrubber.somebody(name.raw())),
            note: update.comment.as_ref().map(|text| scrubber.plain(text.raw())),
            at: update.now.as_microsecond(),
        };
        self.control(move |writer| writer.decide(&decision)).await?;
        let after = self.issue(&update.issue, &scope).await?.issue;
        let (commented, assigned) = (update.comment.is_some(), update.assignee.is_some());
        Ok(IssueUpdated { before, after, commented, assigned, warnings: Vec::new() })
    }

    async fn hold(&self, claim: Claim, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        if claim.who.is_empty() {
            self.unclaim(claim.issue).await?;
            return Ok(None);
        }
        self.claim(claim, now).await
    }
}
