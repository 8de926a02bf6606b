//! What PostgreSQL alone knows: projects, names, releases, decisions, texts that issues are found by.
//! It uses `tokio_postgres`.
//! It never finds what lies outside the scope.

use roaring::RoaringBitmap;
use tokio_postgres::{Row, types::ToSql};

use super::moment::Moment;
use crate::{
    answers::{
        self, DAY_US, Mention, ReleaseRow, ResolvedScope, SpokenOf, known_releases, like, meant_issue, moment,
        text_fits,
    },
    backend::cluster::sink::{COLUMNS, project_of},
    model::{Deploy, Issue, Project, Untrusted},
    store::{
        ChangedFile, Comment, Commit, CommitQuery, Decided, Field, IssueRef, Op, Page, ReleaseCommit, Scope, StoreError,
    },
};

/// Issues whose short ids are compared with one that doesn't exist; the newest.
const NEAR: i64 = 5_000;
/// Comments that are told.
const COMMENTS: i64 = 5;

/// Numbers of the scope's projects.
pub(super) fn projects_of(bounds: &ResolvedScope) -> Vec<i64> {
    bounds.projects.iter().map(|(id, _)| *id as i64).collect()
}

impl Moment {
    /// Number and slug of every project, by slug.
    pub(super) fn project_slugs(&self) -> Result<Vec<(u64, String)>, StoreError> {
        let rows = self.rows("SELECT id, slug FROM project ORDER BY slug COLLATE \"C\"", &[])?;
        Ok(rows.iter().map(|row| (row.get::<_, i64>(0) as u64, row.get(1))).collect())
    }

    /// Answers `SignalStore::projects`.
    pub(in crate::backend::cluster) fn projects(&mut self, scope: &Scope) -> Result<Vec<Project>, StoreError> {
        let bounds = answers::resolve(self, scope)?;
        let rows = self.rows(&format!("SELECT {COLUMNS} FROM project ORDER BY slug COLLATE \"C\""), &[])?;
        let mut found: Vec<Project> = rows.iter().map(project_of).collect();
        found.retain(|project| bounds.slug(project.id).is_some());
        for project in &mut found {
            if project.last_event.is_some_and(|at| at > moment(bounds.hi)) {
                project.last_event = self.last_event(project.id, &bounds)?.map(moment);
            }
        }
        Ok(found)
    }

    /// The newest event of a project up to the scope's end.
    fn last_event(&self, project: u64, bounds: &ResolvedScope) -> Result<Option<i64>, StoreError> {
        let env = bounds.env.map_or(String::new(), |env| format!(" AND env={env}"));
        let sql = format!(
            "SELECT count(), max(ts) FROM event WHERE project={project} AND ts<={}{env} AND ts>={}",
            bounds.hi,
            // Mostly it is near: only then all of it is looked through.
            bounds.hi.saturating_sub(7 * DAY_US),
        );
        if let Some((n, last)) = self.fact::<(u64, i64)>(&sql)?
            && n > 0
        {
            return Ok(Some(last));
        }
        let sql = format!("SELECT count(), max(ts) FROM event WHERE project={project} AND ts<={}{env}", bounds.hi);
        Ok(self.fact::<(u64, i64)>(&sql)?.filter(|(n, _)| *n > 0).map(|(_, last)| last))
    }

    /// Every environment.
    pub(super) fn environment_names(&self) -> Result<Vec<(u32, String)>, StoreError> {
        let rows = self.rows("SELECT id, name FROM environment", &[])?;
        Ok(rows.iter().map(|row| (row.get::<_, i32>(0) as u32, row.get(1))).collect())
    }

    /// The name of an environment.
    pub(super) fn environment_name(&self, env: u32) -> Result<Untrusted, StoreError> {
        let row = self.row("SELECT name FROM environment WHERE id=$1", &[&(env as i32)])?;
        let row = row.ok_or(StoreError::Invalid("an environment vanished while it was read"))?;
        Ok(row.get::<_, String>(0).into())
    }

    /// Names of all tags.
    pub(in crate::backend::cluster) fn tag_names(&self) -> Result<Vec<Untrusted>, StoreError> {
        let rows = self.rows("SELECT name FROM tag_key ORDER BY id", &[])?;
        Ok(rows.iter().map(|row| row.get::<_, String>(0).into()).collect())
    }

