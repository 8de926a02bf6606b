//! Storing scripts and their maps, and the parts of bundles until they are put together.
//! It uses `rusqlite`.
//! It never keeps a bundle in part: all of it, or nothing.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{
    announce::projects,
    debug_file::{PackedDebugFile, drop_debug_files, write_debug_file},
    writer::Writer,
};
use crate::{
    backend::embedded::{
        fault::RETRY_AFTER_S,
        pack::{DAY_US, micros},
    },
    model::{Group, Timestamp, Untrusted},
    store::{BundleOrder, Checksum, StoreError},
};

/// Bytes of parts that may wait to be put together.
const WAITING_BYTES: i64 = 1 << 30;

/// What an issue is called now.
pub(in crate::backend::embedded) struct Described {
    pub(in crate::backend::embedded) project: u64,
    pub(in crate::backend::embedded) issue: i64,
    pub(in crate::backend::embedded) group: Group,
}

/// What is in a bundle.
pub(in crate::backend::embedded) enum Packed {
    /// Scripts and their maps.
    Scripts(Vec<PackedArtifact>),
    /// Symbols.
    Debug(Vec<PackedDebugFile>),
}

/// A file of a bundle, squeezed.
pub(in crate::backend::embedded) struct PackedArtifact {
    pub(in crate::backend::embedded) kind: i64,
    pub(in crate::backend::embedded) url: String,
    pub(in crate::backend::embedded) debug_id: Option<u128>,
    pub(in crate::backend::embedded) map_reference: Option<String>,
    pub(in crate::backend::embedded) size: usize,
    pub(in crate::backend::embedded) z: Vec<u8>,
}

impl Writer {
    /// Keeps a part of a bundle; parts that waited for a day go.
    pub(in crate::backend::embedded) fn keep_chunk(
        &mut self,
        checksum: &Checksum,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = micros(now);
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("DELETE FROM upload WHERE at<?1", [at.saturating_sub(DAY_US)])?;
        let waiting: i64 = tx.query_row("SELECT coalesce(sum(size), 0) FROM upload", [], |row| row.get(0))?;
        if waiting + bytes.len() as i64 > WAITING_BYTES {
            return Err(StoreError::Busy { retry_after_s: RETRY_AFTER_S * 60 });
        }
        tx.execute(
            "INSERT INTO upload(checksum, at, size, bytes) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET at=?2",
            params![&checksum[..], at, bytes.len(), bytes],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// Puts a bundle that is here to one more use; false if it isn't here.
    pub(in crate::backend::embedded) fn use_bundle(&mut self, order: &BundleOrder) -> Result<bool, StoreError> {
        self.store_bundle(order, None)
    }

    /// Stores a bundle and what it is for; its parts are not needed any more.
    pub(in crate::backend::embedded) fn store_bundle(
        &mut self,
        order: &BundleOrder,
        files: Option<&Packed>,
    ) -> Result<bool, StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let projects = projects(&tx, &order.projects)?;
        let at = micros(order.now);
        let known = tx
            .query_row("SELECT id FROM bundle WHERE checksum=?1", [&order.checksum[..]], |row| row.get::<_, i64>(0))
            .optional()?;
        let bundle = match (known, files) {
            (Some(known), _) => known,
            (None, None) => return Ok(false),
            (None, Some(files)) => {
                tx.execute(
                    "INSERT INTO bundle(checksum, at, used) VALUES(?1, ?2, ?2)",
                    params![&order.checksum[..], at],
                )?;
                let bundle = tx.last_insert_rowid();
                match files {
                    Packed::Scripts(files) => files.iter().try_for_each(|file| write_file(&tx, bundle, file))?,
                    Packed::Debug(files) => {
                        files.iter().try_for_each(|file| write_debug_file(&tx, bundle, at, file))?;
                    }
                }
                bundle
            }
        };
        for project in projects {
            tx.execute(
                "INSERT INTO bundle_use(project, release, dist, bundle, at) VALUES(?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET at=?5",
                params![
                    project,
                    order.release.as_deref().unwrap_or(""),
                    order.dist.as_deref().unwrap_or(""),
                    bundle,
                    at
                ],
            )?;
        }
        for chunk in &order.chunks {
            tx.execute("DELETE FROM upload WHERE checksum=?1", [&chunk[..]])?;
        }
        tx.commit()?;
        Ok(true)
    }

    /// Notes that an event was read with a map: as late as the newest event is.
    pub(in crate::backend::embedded) fn used_map(&mut self, map: i64) -> Result<(), StoreError> {
        let sql =
            "UPDATE bundle SET used=max(used, coalesce((SELECT received FROM body ORDER BY seq DESC LIMIT 1), used))
                   WHERE id=(SELECT bundle FROM artifact WHERE id=?1)";
        self.conn.prepare_cached(sql)?.execute([map])?;
        Ok(())
    }

    /// Drops bundles that nobody uploaded or needed since, and whose releases are gone.
    pub(super) fn drop_bundles(&mut self, cut: i64) -> Result<(), StoreError> {
        let sql = "SELECT id FROM bundle WHERE at<?1 AND used<?1 AND NOT EXISTS(
                     SELECT 1 FROM bundle_use LEFT JOIN release
                       ON release.project=bundle_use.project AND release.version=bundle_use.release
                     WHERE bundle_use.bundle=bundle.id AND (bundle_use.at>=?1 OR release.last>=?1 OR release.created>=?1
                       OR release.released>=?1))";
        let old: Vec<i64> = self.conn.prepare(sql)?.query_map([cut], |row| row.get(0))?.collect::<Result<_, _>>()?;
        old.into_iter().try_for_each(|bundle| self.drop_bundle(bundle))
    }

