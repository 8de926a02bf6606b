//! Taking in what an export tells beside its envelopes.
//! It uses `rusqlite`.
//! It never undoes what this store knows better: a status, a key and a commit list that are there stay.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{
    announce::projects,
    artifact::{Packed, PackedArtifact},
    debug_file::{PackedDebugFile, PackedPart},
    event::id_key,
    names::Names,
    restore_counts,
    writer::Writer,
};
use crate::{
    answers::is_slug,
    backend::embedded::{
        pack::{day_of, moment},
        transfer::{DebugFileLine, IssueLine, ProjectLine, ReleaseLine, ScriptLine, TransferRecord, UploadLine},
    },
    guard::Pseudonyms,
    model::EventId,
    store::{BundleOrder, Checksum, StoreError},
};

/// The place of a record, and why it can't be kept.
pub(in crate::backend::embedded) type Refused = (usize, String);

/// What is needed to take a record in: the store's numbers for what it names.
pub(super) struct Restore<'a> {
    pub(super) conn: &'a Connection,
    pub(super) names: &'a mut Names,
    /// With the key of this store: users are who their pseudonyms show.
    pub(super) people: &'a Pseudonyms,
}

impl Writer {
    /// Takes records in; returns the places of those that can't be kept, and why. Files of an upload stand before it.
    pub(in crate::backend::embedded) fn restore(
        &mut self,
        records: Vec<TransferRecord>,
        people: &Pseudonyms,
    ) -> Result<Vec<Refused>, StoreError> {
        let mut refused = Vec::new();
        let mut files = Vec::new();
        let mut records = records.into_iter().enumerate().peekable();
        while records.peek().is_some() {
            let done = self.restore_some(&mut records, &mut files, people, &mut refused);
            if done.is_err() {
                self.names.forget();
            }
            done?;
        }
        Ok(refused)
    }

    fn restore_some(
        &mut self,
        records: &mut impl Iterator<Item = (usize, TransferRecord)>,
        files: &mut Vec<TransferRecord>,
        people: &Pseudonyms,
        refused: &mut Vec<Refused>,
    ) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (place, record) in records {
            let mut restore = Restore { conn: &tx, names: &mut self.names, people };
            let done = match record {
                TransferRecord::Project(line) => restore.project(&line),
                TransferRecord::Release(line) => restore.release(&line),
                TransferRecord::Issue(line) => restore.issue(&line),
                file @ (TransferRecord::Script(_) | TransferRecord::DebugFile(_)) => {
                    files.push(file);
                    Ok(())
                }
                TransferRecord::Upload(line) => {
                    // Uploads have transactions of their own.
                    tx.commit()?;
                    let done = self.upload(&line, std::mem::take(files))?;
                    refused.extend(done.map(|why| (place, why.to_owned())));
                    return Ok(());
                }
                counted => restore_counts::count(&mut restore, counted),
            };
            match done {
                Err(StoreError::NotFound { what, asked, .. }) => {
                    refused.push((place, format!("there is no {what} {}", asked.raw())));
                }
                Err(error @ StoreError::Invalid(_)) => refused.push((place, error.to_string())),
                done => done?,
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// Says why it can't be kept.
    fn upload(&mut self, line: &UploadLine, files: Vec<TransferRecord>) -> Result<Option<&'static str>, StoreError> {
        let Some(checksum) = checksum(&line.checksum).filter(|_| files.len() == line.files) else {
            return Ok(Some("an upload is not whole: other files stand before it than it names"));
        };
        let order = |project: &str, release: &str, dist: &str, at: i64| BundleOrder {
            checksum,
            chunks: Vec::new(),
            projects: if project.is_empty() { Vec::new() } else { vec![project.to_owned()] },
            release: Some(release.to_owned()),
            dist: Some(dist.to_owned()),
            now: moment(at),
        };
        self.store_bundle(&order("", "", "", line.at), Some(&packed(files)))?;
        for used in &line.uses {
            match self.use_bundle(&order(&used.project, &used.release, &used.dist, used.at)) {
                Err(StoreError::NotFound { .. }) => {
                    self.ensure_project(&used.project)?;
                    self.use_bundle(&order(&used.project, &used.release, &used.dist, used.at))?;
                }
                done => drop(done?),
            }
        }
        let sql = "UPDATE bundle SET used=max(used, ?2) WHERE checksum=?1";
        self.conn.execute(sql, params![&checksum[..], line.used])?;
        Ok(None)
    }
}

impl Restore<'_> {
    /// The number of a project.
    pub(super) fn project_number(&self, slug: &str) -> Result<u64, StoreError> {
        let found = projects(self.conn, &[slug.to_owned()])?;
        Ok(found[0])
    }