    /// Releases of the scope's projects with a sign of life up to its end.
    pub(super) fn release_rows(&self, bounds: &ResolvedScope) -> Result<Vec<ReleaseRow>, StoreError> {
        let sql =
            "SELECT id, project, version, first, last FROM release WHERE first<=$1 AND project=ANY($2) ORDER BY id";
        let rows = self.rows(sql, &[&bounds.hi, &projects_of(bounds)])?;
        let read = |row: &Row| ReleaseRow {
            id: row.get::<_, i32>(0) as u32,
            project: row.get::<_, i64>(1) as u64,
            version: row.get(2),
            first: row.get(3),
            last: row.get(4),
        };
        Ok(rows.iter().map(read).collect())
    }

    /// Releases that somebody announced or deployed within the scope.
    pub(super) fn spoken_of(&self, bounds: &ResolvedScope) -> Result<Vec<SpokenOf>, StoreError> {
        let sql = "SELECT id, project, version, coalesce(created, first) FROM release
                   WHERE project=ANY($1) AND coalesce(created, first) BETWEEN $2 AND $3
                     AND (created IS NOT NULL OR EXISTS(SELECT 1 FROM deploy WHERE deploy.release=release.id))";
        let rows = self.rows(sql, &[&projects_of(bounds), &bounds.lo, &bounds.hi])?;
        let read = |row: &Row| SpokenOf {
            id: row.get::<_, i32>(0) as u32,
            project: row.get::<_, i64>(1) as u64,
            version: row.get(2),
            said: row.get(3),
        };
        Ok(rows.iter().map(read).collect())
    }

    /// Deploys of releases up to the scope's end, oldest first.
    pub(super) fn deploys(&self, rels: &[u32], bounds: &ResolvedScope) -> Result<Vec<Deploy>, StoreError> {
        let ids: Vec<i32> = rels.iter().map(|rel| *rel as i32).collect();
        let sql = "SELECT environment, at FROM deploy WHERE release=ANY($1) AND at<=$2 ORDER BY at, id";
        let read =
            |row: &Row| Deploy { environment: row.get::<_, Option<String>>(0).map(Into::into), at: moment(row.get(1)) };
        Ok(self.rows(sql, &[&ids, &bounds.hi])?.iter().map(read).collect())
    }

    /// The issue of the scope's projects with that short id.
    pub(super) fn issue_with_short_id(
        &self,
        short_id: &str,
        bounds: &ResolvedScope,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM issue WHERE lower(short_id)=lower($1) AND project=ANY($2) ORDER BY id";
        Ok(self.rows(sql, &[&short_id, &projects_of(bounds)])?.first().map(|row| row.get(0)))
    }

