//! Commits of releases.

use axum::extract::Path;
use serde_json::{Value, json};

use super::{
    ask::{Ask, read_moment},
    fault::ApiError,
    page::Listed,
    shapes::{moment, some},
};
use crate::{
    model::{Timestamp, Untrusted},
    serve::{App, gate::Scoped},
    store::{ChangedFile, Commit, CommitQuery, ReleaseCommit},
};

/// Commits of one release.
const MOST: usize = 1_000;

/// Reads what is said of commits; secrets and people go before it is kept.
pub(super) fn read(app: &App, commits: Vec<Value>) -> Result<Vec<Commit>, ApiError> {
    let mut read = Vec::new();
    for commit in commits.into_iter().take(MOST) {
        let text = |key: &str| commit.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let shown = |key: &str| text(key).map(|text| Untrusted::from(app.scrubber.plain(text)));
        let id = text("id").ok_or_else(|| ApiError::bad("commits: a commit without its id"))?;
        let file = |file: &Value| {
            let kind = file.get("type").and_then(Value::as_str).and_then(|ty| ty.chars().next())?;
            Some(ChangedFile { path: app.scrubber.plain(file.get("path")?.as_str()?).into(), kind })
        };
        let files = commit.get("patch_set").and_then(Value::as_array);
        read.push(Commit {
            id: id.chars().take(64).collect::<String>().into(),
            repository: shown("repository"),
            author: shown("author_name"),
            at: text("timestamp").and_then(read_moment),
            message: shown("message"),
            files: files.into_iter().flatten().filter_map(file).collect(),
        });
    }
    Ok(read)
}

/// A commit in Sentry's shape.
pub(super) fn shape(commit: &Commit, release: &str) -> Value {
    let author = commit.author.as_ref().map_or(json!({}), |name| json!({ "name": name.raw(), "email": "" }));
    let repository = commit.repository.as_ref().map(|name| {
        json!({
            "id": "1", "name": name.raw(), "url": null, "provider": { "id": "unknown", "name": "Unknown Provider" },
            "status": "active", "dateCreated": moment(Timestamp::UNIX_EPOCH), "integrationId": null,
            "externalSlug": null, "externalId": null, "settings": null,
        })
    });
    let mut shape = json!({
        "id": commit.id.raw(),
        "message": some(&commit.message),
        "dateCreated": moment(commit.at.unwrap_or(Timestamp::UNIX_EPOCH)),
        "author": author,
        "pullRequest": null,
        "suspectCommitType": "",
        "releases": [{
            "version": release, "shortVersion": crate::release::split_name(release).1, "ref": null, "url": null,
            "dateReleased": null, "dateCreated": moment(commit.at.unwrap_or(Timestamp::UNIX_EPOCH)),
        }],
    });
    if let Some(repository) = repository {
        shape["repository"] = repository;
    }
    shape
}

async fn of_release(app: &App, ask: &Ask, version: &str) -> Result<Vec<ReleaseCommit>, ApiError> {
    let scope = ask.scope(app, None).await?;
    Ok(app.host.commits(&CommitQuery { scope, after: None, upto: version.into(), limit: MOST }).await?.items)
}

/// `GET organizations/ORG/releases/VERSION/commits/`.
pub(super) async fn list(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let commits = of_release(&app, &ask, &version).await?;
    Listed::of_all(&ask, commits.iter().map(|commit| shape(&commit.commit, &version)).collect())
}

/// `GET organizations/ORG/releases/VERSION/commitfiles/`.
pub(super) async fn files(
    Scoped(app): Scoped,
    Path((_, version)): Path<(String, String)>,
    ask: Ask,
) -> Result<Listed, ApiError> {
    let mut rows = Vec::new();
    for ReleaseCommit { commit, .. } in of_release(&app, &ask, &version).await? {
        for file in &commit.files {
            rows.push(json!({
                "id": (rows.len() + 1).to_string(), "filename": file.path.raw(), "type": file.kind.to_string(),
                "commitMessage": some(&commit.message), "commitId": commit.id.raw(), "orgId": 1,
                "author": commit.author.as_ref().map_or(json!({}), |name| json!({ "name": name.raw(), "email": "" })),
                "repoName": commit.repository.as_ref().map_or("", |name| name.raw()),
                "dateCreated": moment(commit.at.unwrap_or(Timestamp::UNIX_EPOCH)),
            }));
        }
    }
    Listed::of_all(&ask, rows)
}
