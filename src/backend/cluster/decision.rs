//! Changing an issue: what somebody decides about it.
//! It uses `tokio_postgres`.
//! It never touches counts: what changed about an issue is worked out when it is read.

use super::{ClusterStore, write::clean};
use crate::{
    answers::micros,
    guard::{Pseudonyms, Scrubber},
    model::Untrusted,
    release,
    store::{IssueUpdate, IssueUpdated, NewStatus, ReleaseQuery, Scope, SignalStore, SignalWrite, StoreError},
};

#[async_trait::async_trait]
impl SignalWrite for ClusterStore {
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError> {
        let scope = Scope { start: None, end: None, ..update.scope.clone() };
        let before = self.bare_issue(&update.issue, &scope).await?;
        let project = Scope { project: Some(before.project.as_str().into()), ..Scope::default() };
        let releases = self.releases(&ReleaseQuery { scope: project, ..ReleaseQuery::default() }).await?;
        let names: Vec<Untrusted> = releases.iter().map(|facts| facts.release.version.clone()).collect();
        if let Some(NewStatus::Resolved { in_release: Some(asked) }) = &update.status
            && !names.contains(asked)
        {
            let near = release::nearest(asked, &names);
            return Err(StoreError::NotFound { what: "release", asked: asked.clone(), near });
        }
        self.decide(before.id.0, update, names.first()).await?;
        let after = self.bare_issue(&update.issue, &scope).await?;
        let (commented, assigned) = (update.comment.is_some(), update.assignee.is_some());
        Ok(IssueUpdated { before, after, commented, assigned, warnings: Vec::new() })
    }
}

impl ClusterStore {
    /// Writes a decision in one transaction; `newest` is the newest release of the project.
    async fn decide(&self, issue: i64, update: &IssueUpdate, newest: Option<&Untrusted>) -> Result<(), StoreError> {
        // Whoever is named in a note is a pseudonym, and a secret is gone, as in everything that is kept.
        let scrubber = Scrubber::new(Pseudonyms::new(self.key()));
        let at = micros(update.now);
        let lent = self.databases.postgres.lend().await?;
        lent.begin().await?;
        if let Some(status) = &update.status {
            let (code, at, resolved_in, after): (i16, _, _, _) = match status {
                NewStatus::Unresolved => (0, None, None, None),
                NewStatus::Resolved { in_release } => (1, Some(at), in_release.as_ref().map(|r| clean(r.raw())), None),
                NewStatus::ResolvedInNextRelease => (1, Some(at), None, newest.map(|name| clean(name.raw()))),
                NewStatus::Ignored => (2, None, None, None),
            };
            let sql = "UPDATE issue SET status=$2, resolved_at=$3, resolved_in=$4, resolved_after=$5 WHERE id=$1";
            lent.execute(sql, &[&issue, &code, &at, &resolved_in, &after]).await?;
        }
        if let Some(assignee) = &update.assignee {
            let assignee = Some(clean(&scrubber.somebody(assignee.raw()))).filter(|name| !name.is_empty());
            lent.execute("UPDATE issue SET assignee=$2 WHERE id=$1", &[&issue, &assignee]).await?;
        }
        if let Some(comment) = &update.comment {
            let text = clean(&scrubber.plain(comment.raw()));
            lent.execute("INSERT INTO note(issue, at, text) VALUES($1, $2, $3)", &[&issue, &at, &text]).await?;
        }
        lent.commit().await
    }
}
