//! Entries of the feed, claims, watched fixes, losses.
//! It uses `rusqlite`.
//! It never changes one.

use rusqlite::{Row, params};
use serde_json::{Value, json};

use super::Snapshot;
use crate::{
    backend::embedded::pack::moment,
    store::{Claim, Finding, FindingIssue, FindingKind, Loss, NewFinding, StoreError, WatchedFix},
};

/// The columns that [`finding_of`] reads.
pub(in crate::backend::embedded) const FINDING: &str =
    "finding.id, finding.at, finding.once, finding.project, finding.issue, finding.kind, finding.facts, 0";

/// What an entry says, for its column.
pub(in crate::backend::embedded) fn packed(change: &NewFinding) -> String {
    let issue = change.issue.as_ref().map(|issue| {
        json!({
            "short_id": issue.short_id, "title": issue.title.raw(), "users": issue.users, "events": issue.events
        })
    });
    let release = change.release.as_ref().map(|release| release.raw());
    json!({ "issue": issue, "release": release, "statement": change.statement.raw() }).to_string()
}

/// A row as an entry.
pub(in crate::backend::embedded) fn finding_of(row: &Row<'_>) -> rusqlite::Result<Finding> {
    let facts: Value = serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or_default();
    let issue: Option<i64> = row.get(4)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let told = &facts["issue"];
    Ok(Finding {
        id: row.get(0)?,
        change: NewFinding {
            at: moment(row.get(1)?),
            once: row.get(2)?,
            project: row.get(3)?,
            kind: FindingKind::of(&row.get::<_, String>(5)?).unwrap_or(FindingKind::New),
            issue: issue.map(|id| FindingIssue {
                id,
                short_id: text(&told["short_id"]),
                title: text(&told["title"]).into(),
                users: number(&told["users"]),
                events: number(&told["events"]),
            }),
            release: facts["release"].as_str().map(Into::into),
            statement: text(&facts["statement"]).into(),
        },
    })
}

impl Snapshot<'_> {
    pub(in crate::backend::embedded) fn findings(
        &mut self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Finding>, StoreError> {
        let sql = format!("SELECT {FINDING} FROM finding WHERE id>?1 ORDER BY id LIMIT ?2");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![after, limit], finding_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::backend::embedded) fn last_finding(&mut self) -> Result<u64, StoreError> {
        Ok(self.conn.query_row("SELECT coalesce(max(id), 0) FROM finding", [], |row| row.get(0))?)
    }

    pub(in crate::backend::embedded) fn claims(&mut self, now: i64) -> Result<Vec<Claim>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT issue, who, until FROM claim WHERE until>?1")?;
        let rows = statement.query_map([now], |row| {
            Ok(Claim { issue: row.get(0)?, who: row.get::<_, String>(1)?.into(), until: moment(row.get(2)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::backend::embedded) fn watched_fixes(&mut self, now: i64) -> Result<Vec<WatchedFix>, StoreError> {
        let sql = "SELECT issue, release, environment, until, verdict FROM watched_fix WHERE until>?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([now], |row| {
            Ok(WatchedFix {
                issue: row.get(0)?,
                release: row.get::<_, String>(1)?.into(),
                environment: row.get::<_, String>(2)?.into(),
                until: moment(row.get(3)?),
                verdict: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::backend::embedded) fn losses(&mut self, since_day: i64) -> Result<Vec<Loss>, StoreError> {
        let sql = "SELECT project.slug, day, item, outcome, reason, n FROM outcome
                   JOIN project ON project.id=outcome.project WHERE day>=?1 ORDER BY day, project, item, outcome, reason";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([since_day], |row| {
            Ok(Loss {
                project: row.get(0)?,
                day: row.get(1)?,
                item: row.get(2)?,
                outcome: row.get(3)?,
                reason: row.get(4)?,
                quantity: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
