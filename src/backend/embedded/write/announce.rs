//! What somebody says of releases: that they exist, their commits, where they were deployed.
//! It uses `rusqlite`.
//! It never takes back what was not said again.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::json;

use super::writer::Writer;
use crate::{
    backend::embedded::pack::{micros, moment},
    model::Untrusted,
    store::{Announcement, Commit, DeployRecord, KnownDeploy, StoreError},
};

/// Commits of a release that are kept.
const COMMITS: usize = 1_000;
/// Files of a commit that are kept.
const FILES: usize = 200;
/// Deploys of a release that are kept.
const DEPLOYS: i64 = 1_000;

fn raw(text: &Option<Untrusted>) -> Option<&str> {
    text.as_ref().map(Untrusted::raw)
}

impl Writer {
    /// Notes what is said of a release.
    pub(in crate::backend::embedded) fn announce(&mut self, said: &Announcement) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let created = micros(said.started.unwrap_or(said.now).min(said.now));
        for release in releases(&tx, &said.projects, &said.version, created)? {
            tx.prepare_cached(
                "UPDATE release SET created=coalesce(created, ?2), released=coalesce(?3, released), url=coalesce(?4, url),
                   ref=coalesce(?5, ref) WHERE id=?1",
            )?
            .execute(params![release, created, said.released.map(micros), raw(&said.url), raw(&said.reference)])?;
            if let Some(commits) = &said.commits {
                write_commits(&tx, release, commits)?;
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Notes a deploy.
    pub(in crate::backend::embedded) fn deploy(&mut self, said: &DeployRecord) -> Result<KnownDeploy, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = micros(said.finished);
        let releases = releases(&tx, &said.projects, &said.version, at)?;
        let id: i64 = tx.query_row("SELECT coalesce(max(id), 0) + 1 FROM deploy", [], |row| row.get(0))?;
        for release in releases {
            tx.prepare_cached(
                "INSERT INTO deploy(id, release, environment, name, url, started, at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                id,
                release,
                said.environment.raw(),
                raw(&said.name),
                raw(&said.url),
                said.started.map(micros),
                at
            ])?;
            tx.prepare_cached(
                "DELETE FROM deploy WHERE release=?1 AND id NOT IN
                   (SELECT id FROM deploy WHERE release=?1 ORDER BY id DESC LIMIT ?2)",
            )?
            .execute(params![release, DEPLOYS])?;
        }
        tx.commit()?;
        Ok(KnownDeploy {
            id: id as u64,
            environment: Some(said.environment.clone()),
            name: said.name.clone(),
            url: said.url.clone(),
            started: said.started,
            finished: moment(at),
        })
    }
}

/// The projects of these slugs or numbers.
pub(in crate::backend::embedded) fn projects(conn: &Connection, named: &[String]) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    for name in named {
        let sql = "SELECT id FROM project WHERE slug=?1 COLLATE NOCASE OR id=?2";
        let id = conn.prepare_cached(sql)?.query_row((name, name.parse::<i64>().ok()), |row| row.get(0)).optional()?;
        let missing = || StoreError::NotFound { what: "project", asked: name.as_str().into(), near: Vec::new() };
        found.push(id.ok_or_else(missing)?);
    }
    Ok(found)
}

/// The release's number in each of its projects; made where it isn't there.
fn releases(conn: &Connection, named: &[String], version: &Untrusted, at: i64) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    if named.is_empty() {
        let mut statement = conn.prepare_cached("SELECT id FROM release WHERE version=?1")?;
        for id in statement.query_map([version.raw()], |row| row.get(0))? {
            found.push(id?);
        }
    }
    for project in projects(conn, named)? {
        conn.prepare_cached("INSERT OR IGNORE INTO release(project, version, first, last) VALUES(?1, ?2, ?3, ?3)")?
            .execute(params![project, version.raw(), at])?;
        let sql = "SELECT id FROM release WHERE project=?1 AND version=?2";
        found.push(conn.prepare_cached(sql)?.query_row(params![project, version.raw()], |row| row.get(0))?);
    }
    if found.is_empty() {
        return Err(StoreError::NotFound { what: "release", asked: version.clone(), near: Vec::new() });
    }
    Ok(found)
}

fn write_commits(conn: &Connection, release: i64, commits: &[Commit]) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM release_commit WHERE release=?1")?.execute([release])?;
    for (place, commit) in commits.iter().take(COMMITS).enumerate() {
        let file = |file: &crate::store::ChangedFile| json!([file.path.raw(), file.kind.to_string()]);
        let files: serde_json::Value = commit.files.iter().take(FILES).map(file).collect();
        conn.prepare_cached(
            "INSERT INTO release_commit(release, place, id, repository, author, at, message, files)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            release,
            place,
            commit.id.raw(),
            raw(&commit.repository),
            raw(&commit.author),
            commit.at.map(micros),
            raw(&commit.message),
            files.to_string()
        ])?;
    }
    Ok(())
}
