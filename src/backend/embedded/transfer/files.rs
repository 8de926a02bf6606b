//! Uploaded scripts, maps and symbols, as the store keeps them.
//! It uses `rusqlite`.
//! It never holds more than one file.

use super::{
    Take, of_record,
    record::{DebugFileLine, DebugPartLine, Packed, ScriptLine, TransferRecord, UploadLine, UploadUseLine},
};
use crate::{backend::embedded::read::Snapshot, store::StoreError};

impl Snapshot<'_> {
    /// The files of each upload, then the upload.
    pub(super) fn export_uploads(&self, take: &mut Take) -> Result<bool, StoreError> {
        let mut statement = self.conn.prepare("SELECT id, checksum, at, used FROM bundle ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let Some(files) = self.export_files(id, take)? else { return Ok(false) };
            let checksum: Vec<u8> = row.get(1)?;
            let upload = UploadLine {
                checksum: checksum.iter().map(|byte| format!("{byte:02x}")).collect(),
                files,
                at: row.get(2)?,
                used: row.get(3)?,
                uses: self.upload_uses(id)?,
            };
            if !take(of_record(TransferRecord::Upload(upload), 0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many there were; `None`: no more is wanted.
    fn export_files(&self, bundle: i64, take: &mut Take) -> Result<Option<usize>, StoreError> {
        let mut files = 0;
        let sql = "SELECT kind, url, debug_id, map_reference, size, z FROM artifact WHERE bundle=?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([bundle])?;
        while let Some(row) = rows.next()? {
            let debug_id: Option<[u8; 16]> = row.get(2)?;
            let script = ScriptLine {
                kind: row.get(0)?,
                url: row.get(1)?,
                debug_id: debug_id.map(|id| format!("{:032x}", u128::from_be_bytes(id))),
                map_reference: row.get(3)?,
                size: row.get(4)?,
                content: Packed(row.get(5)?),
            };
            files += 1;
            if !take(of_record(TransferRecord::Script(script), 1)) {
                return Ok(None);
            }
        }
        let sql = "SELECT id, debug_id, code_id, name, arch, format, kind, features, size FROM debug_file
                   WHERE bundle=?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([bundle])?;
        while let Some(row) = rows.next()? {
            let file = DebugFileLine {
                debug_id: row.get(1)?,
                code_id: row.get(2)?,
                name: row.get(3)?,
                arch: row.get(4)?,
                format: row.get(5)?,
                kind: row.get(6)?,
                features: row.get(7)?,
                size: row.get(8)?,
                parts: self.debug_parts(row.get(0)?)?,
            };
            files += 1;
            if !take(of_record(TransferRecord::DebugFile(file), 1)) {
                return Ok(None);
            }
        }
        Ok(Some(files))
    }

    fn debug_parts(&self, file: i64) -> Result<Vec<DebugPartLine>, StoreError> {
        let mut statement =
            self.conn.prepare_cached("SELECT kind, path, z FROM debug_part WHERE file=?1 ORDER BY id")?;
        let parts = statement.query_map([file], |row| {
            Ok(DebugPartLine { kind: row.get(0)?, path: row.get(1)?, content: Packed(row.get(2)?) })
        })?;
        Ok(parts.collect::<Result<_, _>>()?)
    }

    fn upload_uses(&self, bundle: i64) -> Result<Vec<UploadUseLine>, StoreError> {
        let sql = "SELECT project.slug, release, dist, bundle_use.at FROM bundle_use
                   JOIN project ON project.id=bundle_use.project WHERE bundle=?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let uses = statement.query_map([bundle], |row| {
            Ok(UploadUseLine { project: row.get(0)?, release: row.get(1)?, dist: row.get(2)?, at: row.get(3)? })
        })?;
        Ok(uses.collect::<Result<_, _>>()?)
    }
}