    /// Drops a bundle with all that was in it.
    pub(super) fn drop_bundle(&mut self, bundle: i64) -> Result<(), StoreError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("DELETE FROM artifact WHERE bundle=?1", [bundle])?;
        drop_debug_files(&tx, bundle)?;
        tx.execute("DELETE FROM bundle_use WHERE bundle=?1", [bundle])?;
        tx.execute("DELETE FROM bundle WHERE id=?1", [bundle])?;
        tx.commit()?;
        self.commit_waiting();
        Ok(())
    }

    /// Writes down what issues are called now that their frames can be read, and the key that their next events have.
    pub(in crate::backend::embedded) fn describe(&mut self, issues: &[Described]) -> Result<(), StoreError> {
        for issues in issues.chunks(200) {
            let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for Described { project, issue, group } in issues {
                describe_one(&tx, *issue, group)?;
                // Another issue that has that key keeps it: the two are alike, and stay what they were.
                if self.names.issue(&tx, *project, group.hash)?.is_none() {
                    self.names.join(&tx, *project, group.hash, *issue)?;
                }
            }
            tx.commit()?;
            self.commit_waiting();
        }
        Ok(())
    }
}

fn write_file(conn: &rusqlite::Connection, bundle: i64, file: &PackedArtifact) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO artifact(bundle, kind, url, debug_id, map_reference, size, z) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        bundle,
        file.kind,
        file.url,
        file.debug_id.map(u128::to_be_bytes),
        file.map_reference,
        file.size,
        file.z
    ])?;
    Ok(())
}

fn describe_one(conn: &rusqlite::Connection, issue: i64, group: &Group) -> Result<(), StoreError> {
    let text = |text: &'_ Option<Untrusted>| text.as_ref().map(|t| t.raw().to_owned());
    let frame = group.top_frame.as_ref();
    // The index of texts takes a row away by the very texts that it was made of.
    conn.prepare_cached(
        "INSERT INTO issue_fts(issue_fts, rowid, title, value, culprit, type)
         SELECT 'delete', id, title, value, culprit, type FROM issue WHERE id=?1",
    )?
    .execute([issue])?;
    conn.prepare_cached(
        "UPDATE issue SET title=?2, culprit=coalesce(?3, culprit), function=?4, file=?5, line=?6 WHERE id=?1",
    )?
    .execute(params![
        issue,
        group.title.raw(),
        text(&group.culprit),
        frame.and_then(|f| text(&f.function)),
        frame.and_then(|f| text(&f.file)),
        frame.and_then(|f| f.line),
    ])?;
    conn.prepare_cached(
        "INSERT INTO issue_fts(rowid, title, value, culprit, type)
         SELECT id, title, value, culprit, type FROM issue WHERE id=?1",
    )?
    .execute([issue])?;
    Ok(())
}
