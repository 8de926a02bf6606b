//! What others' tools tell this store: releases, deploys, scripts with their maps.
//! It uses the writer's queue, the readers, `sourcemaps`.
//! It never answers before the disk has it.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use super::{
    EmbeddedStore,
    pack::squeeze,
    read::Snapshot,
    write::{Packed, PackedArtifact, Writer},
};
use crate::{
    model::{EventId, IssueId, Timestamp, Untrusted},
    sourcemaps::{ArtifactFile, BundleError, FileKind, Limits, Maps, Script, Wanted, checksum, read_bundle},
    store::{
        Announced, Announcement, Assembled, BundleOrder, Checksum, DebugFileOrder, DebugFileQuery, DeployRecord,
        EventFacts, HostedStore, KnownDebugFile, KnownDeploy, ProjectDetails, Scope, SeriesQuery, SessionSpan,
        StoreError,
    },
};

/// Largest bundle: it is held in memory while it is taken apart.
const BUNDLE_BYTES: usize = 128 << 20;
/// Most parts of one bundle.
const CHUNKS: usize = 4_096;

impl EmbeddedStore {
    /// The bundle's bytes, or why they can't be had.
    async fn bundle_bytes(&self, order: &BundleOrder, most: usize) -> Result<Result<Vec<u8>, String>, StoreError> {
        let chunks = order.chunks.clone();
        let whole = self.read(move |snapshot| snapshot.chunks(&chunks, most)).await?;
        Ok(match whole {
            None => Err(format!("the upload is larger than {} MiB", most >> 20)),
            Some(bytes) if checksum(&bytes) != order.checksum => {
                Err("the bundle's checksum is not that of its chunks put together".to_owned())
            }
            Some(bytes) => Ok(bytes),
        })
    }

    /// Puts an upload together, takes it apart by `unpack` and stores what is in it.
    pub(super) async fn put_together(
        &self,
        order: BundleOrder,
        most: usize,
        unpack: impl FnOnce(Vec<u8>) -> Result<Packed, String> + Send + 'static,
    ) -> Result<Assembled, StoreError> {
        let known = order.clone();
        if self.control(move |writer| writer.use_bundle(&known)).await? {
            return Ok(Assembled::Done);
        }
        if order.chunks.len() > CHUNKS {
            return Ok(Assembled::Failed(format!("an upload has {CHUNKS} chunks at most")));
        }
        let chunks = order.chunks.clone();
        let missing = self.read(move |snapshot: &mut Snapshot<'_>| snapshot.missing_chunks(&chunks)).await?;
        if !missing.is_empty() || order.chunks.is_empty() {
            return Ok(Assembled::Missing(missing));
        }
        // One at a time: an upload may take as much memory as all else together.
        let _turn = self.assembling.lock().await;
        let bytes = match self.bundle_bytes(&order, most).await? {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Assembled::Failed(why)),
        };
        let files = tokio::task::spawn_blocking(move || unpack(bytes)).await;
        let files = files.map_err(|error| StoreError::Engine { context: "unpacking", source: Box::new(error) })?;
        let files = match files {
            Ok(files) => files,
            Err(why) => return Ok(Assembled::Failed(why)),
        };
        let projects = order.projects.clone();
        self.control(move |writer: &mut Writer| writer.store_bundle(&order, Some(&files))).await?;
        self.describe_again(projects).await?;
        Ok(Assembled::Done)
    }

    /// Has it written down that a map is needed, once between two retentions.
    fn note_use(&self, map: i64) {
        if self.used_maps.lock().unwrap_or_else(PoisonError::into_inner).insert(map) {
            // Nobody waits for it: a map whose use is not noted is noted with the next process.
            let _ = self.queue.control(move |writer: &mut Writer| writer.used_map(map));
        }
    }

    /// Gives issues of the projects the names that their frames have now.
    async fn describe_again(&self, projects: Vec<String>) -> Result<(), StoreError> {
        let issues = self.read(move |snapshot| snapshot.described_again(&projects)).await?;
        self.control(move |writer| writer.describe(&issues)).await
    }
}

