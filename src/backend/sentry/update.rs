//! Changing an issue.

use serde_json::{Map, Value, json};

use super::{
    ask::Ask,
    operation::{GLITCHTIP_UPDATE, NOTE, UPDATE},
    store::SentryStore,
};
use crate::{
    model::Status,
    store::{IssueUpdate, IssueUpdated, NewStatus, SignalWrite, StoreError},
};

#[async_trait::async_trait]
impl SignalWrite for SentryStore {
    async fn update_issue(&self, update: &IssueUpdate) -> Result<IssueUpdated, StoreError> {
        // Whatever becomes of this one, what was known before it counts no more.
        let _forgetting = self.server.forgetting();
        let before = self.issue_row(&update.issue, &update.scope).await?.issue;
        let number = before.id.to_string();
        let mut after = before.clone();
        let body = body(update);
        let mut warnings = Vec::new();
        let glitchtip = self.is_glitchtip_known();
        if glitchtip && (update.assignee.is_some() || update.comment.is_some()) {
            return Err(StoreError::Unsupported("GlitchTip takes a status alone: no assignee and no comment"));
        }
        if !body.is_empty() {
            let operation = if glitchtip { &GLITCHTIP_UPDATE } else { &UPDATE };
            let ask = Ask::new(operation).segment("issue", number.as_str()).body(Value::Object(body));
            let reply = self.server.send(&ask).await.map_err(|fault| fault.at("issue", &number.as_str().into()))?;
            match self.row(&reply.json) {
                Some(row) => after = row.issue,
                // Some servers answer with what was changed alone.
                None => after.status = update.status.as_ref().map_or(after.status, status_of),
            }
            if after.short_id == number {
                after.short_id.clone_from(&before.short_id);
            }
        }
        if let Some(comment) = &update.comment {
            // What an agent writes may repeat what it read.
            let text = self.scrubbed(comment);
            let ask = Ask::new(&NOTE).segment("issue", number.as_str()).body(json!({ "text": text.raw() }));
            if let Err(fault) = self.server.send(&ask).await {
                if update.status.is_none() && update.assignee.is_none() {
                    return Err(fault.into());
                }
                warnings.push("the comment was refused; the rest is done");
            }
        }
        let commented = update.comment.is_some() && warnings.is_empty();
        Ok(IssueUpdated { before, after, commented, assigned: update.assignee.is_some(), warnings })
    }
}

fn body(update: &IssueUpdate) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(status) = &update.status {
        let word = match status {
            NewStatus::Unresolved => "unresolved",
            NewStatus::Ignored => "ignored",
            NewStatus::Resolved { .. } => "resolved",
            NewStatus::ResolvedInNextRelease => "resolvedInNextRelease",
        };
        body.insert("status".into(), word.into());
        if let NewStatus::Resolved { in_release: Some(release) } = status {
            body.insert("statusDetails".into(), json!({ "inRelease": release.raw() }));
        }
    }
    if let Some(assignee) = &update.assignee {
        body.insert("assignedTo".into(), assignee.raw().trim().into());
    }
    body
}

fn status_of(status: &NewStatus) -> Status {
    match status {
        NewStatus::Unresolved => Status::Unresolved,
        NewStatus::Ignored => Status::Ignored,
        NewStatus::Resolved { .. } | NewStatus::ResolvedInNextRelease => Status::Resolved,
    }
}
