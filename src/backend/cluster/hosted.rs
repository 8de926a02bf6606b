//! What others' tools tell this store: releases and deploys. Uploads are not taken yet.
//! It uses `tokio_postgres`.
//! It never takes back what was not said again.

use serde_json::json;

use super::{ClusterStore, postgres::Lent, write::clean};
use crate::{
    answers::micros,
    model::{EventId, IssueId, Timestamp, Untrusted},
    store::{
        Announced, Announcement, Assembled, BundleOrder, ChangedFile, Checksum, Commit, DebugFileOrder, DebugFileQuery,
        DeployRecord, EventFacts, HostedStore, KnownDebugFile, KnownDeploy, ProjectDetails, Scope, SeriesQuery,
        SessionSpan, StoreError,
    },
};

/// Commits of a release that are kept, and files of a commit.
const COMMITS: usize = 1_000;
const FILES: usize = 200;

fn some(text: &Option<Untrusted>) -> Option<String> {
    text.as_ref().map(|text| clean(text.raw()))
}

fn no_uploads<T>() -> Result<T, StoreError> {
    Err(StoreError::Unsupported("the cluster store does not take source maps and symbols yet"))
}

/// The release's number in each of its projects; made where it isn't there.
async fn releases(lent: &Lent, named: &[String], version: &Untrusted, at: i64) -> Result<Vec<i32>, StoreError> {
    let name = clean(version.raw());
    let mut found = Vec::new();
    if named.is_empty() {
        let rows = lent.query("SELECT id FROM release WHERE version=$1", &[&name]).await?;
        found.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    for project in named {
        let sql = "SELECT id FROM project WHERE lower(slug)=lower($1) OR id=$2";
        let known = lent.query_opt(sql, &[project, &project.parse::<i64>().ok()]).await?;
        let missing = || StoreError::NotFound { what: "project", asked: project.as_str().into(), near: Vec::new() };
        let id: i64 = known.ok_or_else(missing)?.get(0);
        let sql = "INSERT INTO release(project, version, first, last) VALUES($1, $2, $3, $3)
                   ON CONFLICT(project, version) DO UPDATE SET version=excluded.version RETURNING id";
        found.push(lent.query_one(sql, &[&id, &name, &at]).await?.get(0));
    }
    if found.is_empty() {
        return Err(StoreError::NotFound { what: "release", asked: version.clone(), near: Vec::new() });
    }
    Ok(found)
}

async fn write_commits(lent: &Lent, release: i32, commits: &[Commit]) -> Result<(), StoreError> {
    lent.execute("DELETE FROM release_commit WHERE release=$1", &[&release]).await?;
    for (place, commit) in commits.iter().take(COMMITS).enumerate() {
        let file = |file: &ChangedFile| json!([file.path.raw(), file.kind.to_string()]);
        let files: serde_json::Value = commit.files.iter().take(FILES).map(file).collect();
        let sql = "INSERT INTO release_commit(release, place, id, repository, author, at, message, files)
                   VALUES($1, $2, $3, $4, $5, $6, $7, $8)";
        lent.execute(
            sql,
            &[
                &release,
                &(place as i32),
                &clean(commit.id.raw()),
                &some(&commit.repository),
                &some(&commit.author),
                &commit.at.map(micros),
                &some(&commit.message),
                &clean(&files.to_string()),
            ],
        )
        .await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl HostedStore for ClusterStore {
    async fn keep_chunk(&self, _: Checksum, _: Vec<u8>, _: Timestamp) -> Result<(), StoreError> {
        no_uploads()
    }

    async fn assemble(&self, _: BundleOrder) -> Result<Assembled, StoreError> {
        no_uploads()
    }

    async fn assemble_debug_file(&self, _: DebugFileOrder) -> Result<(Assembled, Vec<KnownDebugFile>), StoreError> {
        no_uploads()
    }

    async fn debug_files(&self, _: &DebugFileQuery) -> Result<Vec<KnownDebugFile>, StoreError> {
        no_uploads()
    }

    async fn announce(&self, said: Announcement) -> Result<(), StoreError> {
        let created = micros(said.started.unwrap_or(said.now).min(said.now));
        let lent = self.databases.postgres.lend().await?;
        lent.begin().await?;
        for release in releases(&lent, &said.projects, &said.version, created).await? {
            let sql = "UPDATE release SET created=coalesce(created, $2), released=coalesce($3, released),
                         url=coalesce($4, url), ref=coalesce($5, ref) WHERE id=$1";
            let (url, reference) = (some(&said.url), some(&said.reference));
            lent.execute(sql, &[&release, &created, &said.released.map(micros), &url, &reference]).await?;
            if let Some(commits) = &said.commits {
                write_commits(&lent, release, commits).await?;
            }
        }
        lent.commit().await
    }

    async fn deploy(&self, said: DeployRecord) -> Result<KnownDeploy, StoreError> {
        let (at, started) = (micros(said.finished), said.started.map(micros));
        let lent = self.databases.postgres.lend().await?;
        lent.begin().await?;
        let mut id = 0_i64;
        for release in releases(&lent, &said.projects, &said.version, at).await? {
            let sql = "INSERT INTO deploy(release, environment, name, url, started, at)
                       VALUES($1, $2, $3, $4, $5, $6) RETURNING id";
            let (environment, name, url) = (clean(said.environment.raw()), some(&said.name), some(&said.url));
            id = lent.query_one(sql, &[&release, &environment, &name, &url, &started, &at]).await?.get(0);
        }
        lent.commit().await?;
        Ok(KnownDeploy {
            id: id as u64,
            environment: Some(said.environment),
            name: said.name,
            url: said.url,
            started: said.started,
            finished: said.finished,
        })
    }

    async fn announced(&self, _: &Scope, _: Option<&Untrusted>) -> Result<Vec<Announced>, StoreError> {
        Err(StoreError::Unsupported("the cluster store does not answer what was announced of releases yet"))
    }

    async fn events(&self, ids: &[EventId], scope: &Scope) -> Result<Vec<EventFacts>, StoreError> {
        let (ids, scope) = (ids.to_vec(), scope.clone());
        self.read(move |moment| moment.events(&ids, &scope)).await
    }

    async fn issue_names(&self, named: &[String]) -> Result<Vec<(IssueId, String)>, StoreError> {
        let lent = self.databases.postgres.lend().await?;
        let mut found = Vec::new();
        for name in named {
            let sql = "SELECT id, short_id FROM issue WHERE id=$1 OR lower(short_id)=lower($2) LIMIT 1";
            let row = lent.query_opt(sql, &[&name.parse::<i64>().ok(), &name]).await?;
            found.extend(row.map(|row| (IssueId(row.get(0)), row.get(1))));
        }
        Ok(found)
    }

    async fn replay_ids(&self, scope: &Scope, skip: usize, limit: usize) -> Result<(Vec<EventId>, u64), StoreError> {
        let scope = scope.clone();
        self.read(move |moment| moment.replay_ids(&scope, skip, limit)).await
    }

    async fn project_details(&self, _: &Scope) -> Result<Vec<ProjectDetails>, StoreError> {
        Err(StoreError::Unsupported("the cluster store does not answer what each project has yet"))
    }

    async fn session_series(&self, _: &SeriesQuery) -> Result<Vec<SessionSpan>, StoreError> {
        Err(StoreError::Unsupported("the cluster store does not answer about sessions over time yet"))
    }

    async fn deploys(&self, _: &Scope, _: &Untrusted) -> Result<Vec<KnownDeploy>, StoreError> {
        Err(StoreError::Unsupported("the cluster store does not list deploys yet"))
    }
}
