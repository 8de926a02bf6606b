//! Files with symbols: taken apart once, kept as what lookups need.
//! It uses `native`, the writer's queue and the readers.
//! It never keeps the file itself.

use std::sync::{Arc, PoisonError};

use super::{
    EmbeddedStore,
    pack::squeeze,
    read::Snapshot,
    write::{Packed, PackedDebugFile, PackedPart, Writer},
};
use crate::{
    model::Timestamp,
    native::{DebugFile, Object, Symbols, WantedImage, read_debug_file},
    store::{Assembled, DebugFileOrder, DebugFileQuery, KnownDebugFile, StoreError},
};

/// Largest file: it is held in memory while it is taken apart.
pub(super) const DEBUG_FILE_BYTES: usize = 512 << 20;
/// Numbers of the parts of a file.
pub(super) const SYMCACHE: i64 = 0;
pub(super) const CFI: i64 = 1;
pub(super) const SOURCE: i64 = 2;
pub(super) const MAPPING: i64 = 3;
pub(super) const DART: i64 = 4;

impl EmbeddedStore {
    /// Answers `HostedStore::assemble_debug_file`.
    pub(super) async fn put_debug_file(
        &self,
        order: DebugFileOrder,
    ) -> Result<(Assembled, Vec<KnownDebugFile>), StoreError> {
        let (name, debug_id, bundle) = (order.name, order.debug_id, order.bundle);
        let query = DebugFileQuery {
            project: bundle.projects.first().cloned().unwrap_or_default(),
            checksums: vec![bundle.checksum],
            limit: 32,
            ..DebugFileQuery::default()
        };
        let unpack = move |bytes: Vec<u8>| {
            let files = read_debug_file(&name, debug_id.as_deref(), &bytes).map_err(|error| error.to_string())?;
            Ok(Packed::Debug(files.into_iter().map(|file| packed(file, &name, bytes.len())).collect()))
        };
        let done = self.put_together(bundle, DEBUG_FILE_BYTES, unpack).await?;
        let known = match done {
            Assembled::Done => self.known_debug_files(&query).await?,
            _ => Vec::new(),
        };
        Ok((done, known))
    }

    /// Answers `HostedStore::debug_files`.
    pub(super) async fn known_debug_files(&self, query: &DebugFileQuery) -> Result<Vec<KnownDebugFile>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot: &mut Snapshot<'_>| snapshot.debug_files(&query)).await
    }

    /// Drops files with symbols whose names begin so, those first that no crash needed for longest, until the others are of
    /// no more than `most` bytes, as they came. Returns how many uploads went.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn bound_debug_files(&self, start: &str, most: u64) -> Result<u64, StoreError> {
        let start = start.to_owned();
        self.control(move |writer: &mut Writer| writer.bound_debug_files(&start, most)).await
    }

    /// Drops dumps from before a moment; the events that were read of them stay.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn retain_dumps(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.control(move |writer: &mut Writer| writer.drop_dumps(super::pack::micros(before))).await
    }
}

fn packed(file: DebugFile, name: &str, size: usize) -> PackedDebugFile {
    let found = file.found;
    let whole = [(SYMCACHE, found.symcache), (CFI, found.cfi), (MAPPING, found.mapping), (DART, found.dart)];
    let whole = whole.into_iter().filter(|(_, bytes)| !bytes.is_empty());
    let mut parts: Vec<PackedPart> =
        whole.map(|(kind, bytes)| PackedPart { kind, path: None, z: squeeze(&bytes) }).collect();
    parts.extend(found.sources.into_iter().map(|source| PackedPart {
        kind: SOURCE,
        path: Some(source.path),
        z: squeeze(source.text.as_bytes()),
    }));
    PackedDebugFile {
        debug_id: file.debug_id,
        code_id: file.code_id,
        name: name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned(),
        arch: file.arch,
        format: file.format.into(),
        kind: file.kind,
        features: file.features.join(","),
        size,
        parts,
    }
}

impl Symbols for EmbeddedStore {
    fn any_symbols(&self) -> bool {
        self.pool.any_symbols()
    }

    fn object(&self, project: u64, wanted: &WantedImage) -> Option<Arc<Object>> {
        let object = self.pool.object(project, wanted)?;
        // Noted once between two retentions; nobody waits for it.
        let id = wanted.debug_id.clone().or_else(|| wanted.code_id.clone()).unwrap_or_default();
        if self.used_symbols.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
            drop(self.queue.control(move |writer: &mut Writer| writer.used_symbols(&id)));
        }
        Some(object)
    }

    fn source(&self, project: u64, wanted: &WantedImage, path: &str) -> Option<Arc<str>> {
        self.pool.source(project, wanted, path)
    }
}