    /// A project keeps its number and its key where both are free, so that SDKs go on with the DSN they have.
    fn project(&self, line: &ProjectLine) -> Result<(), StoreError> {
        let is_key = line.public_key.len() == 32 && line.public_key.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_key || !is_slug(&line.slug) || line.number < 1 {
            return Err(StoreError::Invalid("a project's name, number or key is none"));
        }
        let sql = "WITH known AS (SELECT id FROM project UNION ALL SELECT id FROM deleted_project)
                   INSERT INTO project(id, slug, name, public_key)
                   SELECT CASE WHEN EXISTS(SELECT 1 FROM known WHERE id=?1)
                     THEN (SELECT 1 + max(id) FROM known) ELSE ?1 END, ?2, ?2, ?3
                   WHERE NOT EXISTS(SELECT 1 FROM project WHERE slug=?2 OR public_key=?3)";
        self.conn.prepare_cached(sql)?.execute(params![line.number, line.slug, line.public_key])?;
        self.conn
            .prepare_cached("UPDATE project SET issues=max(issues, ?2) WHERE slug=?1")?
            .execute(params![line.slug, line.issues])?;
        Ok(())
    }

    fn release(&mut self, line: &ReleaseLine) -> Result<(), StoreError> {
        let project = self.project_number(&line.project)?;
        let release = self.names.release(self.conn, project, Some(&line.version), line.first)?;
        self.conn
            .prepare_cached(
                "UPDATE release SET first=min(first, ?2), last=max(last, ?3), created=coalesce(created, ?4),
                   released=coalesce(released, ?5), url=coalesce(url, ?6), ref=coalesce(ref, ?7) WHERE id=?1",
            )?
            .execute(params![release, line.first, line.last, line.created, line.released, line.url, line.reference])?;
        self.commits(release, line)?;
        self.deploys(release, line)
    }

