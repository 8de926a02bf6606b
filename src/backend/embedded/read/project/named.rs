//! Projects, environments, and which issue a name means.
//! It uses `rusqlite`.
//! It never finds what lies outside the scope.

use rusqlite::OptionalExtension;

use super::super::engine::{known::Known, near::not_found, pool::Snapshot, scope::Bounds};
use crate::{
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
    fn last_event(&mut self, project: u64, bounds: &Bounds) -> Result<Option<crate::model::Timestamp>, StoreError> {
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
            Some(found) if key.is_none_or(|key| same(key, &found.public_key)) => Ok(found),
            Some(_) => Err(StoreError::Forbidden("the public key is not this project's")),
            // Whoever sends without a key learns no names.
            None => Err(StoreError::NotFound { what: "project", asked: project.into(), near: Vec::new() }),
        }
    }

    /// Answers `SignalStore::environments`.
    pub(in crate::backend::embedded) fn environments(&mut self, scope: &Scope) -> Result<Vec<Untrusted>, StoreError> {
        let bounds = self.bounds(scope)?;
        let mut ids: Vec<u32> = self.activity(&bounds)?.iter().map(|row| row.env).filter(|env| *env != 0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut names: Vec<Untrusted> = ids.into_iter().map(|id| self.word(id)).collect::<Result<_, _>>()?;
        names.sort();
        Ok(names)
    }

    /// The issue that is meant, if it is of the scope and has an event up to its end.
    pub(in crate::backend::embedded::read) fn meant_issue(
        &mut self,
        issue: &IssueRef,
        bounds: &Bounds,
    ) -> Result<Known, StoreError> {
        let (id, asked) = match issue {
            IssueRef::Named(asked) => (self.issue_named(asked, bounds)?, asked.clone()),
            IssueRef::OfEvent(event) => (self.issue_of_event(*event, bounds)?, event.to_string().into()),
        };
        if let Some(id) = id
            && let Some(known) = self.known_issue(id, bounds)?
            && !known.history(self, bounds)?.is_empty()
        {
            return Ok(known);
        }
        Err(match issue {
            IssueRef::Named(_) => not_found("issue", &asked, self.short_ids(bounds)?),
            IssueRef::OfEvent(_) => StoreError::NotFound { what: "event", asked, near: Vec::new() },
        })
    }

    fn issue_of_event(&self, event: EventId, bounds: &Bounds) -> Result<Option<i64>, StoreError> {
        let Some(seq) = self.seq_of(event, bounds)? else { return Ok(None) };
        let sql = "SELECT issue FROM body WHERE seq=?1 AND ts<=?2";
        Ok(self.conn.prepare_cached(sql)?.query_row((seq, bounds.hi), |row| row.get(0)).optional()?)
    }

    fn issue_named(&self, asked: &Untrusted, bounds: &Bounds) -> Result<Option<i64>, StoreError> {
        let name = last_of_url(asked.raw());
        if let Ok(id) = name.parse::<i64>() {
            return Ok(Some(id));
        }
        let sql = "SELECT id, project FROM issue WHERE short_id=?1 COLLATE NOCASE";
        let mut statement = self.conn.prepare_cached(sql)?;
        let found: Vec<(i64, u64)> =
            statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().find(|(_, project)| bounds.slug(*project).is_some()).map(|(id, _)| id))
    }

    fn short_ids(&self, bounds: &Bounds) -> Result<Vec<String>, StoreError> {
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

/// What names the issue within a web URL; anything else as it is.
fn last_of_url(asked: &str) -> &str {
    let asked = asked.trim();
    match asked.rsplit_once("/issues/") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or(rest),
        None => asked,
    }
}

/// Compares keys without telling by its time how much of them is right.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_issues() {
        for (asked, name) in [
            ("https://x.sentry.io/issues/123/", "123"),
            ("https://sentry.io/organizations/o/issues/SHOP-4K?project=1", "SHOP-4K"),
            ("http://h/issues/7/events/abc/", "7"),
            (" shop-4k ", "shop-4k"),
        ] {
            assert_eq!(last_of_url(asked), name);
        }
    }
}
