//! A folder that was named: the work tree it is in, and that one's commits and tags.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Oid, inside};

/// Longest file of a single reference.
const REFERENCE_BYTES: u64 = 4 << 10;
/// Longest list of places where history ends.
const SHALLOW_BYTES: u64 = 4 << 20;

/// Why a folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CodeFault {
    /// There is no such folder.
    #[error("{0} is no folder that can be read")]
    NoFolder(PathBuf),
    /// No work tree of git.
    #[error("{0} is in no git work tree")]
    NoWorkTree(PathBuf),
    /// Its `.git` leads to a place that doesn't lead back.
    #[error("the .git of {0} leads to a folder that is not its own")]
    Foreign(PathBuf),
    /// Its objects lie elsewhere.
    #[error("the objects of {0} lie outside of it (alternates or links): they are not read")]
    ObjectsElsewhere(PathBuf),
    /// A way of keeping references that is not read here.
    #[error("{0} keeps its references in tables (reftable): these are not read")]
    Reftable(PathBuf),
    /// Something could not be read or made.
    #[error("{0} can't be read")]
    Io(PathBuf, #[source] std::io::Error),
}

/// Where a work tree's parts are. All paths are without links.
#[derive(Debug)]
pub(super) struct Folder {
    /// The folder that was named.
    pub(super) named: PathBuf,
    /// Its path from the work tree's root, with `/` at its end; empty at the root.
    pub(super) below: String,
    /// What belongs to this work tree alone.
    pub(super) git: PathBuf,
    /// What all work trees of the repository share.
    pub(super) common: PathBuf,
}

impl Folder {
    /// Finds the work tree that a folder is in.
    ///
    /// # Errors
    /// When it is in none, or in one that leads outside of itself.
    pub(super) fn find(dir: &Path) -> Result<Self, CodeFault> {
        let named = fs::canonicalize(dir).ok().filter(|named| named.is_dir());
        let named = named.ok_or_else(|| CodeFault::NoFolder(dir.to_owned()))?;
        let root = named.ancestors().find(|root| fs::symlink_metadata(root.join(".git")).is_ok());
        let root = root.ok_or_else(|| CodeFault::NoWorkTree(named.clone()))?.to_owned();
        let git = git_folder(&root).ok_or_else(|| CodeFault::Foreign(root.clone()))?;
        let common = match inside::text(&git, "commondir", REFERENCE_BYTES) {
            Some(path) => fs::canonicalize(git.join(path.trim())).ok(),
            None => Some(git.clone()),
        };
        // The folder of a work tree lies in that of its repository.
        let common = common.filter(|common| git.starts_with(common)).ok_or_else(|| CodeFault::Foreign(root.clone()))?;
        if common.join("reftable").is_dir() {
            return Err(CodeFault::Reftable(root));
        }
        let parts = named.strip_prefix(&root).unwrap_or(Path::new("")).components();
        let below = parts.map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect();
        let folder = Self { named, below, git, common };
        if folder.keeps_its_objects() { Ok(folder) } else { Err(CodeFault::ObjectsElsewhere(root)) }
    }

    /// Where the objects are.
    pub(super) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// Whether no object is kept outside the repository.
    fn keeps_its_objects(&self) -> bool {
        let objects = self.objects();
        let no_link = |folder: &Path| {
            fs::read_dir(folder).map_or(true, |entries| {
                entries.flatten().all(|entry| entry.file_type().is_ok_and(|ty| !ty.is_symlink()))
            })
        };
        fs::symlink_metadata(&objects).is_ok_and(|about| about.is_dir())
            && ["info/alternates", "info/http-alternates"].iter().all(|path| !objects.join(path).exists())
            && [objects.clone(), objects.join("info"), objects.join("pack")].iter().all(|folder| no_link(folder))
    }

    /// Where history ends, in a clone that has not all of it.
    pub(super) fn shallow(&self) -> Vec<Oid> {
        let text = inside::text(&self.common, "shallow", SHALLOW_BYTES).unwrap_or_default();
        text.lines().filter_map(Oid::parse).collect()
    }
}

/// The folder behind a `.git`: the folder itself, or the one that a file there names if that one names the file back, as
/// those of further work trees and of submodules do.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let dot = root.join(".git");
    let about = fs::symlink_metadata(&dot).ok()?;
    if about.is_dir() {
        return Some(dot);
    }
    let said = inside::text(root, ".git", REFERENCE_BYTES)?;
    let git = fs::canonicalize(root.join(said.trim().strip_prefix("gitdir:")?.trim())).ok()?;
    let back = |path: &str, base: &Path| fs::canonicalize(base.join(path.trim())).ok();
    let of_work_tree = || back(&inside::text(&git, "gitdir", REFERENCE_BYTES)?, &git).filter(|file| *file == dot);
    let of_submodule = || {
        let config = inside::text(&git, "config", 1 << 20)?;
        let value =
            |line: &str| Some(line.trim().strip_prefix("worktree")?.trim().strip_prefix('=')?.trim().to_owned());
        back(&config.lines().find_map(value)?, &git).filter(|tree| tree == root)
    };
    (of_work_tree().is_some() || of_submodule().is_some()).then_some(git)
}
