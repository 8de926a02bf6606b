//! What people said: projects, releases with their commits and deploys, and what is known of issues beside their events.
//! It uses `rusqlite`.
//! It never tells of an issue without an event: nothing would find it again.

use rusqlite::{OptionalExtension, params};

use super::{
    Take,
    envelopes::Issues,
    of_record,
    record::{
        ClaimLine, CommentLine, CommitLine, DeployLine, FixLine, IssueLine, ProjectLine, ReleaseLine, TransferRecord,
    },
};
use crate::{backend::embedded::read::Snapshot, store::StoreError};

impl Snapshot<'_> {
    /// `counted`: with how many issues had a name.
    pub(super) fn export_projects(&self, counted: bool, take: &mut Take) -> Result<bool, StoreError> {
        let mut statement = self.conn.prepare("SELECT slug, id, public_key, issues FROM project ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let issues = if counted { row.get(3)? } else { 0 };
            let project = ProjectLine { slug: row.get(0)?, number: row.get(1)?, public_key: row.get(2)?, issues };
            if !take(of_record(TransferRecord::Project(project), 0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Releases that somebody said something of; the others come with their events.
    pub(super) fn export_releases(&self, take: &mut Take) -> Result<bool, StoreError> {
        let sql = "SELECT release.id, project.slug, version, release.first, release.last, created, released, url, ref
                   FROM release JOIN project ON project.id=release.project
                   WHERE coalesce(created, released) IS NOT NULL OR coalesce(url, ref) IS NOT NULL
                     OR EXISTS(SELECT 1 FROM release_commit WHERE release=release.id)
                     OR EXISTS(SELECT 1 FROM deploy WHERE release=release.id) ORDER BY release.id";
        let mut statement = self.conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let release = ReleaseLine {
                project: row.get(1)?,
                version: row.get(2)?,
                first: row.get(3)?,
                last: row.get(4)?,
                created: row.get(5)?,
                released: row.get(6)?,
                url: row.get(7)?,
                reference: row.get(8)?,
                commits: self.commit_lines(id)?,
                deploys: self.deploy_lines(id)?,
            };
            if !take(of_record(TransferRecord::Release(release), 0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn commit_lines(&self, release: i64) -> Result<Vec<CommitLine>, StoreError> {
        let sql =
            "SELECT id, repository, author, at, message, files FROM release_commit WHERE release=?1 ORDER BY place";
        let mut statement = self.conn.prepare_cached(sql)?;
        let lines = statement.query_map([release], |row| {
            Ok(CommitLine {
                id: row.get(0)?,
                repository: row.get(1)?,
                author: row.get(2)?,
                at: row.get(3)?,
                message: row.get(4)?,
                files: row.get(5)?,
            })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    fn deploy_lines(&self, release: i64) -> Result<Vec<DeployLine>, StoreError> {
        let sql = "SELECT id, environment, name, url, started, at FROM deploy WHERE release=?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let lines = statement.query_map([release], |row| {
            Ok(DeployLine {
                id: row.get(0)?,
                environment: row.get(1)?,
                name: row.get(2)?,
                url: row.get(3)?,
                started: row.get(4)?,
                at: row.get(5)?,
            })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    pub(super) fn export_issues(&self, issues: Issues, take: &mut Take) -> Result<bool, StoreError> {
        let mut issues: Vec<_> = issues.into_iter().collect();
        issues.sort_unstable();
        for (issue, (event, timestamp)) in issues {
            let sql =
                "SELECT project.slug, status, resolved_at, resolved_in, resolved_after, assignee, short_id FROM issue
                       JOIN project ON project.id=issue.project WHERE issue.id=?1";
            let line = self.conn.prepare_cached(sql)?.query_row([issue], |row| {
                Ok(IssueLine {
                    project: row.get(0)?,
                    short_id: row.get(6)?,
                    event: event.to_string(),
                    timestamp,
                    groups: Vec::new(),
                    status: row.get(1)?,
                    resolved_at: row.get(2)?,
                    resolved_in: row.get(3)?,
                    resolved_after: row.get(4)?,
                    assignee: row.get(5)?,
                    comments: Vec::new(),
                    claim: None,
                    fixes: Vec::new(),
                })
            })?;
            let line = IssueLine {
                groups: self.groups_of(issue)?,
                comments: self.comment_lines(issue)?,
                claim: self.claim_line(issue)?,
                fixes: self.fix_lines(issue)?,
                ..line
            };
            if !take(of_record(TransferRecord::Issue(line), 0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn groups_of(&self, issue: i64) -> Result<Vec<String>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT lower(hex(hash)) FROM grouphash WHERE issue=?1")?;
        Ok(statement.query_map([issue], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    fn comment_lines(&self, issue: i64) -> Result<Vec<CommentLine>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT at, text FROM note WHERE issue=?1 ORDER BY at")?;
        let lines = statement.query_map([issue], |row| Ok(CommentLine { at: row.get(0)?, text: row.get(1)? }))?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    fn claim_line(&self, issue: i64) -> Result<Option<ClaimLine>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT who, at, until FROM claim WHERE issue=?1")?;
        let row = |row: &rusqlite::Row<'_>| Ok(ClaimLine { who: row.get(0)?, at: row.get(1)?, until: row.get(2)? });
        Ok(statement.query_row([issue], row).optional()?)
    }

    fn fix_lines(&self, issue: i64) -> Result<Vec<FixLine>, StoreError> {
        let sql = "SELECT release, environment, until, verdict FROM watched_fix WHERE issue=?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let lines = statement.query_map(params![issue], |row| {
            Ok(FixLine { release: row.get(0)?, environment: row.get(1)?, until: row.get(2)?, verdict: row.get(3)? })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }
}
