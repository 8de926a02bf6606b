//! Decisions about issues: status, assignee, notes.
//! It uses `rusqlite`.
//! It never touches counts: what changed about an issue is worked out when it is read.

use rusqlite::{TransactionBehavior, params};

use super::Writer;
use crate::store::{NewStatus, StoreError};

/// What is decided about one issue, everything looked up.
pub(in crate::backend::embedded) struct Decision {
    /// Number of the issue.
    pub(in crate::backend::embedded) issue: i64,
    /// Status; `None` stays.
    pub(in crate::backend::embedded) status: Option<NewStatus>,
    /// The newest release of its project.
    pub(in crate::backend::embedded) newest: Option<String>,
    /// Assignee; empty: nobody.
    pub(in crate::backend::embedded) assignee: Option<String>,
    /// Note.
    pub(in crate::backend::embedded) note: Option<String>,
    /// When, in microseconds since 1970.
    pub(in crate::backend::embedded) at: i64,
}

impl Writer {
    /// Writes a decision in one transaction.
    pub(in crate::backend::embedded) fn decide(&mut self, decision: &Decision) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(status) = &decision.status {
            let (code, at, resolved_in, after) = match status {
                NewStatus::Unresolved => (0, None, None, None),
                NewStatus::Resolved { in_release } => {
                    (1, Some(decision.at), in_release.as_ref().map(|r| r.raw().to_owned()), None)
                }
                NewStatus::ResolvedInNextRelease => (1, Some(decision.at), None, decision.newest.clone()),
                NewStatus::Ignored => (2, None, None, None),
            };
            let sql = "UPDATE issue SET status=?2, resolved_at=?3, resolved_in=?4, resolved_after=?5 WHERE id=?1";
            tx.execute(sql, params![decision.issue, code, at, resolved_in, after])?;
            if code == 1 {
                // What is mended is nobody's work any more.
                tx.execute("DELETE FROM claim WHERE issue=?1", [decision.issue])?;
            }
        }
        if let Some(assignee) = &decision.assignee {
            let assignee = Some(assignee).filter(|name| !name.is_empty());
            tx.execute("UPDATE issue SET assignee=?2 WHERE id=?1", params![decision.issue, assignee])?;
        }
        if let Some(note) = &decision.note {
            let sql = "INSERT INTO note(issue, at, text) VALUES(?1, ?2, ?3)";
            tx.execute(sql, params![decision.issue, decision.at, note])?;
        }
        tx.commit()?;
        Ok(())
    }
}