    /// Short ids of the newest issues.
    pub(super) fn short_ids(&self, bounds: &ResolvedScope) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT short_id FROM issue WHERE project=$1 AND first<=$2 ORDER BY last DESC LIMIT $3";
        let mut ids = Vec::new();
        for project in projects_of(bounds) {
            ids.extend(self.rows(sql, &[&project, &bounds.hi, &NEAR])?.iter().map(|row| row.get::<_, String>(0)));
        }
        Ok(ids)
    }

    /// The pseudonym of a user.
    pub(super) fn pseudonym(&self, user: u32) -> Result<String, StoreError> {
        let sql = "SELECT 'user-' || encode(substr(key, 1, 6), 'hex') FROM person WHERE id=$1";
        let row = self.row(sql, &[&(user as i32)])?;
        Ok(row.ok_or(StoreError::Invalid("a user vanished while it was read"))?.get(0))
    }

    /// Issues whose title, value, culprit or type contain the text, or whose events mention it.
    pub(super) fn issues_with(&self, text: &Untrusted) -> Result<RoaringBitmap, StoreError> {
        let anywhere = format!("%{}%", like(text.raw().trim_matches('*')));
        let sql = "SELECT issue FROM mention WHERE text ILIKE $1 UNION
                   SELECT id FROM issue WHERE title ILIKE $1 OR value ILIKE $1 OR culprit ILIKE $1 OR type ILIKE $1";
        self.ids(sql, &[&anywhere])
    }

    /// Issues with an exception or frame of which a condition holds. A file is also found by the end of its path, a
    /// function by its last name.
    pub(super) fn issues_mentioning(
        &self,
        field: &Field,
        op: Op,
        values: &[Untrusted],
    ) -> Result<RoaringBitmap, StoreError> {
        let Some(mention) = Mention::of(field) else { return Ok(RoaringBitmap::new()) };
        let column = match mention {
            Mention::Type => Some("type"),
            Mention::Value => Some("value"),
            _ => None,
        };
        let mut found = RoaringBitmap::new();
        if let Some(column) = column {
            for row in self.rows(&format!("SELECT id, coalesce({column}, '') FROM issue"), &[])? {
                let text: String = row.get(1);
                if values.iter().any(|value| text_fits(op, value.raw(), &text)) {
                    found.extend(u32::try_from(row.get::<_, i64>(0)));
                }
            }
        }
        let kind = mention as i16;
        for value in values {
            let whole = like(value.raw());
            let sql = "SELECT issue FROM mention WHERE kind=$1 AND (text ILIKE $2
                         OR ($1 IN (2, 4) AND (text ILIKE '%.' || $2 OR text ILIKE '%:' || $2))
                         OR ($1=3 AND text ILIKE '%/' || $2))";
            found |= self.ids(sql, &[&kind, &whole])?;
        }
        Ok(found)
    }

    /// Issues whose events mention anything of a kind.
    pub(super) fn issues_with_any(&self, field: &Field) -> Result<RoaringBitmap, StoreError> {
        let Some(mention) = Mention::of(field) else { return Ok(RoaringBitmap::new()) };
        self.ids("SELECT DISTINCT issue FROM mention WHERE kind=$1", &[&(mention as i16)])
    }

    fn ids(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<RoaringBitmap, StoreError> {
        let rows = self.rows(sql, parameters)?;
        Ok(rows.iter().filter_map(|row| u32::try_from(row.get::<_, i64>(0)).ok()).collect())
    }

    /// Answers `SignalStore::decided`.
    pub(in crate::backend::cluster) fn decided(
        &mut self,
        issue: &IssueRef,
        scope: &Scope,
    ) -> Result<Decided, StoreError> {
        let bounds = answers::resolve(self, scope)?.all_time();
        let known = meant_issue(self, issue, &bounds)?;
        let row = self.row("SELECT assignee FROM issue WHERE id=$1", &[&known.id])?;
        let assignee: Option<String> = row.and_then(|row| row.get(0));
        let sql = "SELECT at, text FROM note WHERE issue=$1 AND at<=$2 ORDER BY at DESC, id DESC LIMIT $3";
        let read = |row: &Row| Comment { at: moment(row.get(0)), text: row.get::<_, String>(1).into() };
        let comments = self.rows(sql, &[&known.id, &bounds.hi, &COMMENTS])?.iter().map(read).collect();
        Ok(Decided { assignee: assignee.map(Into::into), comments })
    }

    /// Answers `SignalStore::bare_issue`.
    pub(in crate::backend::cluster) fn bare_issue(
        &mut self,
        issue: &IssueRef,
        scope: &Scope,
    ) -> Result<Issue, StoreError> {
        let bounds = answers::resolve(self, scope)?;
        let known = meant_issue(self, issue, &bounds)?;
        let unhandled = self.history(&known, &bounds)?.iter().any(|cell| cell.unhandled > 0);
        let slug = bounds.slug(known.project).unwrap_or_default();
        Ok(Issue { project: slug.to_owned(), unhandled, ..known.text })
    }

    /// Answers `SignalStore::commits`.
    pub(in crate::backend::cluster) fn commits(
        &mut self,
        query: &CommitQuery,
    ) -> Result<Page<ReleaseCommit>, StoreError> {
        let bounds = answers::resolve(self, &query.scope)?;
        let releases = known_releases(self, &bounds)?;
        let wanted = releases.between(query.after.as_ref(), &query.upto)?;
        let mut items: Vec<ReleaseCommit> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let sql =
            "SELECT id, repository, author, at, message, files FROM release_commit WHERE release=$1 ORDER BY place";
        for (id, version) in wanted {
            for row in self.rows(sql, &[&(id as i32)])? {
                let commit = commit_of(&row);
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

    /// Answers `SignalStore::data_version`.
    pub(in crate::backend::cluster) fn data_version(&self) -> Result<u64, StoreError> {
        // Whatever is written, by whichever process, moves the log on; a standby tells what it has replayed.
        let sql = "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
                     - '0/0'::pg_lsn)::bigint";
        let row = self.row(sql, &[])?;
        Ok(row.and_then(|row| row.get::<_, Option<i64>>(0)).unwrap_or(0) as u64)
    }
}

fn commit_of(row: &Row) -> Commit {
    let text = |at: usize| row.get::<_, Option<String>>(at).map(Into::into);
    let files: Option<String> = row.get(5);
    let files: Vec<(String, String)> = files.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let file =
        |(path, kind): (String, String)| ChangedFile { path: path.into(), kind: kind.chars().next().unwrap_or('M') };
    Commit {
        id: row.get::<_, String>(0).into(),
        repository: text(1),
        author: text(2),
        at: row.get::<_, Option<i64>>(3).map(moment),
        message: text(4),
        files: files.into_iter().map(file).collect(),
    }
}
