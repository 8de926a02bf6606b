//! Artifact bundles: a ZIP with a manifest, as `sentry-cli` and the bundler plugins upload them.
//! It reads what the manifest names, one file at a time.
//! It never unpacks to a path and never trusts a size that the archive states.

use std::io::{Cursor, Read};

use serde_json::{Map, Value};
use zip::ZipArchive;

use super::{contents::Sources, inline};

/// Names the files.
const MANIFEST: &str = "manifest.json";

/// What a bundle may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: usize,
    /// Bytes of one file, unpacked.
    pub file_bytes: usize,
    /// Bytes of all files, unpacked.
    pub total_bytes: usize,
    /// How many times larger than the bundle its files may be.
    pub ratio: usize,
}

/// Bundles below this size may expand as they like.
const SMALL: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self { files: 20_000, file_bytes: 64 << 20, total_bytes: 512 << 20, ratio: 100 }
    }
}

/// What a file of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// The script that runs.
    Script,
    /// Its map.
    Map,
}

/// One file that is of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFile {
    /// What it is.
    pub kind: FileKind,
    /// Under which it is looked for: `~/main.js`.
    pub url: String,
    /// Equal for a script and its map.
    pub debug_id: Option<u128>,
    /// Where the map is, as the script says.
    pub map_reference: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a bundle was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no ZIP, or a broken one.
    #[error("not an artifact bundle: {0}")]
    Archive(String),
    /// The manifest is missing or broken.
    #[error("the bundle's manifest.json can't be read: {0}")]
    Manifest(String),
    /// More than allowed.
    #[error("the bundle is too large: {0}")]
    TooLarge(&'static str),
    /// A name that climbs out of the archive.
    #[error("the name {0:?} in the bundle's manifest leaves the bundle")]
    Path(String),
    /// A file that the manifest names is missing.
    #[error("the manifest names {0:?}, which is not in the bundle")]
    Missing(String),
    /// A map that is none.
    #[error("{0:?} is {1}")]
    Map(String, super::MapError),
    /// A file of a kind that nothing reads here: said, instead of taking it and leaving it unused.
    #[error("{0:?} is {1}")]
    Unread(String, &'static str),
}

/// Reads a bundle and hands over each script and map in it.
///
/// # Errors
/// [`BundleError`] for the first thing that is wrong; an error of `take` ends it too.
pub fn read_bundle<E: From<BundleError>>(
    bundle: &[u8],
    limits: &Limits,
    mut take: impl FnMut(ArtifactFile) -> Result<(), E>,
) -> Result<usize, E> {
    // The ZIP counts its places from the first byte of all; tools that put nothing before it are read as well.
    let mut archive = ZipArchive::new(Cursor::new(bundle)).map_err(|e| BundleError::Archive(shortened(&e)))?;
    let most = limits.total_bytes.min((bundle.len().max(SMALL)).saturating_mul(limits.ratio));
    let mut unpacker = Unpacker { left: most, file_bytes: limits.file_bytes };
    let manifest = unpacker.file(&mut archive, MANIFEST)?;
    let manifest: Value =
        serde_json::from_slice(&manifest).map_err(|error| BundleError::Manifest(shortened(&error)))?;
    let files = manifest.get("files").and_then(Value::as_object);
    let files = files.ok_or_else(|| BundleError::Manifest("it has no files".to_owned()))?;
    if files.len() > limits.files {
        Err(BundleError::TooLarge("too many files"))?;
    }
    let sources = Sources::of(files);
    let mut taken = 0;
    for (path, said) in files {
        if said.get("type").and_then(Value::as_str) == Some("indexed_ram_bundle") {
            Err(BundleError::Unread(
                path.chars().take(200).collect(),
                "a RAM bundle; upload a plain bundle and its map",
            ))?;
        }
        let Some(mut file) = entry(said) else { continue };
        if leaves(path) {
            Err(BundleError::Path(path.chars().take(200).collect()))?;
        }
        file.bytes = unpacker.file(&mut archive, path)?;
        if file.kind == FileKind::Map {
            super::check_map(&file.bytes).map_err(|error| BundleError::Map(path.chars().take(200).collect(), error))?;
            sources.fill(&mut file, |path| unpacker.file(&mut archive, path))?;
        } else if let Some(map) = inline_map(path, &mut file)? {
            taken += 1;
            take(map)?;
        }
        taken += 1;
        take(file)?;
    }
    if taken == 0 && !files.is_empty() {
        Err(BundleError::Manifest("none of its files is a script or a source map".to_owned()))?;
    }
    Ok(taken)
}

/// What the manifest says of a file; `None` for kinds that are of no use here.
fn entry(said: &Value) -> Option<ArtifactFile> {
    let kind = match said.get("type")?.as_str()? {
        "minified_source" => FileKind::Script,
        "source_map" => FileKind::Map,
        _ => return None,
    };
    let none = Map::new();
    let headers = said.get("headers").and_then(Value::as_object).unwrap_or(&none);
    let header = |names: [&str; 2]| {
        let found = headers.iter().find(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
        found.and_then(|(_, value)| value.as_str())
    };
    let digits: Option<String> =
        header(["debug-id", "debugid"]).map(|id| id.chars().filter(char::is_ascii_hexdigit).collect());
    Some(ArtifactFile {
        kind,
        url: said.get("url").and_then(Value::as_str).unwrap_or("").to_owned(),
        debug_id: digits.filter(|id| id.len() == 32).and_then(|id| u128::from_str_radix(&id, 16).ok()),
        map_reference: header(["sourcemap", "x-sourcemap"]).map(str::to_owned),
        bytes: Vec::new(),
    })
}

/// Settles where a script's map is: as the manifest says, else the script's own last word. One that stands in the script
/// itself is handed back as a file of its own.
fn inline_map(path: &str, script: &mut ArtifactFile) -> Result<Option<ArtifactFile>, BundleError> {
    if script.map_reference.is_none() {
        script.map_reference = inline::reference(&script.bytes);
    }
    let Some(data) = script.map_reference.as_deref().filter(|reference| reference.starts_with("data:")) else {
        return Ok(None);
    };
    let name = || path.chars().take(200).collect();
    let bytes = inline::decode(data)
        .ok_or_else(|| BundleError::Unread(name(), "a script whose inline source map can't be read"))?;
    super::check_map(&bytes).map_err(|error| BundleError::Map(name(), error))?;
    let url = format!("{}.map", script.url);
    script.map_reference = url.rsplit('/').next().map(str::to_owned);
    Ok(Some(ArtifactFile { kind: FileKind::Map, url, debug_id: script.debug_id, map_reference: None, bytes }))
}

/// Whether a path steps out of its folder. Nothing is written by it; a bundle that tries is not honest, though.
fn leaves(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.contains('\0') || path.split(['/', '\\']).any(|part| part == "..")
}

struct Unpacker {
    left: usize,
    file_bytes: usize,
}

impl Unpacker {
    /// One file, read no further than is allowed whatever the archive states.
    fn file(&mut self, archive: &mut ZipArchive<Cursor<&[u8]>>, path: &str) -> Result<Vec<u8>, BundleError> {
        let file = archive.by_name(path).map_err(|error| match error {
            zip::result::ZipError::FileNotFound => BundleError::Missing(path.chars().take(200).collect()),
            error => BundleError::Archive(shortened(&error)),
        })?;
        let most = self.left.min(self.file_bytes);
        let mut bytes = Vec::new();
        let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| BundleError::Archive(shortened(&error)))?;
        if bytes.len() > self.file_bytes {
            return Err(BundleError::TooLarge("a file of it expands to more than is allowed"));
        }
        if bytes.len() > self.left {
            return Err(BundleError::TooLarge("it expands to more than is allowed"));
        }
        self.left -= bytes.len();
        Ok(bytes)
    }
}

fn shortened(error: &dyn std::fmt::Display) -> String {
    error.to_string().chars().take(200).collect()
}
