//! Symbols of programs and libraries, by debug id, else by code id; crashes read again when theirs came later.
//! It uses `rusqlite` and `native`.
//! It never fails an event for symbols that can't be read: then its frames stay as they are.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use super::super::engine::pool::{Pool, Snapshot};
use crate::{
    backend::embedded::{
        debug_files::{CFI, DART, MAPPING, SOURCE, SYMCACHE},
        pack::moment,
        write::projects,
    },
    model::EventId,
    native::{
        DUMP_TYPE, Found, Object, Symbols, WantedImage, code_key, debug_key, has_found_since, merge, read_dump,
        symbolicate,
    },
    store::{DebugFileQuery, ItemKind, KnownDebugFile, StoreError},
};

/// Files with one id that are looked at.
const FILES: i64 = 64;
/// Largest list of files with symbols.
const LIST: usize = 1_000;

impl Symbols for Pool {
    fn any_symbols(&self) -> bool {
        answered(self.read_now(|snapshot| snapshot.has_symbols())).unwrap_or(false)
    }

    fn object(&self, project: u64, wanted: &WantedImage) -> Option<Arc<Object>> {
        answered(self.read_now(|snapshot| snapshot.object(project, wanted))).flatten()
    }

    fn source(&self, project: u64, wanted: &WantedImage, path: &str) -> Option<Arc<str>> {
        answered(self.read_now(|snapshot| snapshot.source(project, wanted, path))).flatten()
    }
}

fn answered<T>(answer: Result<T, StoreError>) -> Option<T> {
    answer.map_err(|error| tracing::warn!(%error, "symbols could not be read")).ok()
}

