//! Projects, environments, and the numbers of issues.
//! It uses `rusqlite`.
//! It never finds what lies outside the scope.

use rusqlite::OptionalExtension;

use super::super::engine::{known::IssueRow, pool::Snapshot, scope::ResolvedScope};
use crate::{
    answers,
    backend::embedded::{
        pack::moment,
        write::{COLUMNS, project_of},
    },
    model::{EventId, Project, Untrusted},
    store::{IssueRef, Scope, StoreError},
};

/// Issues whose short ids are compared with one that doesn't exist; the newest.
const NEAR: i64 = 5_000;

impl Snapshot<'_> {
    /// Answers `SignalStore::projects`.
    pub(in crate::backend::embedded) fn projects(&mut self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let bounds = self.bounds(scope)?;
        let mut statement = self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM project ORDER BY slug"))?;
        let mut found: Vec<Project> = statement.query_map([], project_of)?.collect::<Result<_, _>>()?;
        found.retain(|project| bounds.slug(project.id).is_some());
        for project in &mut found {
            if project.last_event.is_some_and(|at| at > moment(bounds.hi)) {
                project.last_event = self.last_event(project.id, &bounds)?;
            }
        }
        Ok(found)
    }

    /// The newest event of a project up to the scope's end.
    fn last_event(
        &mut self,
        project: u64,
        bounds: &ResolvedScope,
    ) -> Result<Option<crate::model::Timestamp>, StoreError> {
        let mut only = bounds.all_time();
        only.projects.retain(|(id, _)| *id == project);
        let mut last = None;
        for known in self.known_issues(&only)? {
            last = last.max(known.history(self, &only)?.iter().map(|cell| cell.last).max());
        }
        Ok(last.map(moment))
    }

    /// The project of a slug.
    pub(in crate::backend::embedded) fn project_named(&mut self, slug: &str) -> Result<Option<Project>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM project WHERE slug=?1");
        Ok(self.conn.prepare_cached(&sql)?.query_row([slug], project_of).optional()?)
    }

    /// Answers `SignalSink::project_for_dsn`.
    pub(in crate::backend::embedded) fn project_for_dsn(
        &mut self,
        project: &str,
        key: Option<&str>,
    ) -> Result<Project, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM project WHERE id=?1 OR slug=?2");
        let number = project.parse::<i64>().ok();
        let found = self.conn.prepare_cached(&sql)?.query_row((number, project), project_of).optional()?;
        match found {
            Some(found) if key.is_none_or(|key| answers::same_key(key, &found.public_key)) => Ok(found),
            Some(_) => Err(StoreError::Forbidden("the public key is not this project's")),
            // Whoever sends without a key learns no names.
            None => Err(StoreError::NotFound { what: "project", asked: project.into(), near: Vec::new() }),
        }
    }

    /// Answers `SignalStore::environments`.
    pub(in crate::backend::embedded) fn environments(&mut self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        answers::environments(self, scope)
    }

    /// The issue that is meant, if it is of the scope and has an event up to its end.
    pub(in crate::backend::embedded::read) fn meant_issue(
        &mut self,
        issue: &IssueRef,
        bounds: &ResolvedScope,
    ) -> Result<IssueRow, StoreError> {
        answers::meant_issue(self, issue, bounds)
    }

    /// The issue of an event of the scope's projects and up to its end.
    pub(in crate::backend::embedded::read) fn issue_of_event(
        &self,
        event: EventId,
        bounds: &ResolvedScope,
    ) -> Result<Option<i64>, StoreError> {
        let Some(seq) = self.seq_of(event, bounds)? else { return Ok(None) };
        let sql = "SELECT issue FROM body WHERE seq=?1 AND ts<=?2";
        Ok(self.conn.prepare_cached(sql)?.query_row((seq, bounds.hi), |row| row.get(0)).optional()?)
    }

    /// The issue of the scope's projects with that short id.
    pub(in crate::backend::embedded::read) fn issue_with_short_id(
        &self,
        short_id: &str,
        bounds: &ResolvedScope,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id, project FROM issue WHERE short_id=?1 COLLATE NOCASE";
        let mut statement = self.conn.prepare_cached(sql)?;
        let found: Vec<(i64, u64)> =
            statement.query_map([short_id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().find(|(_, project)| bounds.slug(*project).is_some()).map(|(id, _)| id))
    }

    /// Short ids of the newest issues.
    pub(in crate::backend::embedded::read) fn short_ids(
        &self,
        bounds: &ResolvedScope,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT short_id FROM issue WHERE project=?1 AND first<=?2 ORDER BY last DESC LIMIT ?3";
        let mut ids = Vec::new();
        for (project, _) in &bounds.projects {
            let mut statement = self.conn.prepare_cached(sql)?;
            for id in statement.query_map((*project, bounds.hi, NEAR), |row| row.get(0))? {
                ids.push(id?);
            }
        }
        Ok(ids)
    }
}
