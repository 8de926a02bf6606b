//! What was announced of releases: commits, deploys, when they were finished.
//! It uses `rusqlite`.
//! It never shows what came after the scope's end.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::super::engine::{pool::Snapshot, scope::ResolvedScope};
use crate::{
    backend::embedded::pack::moment,
    model::Untrusted,
    store::{Announced, ChangedFile, Commit, CommitQuery, KnownDeploy, Page, ReleaseCommit, Scope, StoreError},
};

const COMMIT: &str = "id, repository, author, at, message, files";
const DEPLOY: &str = "id, environment, name, url, started, at";

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Untrusted>> {
    Ok(row.get::<_, Option<String>>(at)?.map(Into::into))
}

fn commit_of(row: &Row<'_>) -> rusqlite::Result<Commit> {
    let files: Option<String> = row.get(5)?;
    let files: Vec<(String, String)> = files.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let file =
        |(path, kind): (String, String)| ChangedFile { path: path.into(), kind: kind.chars().next().unwrap_or('M') };
    Ok(Commit {
        id: row.get::<_, String>(0)?.into(),
        repository: text(row, 1)?,
        author: text(row, 2)?,
        at: row.get::<_, Option<i64>>(3)?.map(moment),
        message: text(row, 4)?,
        files: files.into_iter().map(file).collect(),
    })
}

fn deploy_of(row: &Row<'_>) -> rusqlite::Result<KnownDeploy> {
    Ok(KnownDeploy {
        id: row.get(0)?,
        environment: text(row, 1)?,
        name: text(row, 2)?,
        url: text(row, 3)?,
        started: row.get::<_, Option<i64>>(4)?.map(moment),
        finished: moment(row.get(5)?),
    })
}

/// A release in one project.
struct ReleaseRow {
    id: i64,
    project: u64,
    first: i64,
    created: Option<i64>,
    released: Option<i64>,
    url: Option<Untrusted>,
    reference: Option<Untrusted>,
}

