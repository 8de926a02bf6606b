//! One work tree: its commits, and what files they have.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::{
    Oid,
    files::Files,
    folder::{CodeFault, Folder},
    git::Git,
    inside,
    references::{Tags, head},
    release::{NamedRelease, ToldBy, commit_of},
};

/// Longest file that is compared.
const FILE_BYTES: u64 = 4 << 20;
/// Longest list of files, which is some three million.
const LIST_BYTES: u64 = 512 << 20;
/// Lists of files that are kept.
const LISTS: usize = 4;

/// How long one question waits for a list of files that is being read; it is read on meanwhile.
const PATIENCE: Duration = Duration::from_secs(3);

/// The files of a commit: nothing while they are being read, and an end without any where they can't be.
type Listed = watch::Receiver<Option<Arc<Files>>>;

/// A work tree.
pub(super) struct Tree {
    folder: Folder,
    pub(super) git: Arc<Git>,
    lists: Mutex<HashMap<Oid, Listed>>,
    tags: Mutex<Arc<Tags>>,
}

/// A work tree as it is while one question is answered.
pub(super) struct Moment {
    /// The commit that is checked out.
    pub(super) head: Oid,
    /// Its files.
    pub(super) files: Arc<Files>,
    /// The repository's tags.
    pub(super) tags: Arc<Tags>,
    /// The commit of the release that was asked about, and what told it.
    pub(super) release: Option<(Oid, ToldBy)>,
}

impl Tree {
    /// The work tree that a folder is in.
    pub(super) fn open(named: &Path) -> Result<Self, CodeFault> {
        let folder = Folder::find(named)?;
        let digits = head(&folder).map_or(40, |head| head.as_str().len());
        let git = Git::new(&folder.objects(), digits).map_err(|error| CodeFault::Io(folder.named.clone(), error))?;
        Ok(Self { folder, git: Arc::new(git), lists: Mutex::default(), tags: Mutex::default() })
    }

    /// How it is now; `None` where nothing is checked out or `git` can't be run.
    pub(super) async fn moment(&self, release: Option<&NamedRelease>) -> Option<Moment> {
        let head = head(&self.folder)?;
        self.git.set_shallow(&self.folder.shallow());
        let files = self.files(&head).await?;
        let tags = self.tags();
        let release = match release {
            Some(release) => self.commit_of(&tags, release).await,
            None => None,
        };
        Some(Moment { head, files, tags, release })
    }

    /// The tags, read anew where a folder of them changed.
    fn tags(&self) -> Arc<Tags> {
        let mut known = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.are_those_of(&self.folder) {
            *known = Arc::new(Tags::read(&self.folder));
        }
        known.clone()
    }

    /// The commit of a release.
    pub(super) async fn commit_of(&self, tags: &Tags, release: &NamedRelease) -> Option<(Oid, ToldBy)> {
        commit_of(&self.git, &tags.by_name, release).await
    }

    /// The files of a commit, of the folder that was named alone.
    pub(super) async fn files(&self, commit: &Oid) -> Option<Arc<Files>> {
        let mut listed = self.listed(commit);
        match timeout(PATIENCE, listed.wait_for(Option::is_some)).await {
            Ok(Ok(files)) => files.clone(),
            // It ended without any: another try may do.
            Ok(Err(_)) => {
                self.lists().remove(commit);
                None
            }
            Err(_) => None,
        }
    }

    /// The list of files of a commit, which is begun to be read if nobody did.
    fn listed(&self, commit: &Oid) -> Listed {
        let mut lists = self.lists();
        if let Some(known) = lists.get(commit) {
            return known.clone();
        }
        if lists.len() >= LISTS {
            lists.clear();
        }
        let (sender, listed) = watch::channel(None);
        lists.insert(commit.clone(), listed.clone());
        let (git, commit, below) = (self.git.clone(), commit.clone(), self.folder.below.clone());
        // It goes on when the call that asked for it ends.
        tokio::spawn(async move {
            let listing = git.ask_once(&["ls-tree", "-r", "-z", "--full-tree", commit.as_str()], LIST_BYTES).await;
            let listing = listing.inspect_err(|error| tracing::warn!(%error, "git can't be run")).ok()??;
            let files = tokio::task::spawn_blocking(move || Files::read(&listing, &below)).await.ok()?;
            sender.send(Some(Arc::new(files))).ok()
        });
        listed
    }

    /// Whether a list of files is still being read.
    pub(super) fn is_reading(&self) -> bool {
        self.lists().values().any(|listed| listed.borrow().is_none() && listed.has_changed().is_ok())
    }

    /// A file as a commit has it.
    pub(super) async fn file_at(&self, commit: &Oid, path: &str) -> Option<String> {
        let name = format!("{}:{path}", commit.as_str());
        let bytes = self.git.ask(&["cat-file", "blob", &name], FILE_BYTES).await?;
        std::str::from_utf8(&bytes).ok().map(str::to_owned)
    }

    /// A file as it stands in the work tree.
    pub(super) fn file_now(&self, path: &str) -> Option<String> {
        inside::text(&self.folder.named, path.strip_prefix(self.folder.below.as_str())?, FILE_BYTES)
    }

    fn lists(&self) -> std::sync::MutexGuard<'_, HashMap<Oid, Listed>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
