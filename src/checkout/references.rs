//! What a repository's references name: the commit that is checked out, and tags.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Oid, folder::Folder, inside};

/// Longest file of a single reference.
const REFERENCE_BYTES: u64 = 4 << 10;
/// Longest file of packed references.
const PACKED_BYTES: u64 = 64 << 20;
/// Most tags that are looked at.
const TAGS: usize = 20_000;
/// How deep tags may be nested.
const DEPTH: usize = 4;
/// References to references that are followed.
const HOPS: usize = 4;

/// The commit that is checked out.
pub(super) fn head(folder: &Folder) -> Option<Oid> {
    let mut said = inside::text(&folder.git, "HEAD", REFERENCE_BYTES)?;
    for _ in 0..HOPS {
        let Some(name) = said.trim().strip_prefix("ref:").map(|name| name.trim().to_owned()) else {
            return Oid::parse(said.trim());
        };
        if !name.starts_with("refs/") {
            return None;
        }
        match inside::text(&folder.common, &name, REFERENCE_BYTES) {
            Some(text) => said = text,
            None => return packed(&folder.common).find(|(known, _)| *known == name).map(|(_, oid)| oid),
        }
    }
    None
}

/// Tags, and when the places were changed that they were read from.
#[derive(Default)]
pub(super) struct Tags {
    /// By name the object that each names: a commit, or what describes a tag.
    pub(super) by_name: BTreeMap<String, Oid>,
    read: Vec<(PathBuf, Option<SystemTime>)>,
}

impl Tags {
    /// Reads them. Those that stand in files of their own go before packed ones.
    pub(super) fn read(folder: &Folder) -> Self {
        let mut tags = Self::default();
        tags.mark(folder.common.join("packed-refs"));
        let tag = |(name, oid): (String, Oid)| Some((name.strip_prefix("refs/tags/")?.to_owned(), oid));
        tags.by_name = packed(&folder.common).filter_map(tag).take(TAGS).collect();
        tags.loose(&folder.common, "refs/tags", "", DEPTH);
        tags
    }

    /// Whether nothing changed since they were read.
    pub(super) fn are_those_of(&self, folder: &Folder) -> bool {
        self.read.first().is_some_and(|(place, _)| place.starts_with(&folder.common))
            && self.read.iter().all(|(place, at)| changed_at(place) == *at)
    }

    fn mark(&mut self, place: PathBuf) {
        let at = changed_at(&place);
        self.read.push((place, at));
    }

    fn loose(&mut self, common: &Path, folder: &str, prefix: &str, depth: usize) {
        let Some(place) = inside::place(common, folder) else { return };
        if !fs::symlink_metadata(&place).is_ok_and(|about| about.is_dir()) {
            return;
        }
        self.mark(place.clone());
        for entry in fs::read_dir(&place).into_iter().flatten().flatten().take(TAGS) {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, full) = (format!("{folder}/{name}"), format!("{prefix}{name}"));
            if entry.file_type().is_ok_and(|ty| ty.is_dir()) {
                if depth > 0 && self.read.len() < TAGS {
                    self.loose(common, &path, &format!("{full}/"), depth - 1);
                }
            } else if self.by_name.len() < TAGS
                && let Some(text) = inside::text(common, &path, REFERENCE_BYTES)
                && let Some(oid) = Oid::parse(text.trim())
            {
                self.by_name.insert(full, oid);
            }
        }
    }
}

fn changed_at(place: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(place).ok()?.modified().ok()
}

/// References that stand together in one file.
fn packed(common: &Path) -> impl Iterator<Item = (String, Oid)> {
    let text = inside::text(common, "packed-refs", PACKED_BYTES).unwrap_or_default();
    let line = |line: &str| {
        let (oid, name) = line.split_once(' ')?;
        Some((name.trim().to_owned(), Oid::parse(oid)?))
    };
    let lines: Vec<(String, Oid)> =
        text.lines().filter(|line| !line.starts_with(['#', '^'])).filter_map(line).collect();
    lines.into_iter()
}
