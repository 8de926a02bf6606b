//! Reading files below a folder, and never one outside of it.

use std::{
    fs,
    io::Read,
    path::{Component, Path, PathBuf},
};

/// The bytes of a regular file below a folder whose own path has no links; `None` for what is missing, a link or reached
/// through one that leads out, no regular file, or longer than `most` bytes.
pub(super) fn read(base: &Path, path: &str, most: u64) -> Option<Vec<u8>> {
    let place = place(base, path)?;
    if !fs::symlink_metadata(&place).ok()?.is_file() {
        return None;
    }
    let file = fs::File::open(&place).ok()?;
    let about = file.metadata().ok()?;
    if !about.is_file() || about.len() > most {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The text of such a file.
pub(super) fn text(base: &Path, path: &str, most: u64) -> Option<String> {
    String::from_utf8(read(base, path, most)?).ok()
}

/// Where a path below a folder leads, when it leads to no place outside.
pub(super) fn place(base: &Path, path: &str) -> Option<PathBuf> {
    let parts = Path::new(path);
    if !parts.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let place = base.join(parts);
    let parent = fs::canonicalize(place.parent()?).ok()?;
    parent.starts_with(base).then(|| parent.join(place.file_name().unwrap_or_default()))
}