/// What is in a bundle, squeezed file by file.
fn unpacked(bytes: &[u8]) -> Result<Vec<PackedArtifact>, BundleError> {
    let mut files = Vec::new();
    read_bundle(bytes, &Limits::default(), |file: ArtifactFile| {
        files.push(PackedArtifact {
            kind: match file.kind {
                FileKind::Script => 0,
                FileKind::Map => 1,
            },
            url: file.url,
            debug_id: file.debug_id,
            map_reference: file.map_reference,
            size: file.bytes.len(),
            z: squeeze(&file.bytes),
        });
        Ok::<_, BundleError>(())
    })?;
    Ok(files)
}

#[async_trait::async_trait]
impl HostedStore for EmbeddedStore {
    async fn keep_chunk(&self, checksum: Checksum, bytes: Vec<u8>, now: Timestamp) -> Result<(), StoreError> {
        self.control(move |writer| writer.keep_chunk(&checksum, &bytes, now)).await
    }

    async fn assemble(&self, order: BundleOrder) -> Result<Assembled, StoreError> {
        let unpack = |bytes: Vec<u8>| unpacked(&bytes).map(Packed::Scripts).map_err(|error| error.to_string());
        self.put_together(order, BUNDLE_BYTES, unpack).await
    }

    async fn assemble_debug_file(&self, order: DebugFileOrder) -> Result<(Assembled, Vec<KnownDebugFile>), StoreError> {
        self.put_debug_file(order).await
    }

    async fn debug_files(&self, query: &DebugFileQuery) -> Result<Vec<KnownDebugFile>, StoreError> {
        self.known_debug_files(query).await
    }

    async fn announce(&self, release: Announcement) -> Result<(), StoreError> {
        self.control(move |writer| writer.announce(&release)).await
    }

    async fn deploy(&self, deploy: DeployRecord) -> Result<KnownDeploy, StoreError> {
        self.control(move |writer| writer.deploy(&deploy)).await
    }

    async fn announced(&self, scope: &Scope, version: Option<&Untrusted>) -> Result<Vec<Announced>, StoreError> {
        let (scope, version) = (scope.clone(), version.cloned());
        self.read(move |snapshot| snapshot.announced(&scope, version.as_ref())).await
    }

    async fn events(&self, ids: &[EventId], scope: &Scope) -> Result<Vec<EventFacts>, StoreError> {
        let (ids, scope) = (ids.to_vec(), scope.clone());
        self.read(move |snapshot| snapshot.events(&ids, &scope)).await
    }

    async fn issue_names(&self, named: &[String]) -> Result<Vec<(IssueId, String)>, StoreError> {
        let named = named.to_vec();
        self.read(move |snapshot| snapshot.issue_names(&named)).await
    }

    async fn replay_ids(&self, scope: &Scope, skip: usize, limit: usize) -> Result<(Vec<EventId>, u64), StoreError> {
        let scope = scope.clone();
        self.read(move |snapshot| snapshot.replay_ids(&scope, skip, limit)).await
    }

    async fn project_details(&self, scope: &Scope) -> Result<Vec<ProjectDetails>, StoreError> {
        let scope = scope.clone();
        self.read(move |snapshot| snapshot.project_details(&scope)).await
    }

    async fn session_series(&self, query: &SeriesQuery) -> Result<Vec<SessionSpan>, StoreError> {
        let query = query.clone();
        self.read(move |snapshot| snapshot.session_series(&query)).await
    }

    async fn deploys(&self, scope: &Scope, version: &Untrusted) -> Result<Vec<KnownDeploy>, StoreError> {
        let (scope, version) = (scope.clone(), version.clone());
        self.read(move |snapshot| snapshot.known_deploys(&scope, &version)).await
    }
}

impl Maps for EmbeddedStore {
    fn any(&self) -> bool {
        if self.has_maps.load(Ordering::Relaxed) {
            return true;
        }
        // Another process may have stored the first.
        let any = self.pool.read_now(|snapshot| snapshot.has_maps()).unwrap_or(false);
        self.has_maps.store(any, Ordering::Relaxed);
        any
    }

    fn script(&self, project: u64, wanted: &Wanted<'_>) -> Option<Arc<Script>> {
        match self.pool.read_now(|snapshot| snapshot.script(project, wanted)) {
            Ok(found) => {
                let (map, script) = found?;
                self.note_use(map);
                Some(script)
            }
            Err(error) => {
                tracing::warn!(%error, "maps could not be read");
                None
            }
        }
    }
}
