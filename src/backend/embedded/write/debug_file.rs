//! Storing what lookups need of files with symbols.
//! It uses `rusqlite`.
//! It never keeps a file in part: all of it, or nothing.

use std::borrow::Cow;

use rusqlite::{Connection, params};

use super::writer::Writer;
use crate::{native::DUMP_TYPE, store::StoreError};

/// Dumps a transaction: they may be megabytes each.
const DUMPS: i64 = 50;

/// A file with symbols, its parts squeezed.
pub(in crate::backend::embedded) struct PackedDebugFile {
    pub(in crate::backend::embedded) debug_id: String,
    pub(in crate::backend::embedded) code_id: Option<String>,
    pub(in crate::backend::embedded) name: String,
    pub(in crate::backend::embedded) arch: String,
    pub(in crate::backend::embedded) format: Cow<'static, str>,
    pub(in crate::backend::embedded) kind: String,
    pub(in crate::backend::embedded) features: String,
    pub(in crate::backend::embedded) size: usize,
    pub(in crate::backend::embedded) parts: Vec<PackedPart>,
}

/// A part of such a file.
pub(in crate::backend::embedded) struct PackedPart {
    pub(in crate::backend::embedded) kind: i64,
    pub(in crate::backend::embedded) path: Option<String>,
    pub(in crate::backend::embedded) z: Vec<u8>,
}

pub(super) fn write_debug_file(
    conn: &Connection,
    bundle: i64,
    at: i64,
    file: &PackedDebugFile,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO debug_file(bundle, debug_id, code_id, name, arch, format, kind, features, size, at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        bundle,
        file.debug_id,
        file.code_id,
        file.name,
        file.arch,
        file.format,
        file.kind,
        file.features,
        file.size,
        at
    ])?;
    let id = conn.last_insert_rowid();
    let mut insert = conn.prepare_cached("INSERT INTO debug_part(file, kind, path, z) VALUES(?1, ?2, ?3, ?4)")?;
    for part in &file.parts {
        insert.execute(params![id, part.kind, part.path, part.z])?;
    }
    Ok(())
}

/// Drops the files of a bundle.
pub(super) fn drop_debug_files(conn: &Connection, bundle: i64) -> Result<(), StoreError> {
    conn.execute("DELETE FROM debug_part WHERE file IN (SELECT id FROM debug_file WHERE bundle=?1)", [bundle])?;
    conn.execute("DELETE FROM debug_file WHERE bundle=?1", [bundle])?;
    Ok(())
}

impl Writer {
    /// Notes that an event was read with symbols of that debug id or code id: as late as the newest event is.
    pub(in crate::backend::embedded) fn used_symbols(&mut self, id: &str) -> Result<(), StoreError> {
        let sql =
            "UPDATE bundle SET used=max(used, coalesce((SELECT received FROM body ORDER BY seq DESC LIMIT 1), used))
             WHERE id IN (SELECT bundle FROM debug_file WHERE debug_id=?1 OR code_id=?1)";
        self.conn.prepare_cached(sql)?.execute([id])?;
        Ok(())
    }

    /// Drops files whose names begin so, those first that no crash needed for longest, until the others are of no more than
    /// `most` bytes; returns how many uploads went.
    pub(in crate::backend::embedded) fn bound_debug_files(
        &mut self,
        start: &str,
        most: u64,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT bundle.id, max(size) FROM debug_file JOIN bundle ON bundle.id=debug_file.bundle
                   WHERE substr(name, 1, length(?1))=?1 GROUP BY bundle.id ORDER BY used DESC, bundle.id DESC";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let files: Vec<(i64, u64)> = self.conn.prepare(sql)?.query_map([start], row)?.collect::<Result<_, _>>()?;
        let (mut kept, mut gone) = (0_u64, 0);
        for (bundle, size) in files {
            kept = kept.saturating_add(size);
            if kept > most {
                kept -= size;
                self.drop_bundle(bundle)?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Drops dumps from before a moment; returns how many.
    pub(in crate::backend::embedded) fn drop_dumps(&mut self, before: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM item WHERE id IN
               (SELECT id FROM item WHERE content_type='{DUMP_TYPE}' AND ts<?1 LIMIT ?2)"
        );
        let mut dropped = 0;
        loop {
            let gone = self.conn.execute(&sql, params![before, DUMPS])? as u64;
            if gone == 0 {
                return Ok(dropped);
            }
            dropped += gone;
            self.commit_waiting();
        }
    }
}
