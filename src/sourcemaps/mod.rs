//! Source maps: minified frames of an event become lines of its source.
//! It alone uses `sourcemap` and `zip`.
//! It never does IO: files come as bytes, and a name in them is data, never a path.

mod bundle;
mod cache;
mod contents;
mod frames;
mod functions;
mod inline;
mod lexer;
mod names;
mod paths;
mod script;
mod units;

pub use bundle::{ArtifactFile, BundleError, FileKind, Limits, read_bundle};
pub use cache::Cache;
pub use frames::{Wanted, map_event};
pub use paths::join as map_url;
pub use script::{MapError, Script, check_map};

use std::sync::Arc;

use sha1::{Digest, Sha1};

/// Where maps are found. Questions are answered at once or not at all: an event is never lost for a map.
pub trait Maps: Send + Sync {
    /// Whether there are any; asked before a body is taken apart.
    fn any(&self) -> bool;

    /// The script that a frame ran in, with its map.
    fn script(&self, project: u64, wanted: &Wanted<'_>) -> Option<Arc<Script>>;
}

/// The SHA-1 by which chunks and bundles are named.
pub fn checksum(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}
