//! What somebody decides about issues.

use axum::{body::Body, http::HeaderMap};
use serde::Deserialize;
use serde_json::Value;

use super::{fault::ApiError, json_body};
use crate::{
    serve::App,
    store::{IssueRef, IssueUpdate, NewStatus, Scope},
};

/// Bytes of a decision.
const MOST: usize = 256 << 10;

/// A decision, as it is sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decision {
    status: Option<String>,
    #[serde(default)]
    status_details: Option<Details>,
    assigned_to: Option<Value>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    in_release: Option<String>,
    in_next_release: Option<bool>,
}

/// Reads a decision.
pub(super) async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Decision, ApiError> {
    json_body(app, headers, body, MOST).await
}

impl Decision {
    /// The status that was sent.
    pub(super) fn word(&self) -> &str {
        self.status.as_deref().unwrap_or("unresolved")
    }

    fn status(&self) -> Result<Option<NewStatus>, ApiError> {
        let details = self.status_details.clone().unwrap_or_default();
        Ok(Some(match self.status.as_deref() {
            None => return Ok(None),
            Some("unresolved") => NewStatus::Unresolved,
            Some("ignored" | "muted") => NewStatus::Ignored,
            Some("resolvedInNextRelease") => NewStatus::ResolvedInNextRelease,
            Some("resolved") if details.in_next_release == Some(true) => NewStatus::ResolvedInNextRelease,
            Some("resolved") => NewStatus::Resolved { in_release: details.in_release.map(Into::into) },
            Some(_) => {
                return Err(ApiError::bad("status is one of resolved, resolvedInNextRelease, unresolved, ignored"));
            }
        }))
    }
}

/// Does what was decided.
pub(super) async fn carry_out(app: &App, issue: IssueRef, decision: &Decision) -> Result<(), ApiError> {
    let assignee = match &decision.assigned_to {
        Some(Value::String(name)) => Some(name.as_str().into()),
        Some(Value::Null) => Some("".into()),
        _ => None,
    };
    let now = (app.now)();
    let scope = Scope { end: Some(now), ..Scope::default() };
    let update = IssueUpdate { issue, scope, status: decision.status()?, assignee, comment: None, now };
    app.host.update_issue(&update).await?;
    Ok(())
}