    /// A release whose commits are known keeps those.
    fn commits(&self, release: u32, line: &ReleaseLine) -> Result<(), StoreError> {
        let known = "SELECT EXISTS(SELECT 1 FROM release_commit WHERE release=?1)";
        if self.conn.prepare_cached(known)?.query_row([release], |row| row.get(0))? {
            return Ok(());
        }
        for (place, commit) in line.commits.iter().enumerate() {
            self.conn
                .prepare_cached(
                    "INSERT INTO release_commit(release, place, id, repository, author, at, message, files)
                     VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    release,
                    place,
                    commit.id,
                    commit.repository,
                    commit.author,
                    commit.at,
                    commit.message,
                    commit.files
                ])?;
        }
        Ok(())
    }

    fn deploys(&self, release: u32, line: &ReleaseLine) -> Result<(), StoreError> {
        for deploy in &line.deploys {
            self.conn
                .prepare_cached(
                    "INSERT INTO deploy(id, release, environment, name, url, started, at)
                     SELECT CASE WHEN EXISTS(SELECT 1 FROM deploy WHERE id=?1 AND at<>?7)
                       THEN (SELECT 1 + max(id) FROM deploy) ELSE ?1 END, ?2, ?3, ?4, ?5, ?6, ?7
                     WHERE NOT EXISTS(SELECT 1 FROM deploy WHERE release=?2 AND at=?7 AND environment IS ?3)",
                )?
                .execute(params![
                    deploy.id,
                    release,
                    deploy.environment,
                    deploy.name,
                    deploy.url,
                    deploy.started,
                    deploy.at
                ])?;
        }
        Ok(())
    }

    fn issue(&mut self, line: &IssueLine) -> Result<(), StoreError> {
        let project = self.project_number(&line.project)?;
        let event: EventId = line.event.parse().map_err(|_| StoreError::Invalid("an issue names no event"))?;
        let Some(issue) = self.issue_of(project, event, line.timestamp)? else {
            return Err(StoreError::NotFound { what: "event", asked: line.event.as_str().into(), near: Vec::new() });
        };
        self.name(project, issue, &line.short_id)?;
        for hash in line.groups.iter().filter_map(|hex| u128::from_str_radix(hex, 16).ok()) {
            let hash = hash.to_be_bytes();
            if self.names.issue(self.conn, project, hash)?.is_none() {
                self.names.join(self.conn, project, hash, issue)?;
            }
        }
        self.conn
            .prepare_cached(
                "UPDATE issue SET status=?2, resolved_at=?3, resolved_in=?4, resolved_after=?5 WHERE id=?1 AND status=0",
            )?
            .execute(params![issue, line.status.clamp(0, 2), line.resolved_at, line.resolved_in, line.resolved_after])?;
        self.conn
            .prepare_cached("UPDATE issue SET assignee=coalesce(assignee, ?2) WHERE id=?1")?
            .execute(params![issue, line.assignee])?;
        for comment in &line.comments {
            let sql = "INSERT INTO note(issue, at, text) SELECT ?1, ?2, ?3
                       WHERE NOT EXISTS(SELECT 1 FROM note WHERE issue=?1 AND at=?2 AND text=?3)";
            self.conn.prepare_cached(sql)?.execute(params![issue, comment.at, comment.text])?;
        }
        if let Some(claim) = &line.claim {
            let sql = "INSERT OR IGNORE INTO claim(issue, who, at, until) VALUES(?1, ?2, ?3, ?4)";
            self.conn.prepare_cached(sql)?.execute(params![issue, claim.who, claim.at, claim.until])?;
        }
        for fix in &line.fixes {
            let sql = "INSERT OR IGNORE INTO watched_fix(issue, release, environment, until, verdict)
                       VALUES(?1, ?2, ?3, ?4, ?5)";
            let row = params![issue, fix.release, fix.environment, fix.until, fix.verdict];
            self.conn.prepare_cached(sql)?.execute(row)?;
        }
        Ok(())
    }

    /// Gives an issue the name that it had; one that has it by now gets the other's.
    fn name(&self, project: u64, issue: i64, short_id: &str) -> Result<(), StoreError> {
        let sql = "SELECT short_id FROM issue WHERE id=?1";
        let now: String = self.conn.prepare_cached(sql)?.query_row([issue], |row| row.get(0))?;
        let slug = |name: &str| name.rsplit_once('-').map(|(slug, _)| slug.to_owned());
        if now == short_id || slug(&now) != slug(short_id) {
            return Ok(());
        }
        let sql = "SELECT id FROM issue WHERE project=?1 AND short_id=?2 COLLATE NOCASE";
        let other: Option<i64> =
            self.conn.prepare_cached(sql)?.query_row(params![project, short_id], |row| row.get(0)).optional()?;
        let mut rename = self.conn.prepare_cached("UPDATE issue SET short_id=?2 WHERE id=?1")?;
        if let Some(other) = other {
            // Names are unique: through one that nobody has.
            rename.execute(params![other, format!("{now}-")])?;
            rename.execute(params![issue, short_id])?;
            rename.execute(params![other, now])?;
        } else {
            rename.execute(params![issue, short_id])?;
        }
        Ok(())
    }

    /// The issue of an event of that moment.
    fn issue_of(&self, project: u64, event: EventId, at: i64) -> Result<Option<i64>, StoreError> {
        let key = id_key(project, event);
        let sql = "SELECT body.issue FROM eid JOIN body USING(seq)
                   WHERE day=?1 AND k>=?2 AND k<=?2+8 AND body.id=?3";
        let row = params![day_of(at), key, event.0.to_be_bytes()];
        Ok(self.conn.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?)
    }
}

fn checksum(hex: &str) -> Option<Checksum> {
    let mut bytes = Checksum::default();
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn packed(files: Vec<TransferRecord>) -> Packed {
    let (mut scripts, mut symbols) = (Vec::new(), Vec::new());
    for file in files {
        match file {
            TransferRecord::Script(line) => scripts.push(script(line)),
            TransferRecord::DebugFile(line) => symbols.push(debug_file(line)),
            _ => {}
        }
    }
    if symbols.is_empty() { Packed::Scripts(scripts) } else { Packed::Debug(symbols) }
}

fn script(line: ScriptLine) -> PackedArtifact {
    PackedArtifact {
        kind: line.kind,
        url: line.url,
        debug_id: line.debug_id.and_then(|id| u128::from_str_radix(&id, 16).ok()),
        map_reference: line.map_reference,
        size: line.size,
        z: line.content.0,
    }
}

fn debug_file(line: DebugFileLine) -> PackedDebugFile {
    let parts = line.parts.into_iter();
    PackedDebugFile {
        debug_id: line.debug_id,
        code_id: line.code_id,
        name: line.name,
        arch: line.arch,
        format: line.format.into(),
        kind: line.kind,
        features: line.features,
        size: line.size,
        parts: parts.map(|part| PackedPart { kind: part.kind, path: part.path, z: part.content.0 }).collect(),
    }
}
