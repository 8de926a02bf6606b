//! What only a store of our own takes beside signal: releases, deploys, commits, source maps.

use super::{
    Commit, EventFacts, ProjectDetails, Scope, SeriesQuery, SessionSpan, SignalSink, SignalStore, SignalWrite,
    StoreError,
};
use crate::model::{EventId, IssueId, Timestamp, Untrusted};

/// SHA-1 of a chunk or a bundle.
pub type Checksum = [u8; 20];

/// A store that others' tools may tell about releases and hand their source maps to.
#[async_trait::async_trait]
pub trait HostedStore: SignalStore + SignalSink + SignalWrite {
    /// Keeps a part of a bundle until the bundle is put together.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when too much waits already.
    async fn keep_chunk(&self, checksum: Checksum, bytes: Vec<u8>, now: Timestamp) -> Result<(), StoreError>;

    /// Puts a bundle together and stores what is in it.
    async fn assemble(&self, bundle: BundleOrder) -> Result<Assembled, StoreError>;

    /// Puts a file with symbols together and stores what lookups need of it; tells what is known of it then.
    async fn assemble_debug_file(&self, file: DebugFileOrder) -> Result<(Assembled, Vec<KnownDebugFile>), StoreError>;

    /// Files with symbols of a project, newest first.
    async fn debug_files(&self, query: &DebugFileQuery) -> Result<Vec<KnownDebugFile>, StoreError>;

    /// Notes what somebody says of a release, which is made if it isn't there. What is not said stays as it was.
    async fn announce(&self, release: Announcement) -> Result<(), StoreError>;

    /// Notes a deploy of a release, which is made if it isn't there.
    async fn deploy(&self, deploy: DeployRecord) -> Result<KnownDeploy, StoreError>;

    /// What was announced of releases within the scope: of one, or of all, the newest first.
    async fn announced(&self, scope: &Scope, version: Option<&Untrusted>) -> Result<Vec<Announced>, StoreError>;

    /// Those events, in their order and at one moment; what doesn't exist in the scope is left out.
    async fn events(&self, ids: &[EventId], scope: &Scope) -> Result<Vec<EventFacts>, StoreError>;

    /// Number and short id of each issue that is named by either; what doesn't exist is left out.
    async fn issue_names(&self, named: &[String]) -> Result<Vec<(IssueId, String)>, StoreError>;

    /// Replays within the scope, the one that began last first, with how many there are.
    async fn replay_ids(&self, scope: &Scope, skip: usize, limit: usize) -> Result<(Vec<EventId>, u64), StoreError>;

    /// Projects of the scope with what each has, by slug.
    async fn project_details(&self, scope: &Scope) -> Result<Vec<ProjectDetails>, StoreError>;

    /// Sessions by release and span of time; spans without any are left out.
    async fn session_series(&self, query: &SeriesQuery) -> Result<Vec<SessionSpan>, StoreError>;

    /// Deploys of a release, newest first.
    async fn deploys(&self, scope: &Scope, version: &Untrusted) -> Result<Vec<KnownDeploy>, StoreError>;
}

/// Asks for a bundle to be put together.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleOrder {
    /// SHA-1 of the whole.
    pub checksum: Checksum,
    /// Its parts in order.
    pub chunks: Vec<Checksum>,
    /// Slugs or numbers of the projects that it is for.
    pub projects: Vec<String>,
    /// The release whose scripts they are, for those without debug ids.
    pub release: Option<String>,
    /// Distribution within the release.
    pub dist: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// Asks for a file with symbols to be put together.
#[derive(Clone, Debug, PartialEq)]
pub struct DebugFileOrder {
    /// Its checksum, parts and project.
    pub bundle: BundleOrder,
    /// Its name, as the sender has it.
    pub name: String,
    /// Its debug id, as the sender has it: mappings have none in them.
    pub debug_id: Option<String>,
}

/// Asks for files with symbols.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DebugFileQuery {
    /// Slug or number of the project.
    pub project: String,
    /// Those with one of these debug or code ids; empty: all.
    pub ids: Vec<String>,
    /// Those of these uploads; empty: all.
    pub checksums: Vec<Checksum>,
    /// At most so many.
    pub limit: usize,
}

/// What is known of a file with symbols.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownDebugFile {
    /// A number for it.
    pub id: u64,
    /// SHA-1 of the upload.
    pub checksum: Checksum,
    /// Debug id.
    pub debug_id: String,
    /// Code id.
    pub code_id: Option<String>,
    /// Name, as its sender had it.
    pub name: Untrusted,
    /// Architecture.
    pub arch: String,
    /// Format of the file.
    pub format: String,
    /// Kind of object.
    pub kind: String,
    /// What it is good for.
    pub features: Vec<String>,
    /// Length of the upload in bytes.
    pub size_bytes: u64,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// What became of a bundle.
#[derive(Clone, Debug, PartialEq)]
pub enum Assembled {
    /// These parts are not here yet.
    Missing(Vec<Checksum>),
    /// It is in use.
    Done,
    /// It can't be used.
    Failed(String),
}

/// What is said of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// Its name.
    pub version: Untrusted,
    /// Slugs or numbers of its projects; empty: those that it has already.
    pub projects: Vec<String>,
    /// When its work began, or when it was made known.
    pub started: Option<Timestamp>,
    /// When it was finished.
    pub released: Option<Timestamp>,
    /// Where to read about it.
    pub url: Option<Untrusted>,
    /// The commit that it was built from.
    pub reference: Option<Untrusted>,
    /// Its commits, newest first; `None`: not said.
    pub commits: Option<Vec<Commit>>,
    /// Now.
    pub now: Timestamp,
}

/// What is known of a release because somebody said so.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// A number for it.
    pub id: u64,
    /// Its name.
    pub version: Untrusted,
    /// Slugs of its projects.
    pub projects: Vec<String>,
    /// When it was first heard of.
    pub created: Timestamp,
    /// When it was finished.
    pub released: Option<Timestamp>,
    /// Where to read about it.
    pub url: Option<Untrusted>,
    /// The commit that it was built from.
    pub reference: Option<Untrusted>,
    /// Whether somebody announced it, signal aside.
    pub announced: bool,
    /// How many commits it has.
    pub commits: u64,
    /// The newest of them.
    pub last_commit: Option<Commit>,
    /// Its newest deploy.
    pub last_deploy: Option<KnownDeploy>,
    /// How many there were.
    pub deploys: u64,
}

/// A deploy to be noted.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployRecord {
    /// The release.
    pub version: Untrusted,
    /// Slugs or numbers of its projects; empty: those that the release has.
    pub projects: Vec<String>,
    /// Where to.
    pub environment: Untrusted,
    /// What it is called.
    pub name: Option<Untrusted>,
    /// Where to read about it.
    pub url: Option<Untrusted>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was done.
    pub finished: Timestamp,
}

/// A deploy that was noted.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownDeploy {
    /// A number for it.
    pub id: u64,
    /// Where to.
    pub environment: Option<Untrusted>,
    /// What it is called.
    pub name: Option<Untrusted>,
    /// Where to read about it.
    pub url: Option<Untrusted>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was done.
    pub finished: Timestamp,
}