impl Snapshot<'_> {
    /// Answers `HostedStore::announced`.
    pub(in crate::backend::embedded) fn announced(
        &mut self,
        scope: &Scope,
        version: Option<&Untrusted>,
    ) -> Result<Vec<Announced>, StoreError> {
        let bounds = self.bounds(scope)?;
        let mut by_version: BTreeMap<String, Vec<ReleaseRow>> = BTreeMap::new();
        let sql = "SELECT id, project, version, first, created, released, url, ref FROM release
                   WHERE (?1 IS NULL OR version=?1) AND min(first, coalesce(created, first))<=?2";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![version.map(Untrusted::raw), bounds.hi])?;
        while let Some(row) = rows.next()? {
            let release = ReleaseRow {
                id: row.get(0)?,
                project: row.get(1)?,
                first: row.get(3)?,
                created: row.get(4)?,
                released: row.get(5)?,
                url: text(row, 6)?,
                reference: text(row, 7)?,
            };
            if bounds.slug(release.project).is_some() {
                by_version.entry(row.get(2)?).or_default().push(release);
            }
        }
        let mut found = Vec::new();
        for (version, rows) in by_version {
            found.push(self.one_announced(version, rows, &bounds)?);
        }
        found.sort_by_key(|release| std::cmp::Reverse(release.released.unwrap_or(release.created)));
        Ok(found)
    }

    fn one_announced(
        &self,
        version: String,
        rows: Vec<ReleaseRow>,
        bounds: &ResolvedScope,
    ) -> Result<Announced, StoreError> {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let deploys = self.deploys_of(&ids, bounds)?;
        let (commits, last_commit) = self.commits_of_any(&ids)?;
        let created = rows.iter().map(|row| row.created.map_or(row.first, |c| c.min(row.first))).min().unwrap_or(0);
        let released = rows.iter().filter_map(|row| row.released).min().filter(|at| *at <= bounds.hi);
        let mut projects: Vec<String> =
            rows.iter().filter_map(|row| bounds.slug(row.project).map(str::to_owned)).collect();
        projects.sort();
        Ok(Announced {
            id: ids.iter().min().copied().unwrap_or(0) as u64,
            version: version.into(),
            projects,
            created: moment(created),
            released: released.map(moment),
            url: rows.iter().find_map(|row| row.url.clone()),
            reference: rows.iter().find_map(|row| row.reference.clone()),
            announced: rows.iter().any(|row| row.created.is_some()),
            commits,
            last_commit,
            deploys: deploys.len() as u64,
            last_deploy: deploys.into_iter().next(),
        })
    }

    /// How many commits a release has, and the newest; projects that share a release tell the same.
    fn commits_of_any(&self, ids: &[i64]) -> Result<(u64, Option<Commit>), StoreError> {
        for id in ids {
            let sql = "SELECT count(*) FROM release_commit WHERE release=?1";
            let n: u64 = self.conn.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
            if n > 0 {
                let sql = format!("SELECT {COMMIT} FROM release_commit WHERE release=?1 ORDER BY place LIMIT 1");
                return Ok((n, self.conn.prepare_cached(&sql)?.query_row([id], commit_of).optional()?));
            }
        }
        Ok((0, None))
    }

    fn deploys_of(&self, ids: &[i64], bounds: &ResolvedScope) -> Result<Vec<KnownDeploy>, StoreError> {
        let sql = format!("SELECT {DEPLOY} FROM deploy WHERE release=?1 AND at<=?2");
        let mut found = BTreeMap::new();
        for id in ids {
            let mut statement = self.conn.prepare_cached(&sql)?;
            for deploy in statement.query_map(params![id, bounds.hi], deploy_of)? {
                let deploy = deploy?;
                found.insert(deploy.id, deploy);
            }
        }
        let mut found: Vec<KnownDeploy> = found.into_values().collect();
        found.sort_by_key(|deploy| std::cmp::Reverse((deploy.finished, deploy.id)));
        Ok(found)
    }

    /// Answers `HostedStore::deploys`.
    pub(in crate::backend::embedded) fn known_deploys(
        &mut self,
        scope: &Scope,
        version: &Untrusted,
    ) -> Result<Vec<KnownDeploy>, StoreError> {
        let bounds = self.bounds(scope)?;
        let mut statement = self.conn.prepare_cached("SELECT id, project FROM release WHERE version=?1")?;
        let rows = statement.query_map([version.raw()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?)))?;
        let mut ids = Vec::new();
        for row in rows {
            let (id, project) = row?;
            ids.extend(bounds.slug(project).map(|_| id));
        }
        if ids.is_empty() {
            return Err(StoreError::NotFound { what: "release", asked: version.clone(), near: Vec::new() });
        }
        self.deploys_of(&ids, &bounds)
    }

    /// Answers `SignalStore::commits`.
    pub(in crate::backend::embedded) fn commits(
        &mut self,
        query: &CommitQuery,
    ) -> Result<Page<ReleaseCommit>, StoreError> {
        let bounds = self.bounds(&query.scope)?;
        let releases = self.known_releases(&bounds)?;
        let wanted = releases.between(query.after.as_ref(), &query.upto)?;
        let mut items: Vec<ReleaseCommit> = Vec::new();
        let sql = format!("SELECT {COMMIT} FROM release_commit WHERE release=?1 ORDER BY place");
        let mut seen = std::collections::HashSet::new();
        for (id, version) in wanted {
            let mut statement = self.conn.prepare_cached(&sql)?;
            for commit in statement.query_map([id], commit_of)? {
                let commit = commit?;
                if seen.insert(commit.id.clone()) {
                    items.push(ReleaseCommit { release: version.as_str().into(), commit });
                }
            }
        }
        let total = items.len();
        items.truncate(query.limit);
        let more = items.len() < total;
        Ok(Page { items, total: Some(total as u64), more, warnings: Vec::new(), by_change: Vec::new() })
    }
}