impl Snapshot<'_> {
    /// Whether there are any symbols.
    pub(in crate::backend::embedded) fn has_symbols(&self) -> Result<bool, StoreError> {
        Ok(self.conn.prepare_cached("SELECT EXISTS(SELECT 1 FROM debug_file)")?.query_row([], |row| row.get(0))?)
    }

    /// Everything but sources that is here of an image, put together.
    fn object(&mut self, project: u64, wanted: &WantedImage) -> Result<Option<Arc<Object>>, StoreError> {
        let parts = self.symbol_parts(project, wanted)?;
        if parts.is_empty() {
            return Ok(None);
        }
        let objects = Arc::clone(&self.objects);
        let key: Vec<i64> = parts.iter().map(|(_, id)| *id).collect();
        objects.get(key, || {
            let mut found = Found::default();
            for (kind, id) in parts {
                let bytes = self.debug_part(id)?;
                match kind {
                    SYMCACHE => found.symcache = bytes,
                    CFI => found.cfi = bytes,
                    MAPPING => found.mapping = bytes,
                    DART => found.dart = bytes,
                    _ => {}
                }
            }
            Ok(Some(Object::new(found)))
        })
    }

    /// Numbers of the best part of each kind: of files with lines before those with names alone, the newest first.
    fn symbol_parts(&self, project: u64, wanted: &WantedImage) -> Result<Vec<(i64, i64)>, StoreError> {
        for (column, id) in [("debug_id", &wanted.debug_id), ("code_id", &wanted.code_id)] {
            let Some(id) = id else { continue };
            let sql = format!(
                "SELECT debug_part.kind, debug_part.id FROM debug_file
                 JOIN bundle_use ON bundle_use.bundle=debug_file.bundle AND project=?1
                 JOIN debug_part ON debug_part.file=debug_file.id AND debug_part.kind<>{SOURCE}
                 WHERE debug_file.{column}=?2
                 ORDER BY instr(features, 'debug')>0 DESC, debug_file.id DESC LIMIT {FILES}"
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params![project, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut best: Vec<(i64, i64)> = Vec::new();
            for row in rows {
                let (kind, part): (i64, i64) = row?;
                if !best.iter().any(|(known, _)| *known == kind) {
                    best.push((kind, part));
                }
            }
            if !best.is_empty() {
                return Ok(best);
            }
        }
        Ok(Vec::new())
    }

    fn debug_part(&mut self, id: i64) -> Result<Vec<u8>, StoreError> {
        let mut statement = self.conn.prepare_cached("SELECT z FROM debug_part WHERE id=?1")?;
        let mut rows = statement.query([id])?;
        let row = rows.next()?.ok_or(StoreError::Invalid("symbols vanished while they were read"))?;
        Ok(self.unpacker.body(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?)
    }

    fn source(&mut self, project: u64, wanted: &WantedImage, path: &str) -> Result<Option<Arc<str>>, StoreError> {
        let Some(id) = &wanted.debug_id else { return Ok(None) };
        let sql = "SELECT debug_part.id FROM debug_file
                   JOIN bundle_use ON bundle_use.bundle=debug_file.bundle AND project=?1
                   JOIN debug_part ON debug_part.file=debug_file.id AND debug_part.kind=?2 AND debug_part.path=?3
                   WHERE debug_file.debug_id=?4 ORDER BY debug_file.id DESC LIMIT 1";
        let found: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![project, SOURCE, path, id], |row| row.get(0))
            .optional()?;
        let Some(part) = found else { return Ok(None) };
        Ok(Some(String::from_utf8_lossy(&self.debug_part(part)?).into()))
    }

    /// Answers `HostedStore::debug_files`.
    pub(in crate::backend::embedded) fn debug_files(
        &mut self,
        query: &DebugFileQuery,
    ) -> Result<Vec<KnownDebugFile>, StoreError> {
        let project = projects(self.conn, std::slice::from_ref(&query.project))?;
        let ids: Vec<String> = query.ids.iter().filter_map(|id| debug_key(id).or_else(|| code_key(id))).collect();
        let sql =
            "SELECT DISTINCT debug_file.id, checksum, debug_id, code_id, name, arch, format, kind, features, size,
                     debug_file.at
                   FROM debug_file JOIN bundle ON bundle.id=debug_file.bundle
                   JOIN bundle_use ON bundle_use.bundle=bundle.id AND project=?1 ORDER BY debug_file.id DESC";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![project.first().copied().unwrap_or_default()], known)?;
        let wanted = |file: &KnownDebugFile| {
            let named = ids.is_empty()
                || ids.contains(&file.debug_id)
                || file.code_id.as_ref().is_some_and(|id| ids.contains(id));
            named && (query.checksums.is_empty() || query.checksums.contains(&file.checksum))
        };
        let mut files = Vec::new();
        for row in rows {
            let file = row?;
            if wanted(&file) {
                files.push(file);
            }
            if files.len() >= query.limit.clamp(1, LIST) {
                break;
            }
        }
        Ok(files)
    }

    /// Names an event's frames with symbols that came since; a crash is unwound again if its dump is here. Tells whether
    /// that changed anything.
    pub(super) fn name_late(&mut self, project: u64, id: EventId, json: &mut Value) -> Result<bool, StoreError> {
        if json.get("debug_meta").is_none() || !self.has_symbols()? {
            return Ok(false);
        }
        let pool = self.pool;
        let dump = if has_found_since(json, pool, project) { self.dump_of(project, id)? } else { None };
        if let Some(read) = dump.and_then(|dump| read_dump(&dump, pool, project)) {
            merge(json, read, &[]);
        }
        let changed = symbolicate(json, pool, project);
        if changed {
            // Names and lines of source were not in the event when it was scrubbed.
            self.scrubber.event(json);
        }
        Ok(changed)
    }

    /// The dump that an event was read of.
    fn dump_of(&mut self, project: u64, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT z FROM item WHERE parent=?1 AND kind=?2 AND project=?3 AND content_type=?4 LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let kind = ItemKind::Attachment.code();
        let mut rows = statement.query(params![&id.0.to_be_bytes()[..], kind, project, DUMP_TYPE])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(self.unpacker.body(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?))
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownDebugFile> {
    let features: String = row.get(8)?;
    Ok(KnownDebugFile {
        id: row.get(0)?,
        checksum: row.get(1)?,
        debug_id: row.get(2)?,
        code_id: row.get(3)?,
        name: row.get::<_, String>(4)?.into(),
        arch: row.get(5)?,
        format: row.get(6)?,
        kind: row.get(7)?,
        features: features.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        size_bytes: row.get(9)?,
        uploaded: moment(row.get(10)?),
    })
}
