//! Where symbols are found.

use std::sync::Arc;

use super::Object;

/// What names the build of a program or library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedImage {
    /// Its debug id, as [`super::debug_key`] writes it.
    pub debug_id: Option<String>,
    /// Its code id, as [`super::code_key`] writes it: the build id of ELF, time and size of PE.
    pub code_id: Option<String>,
    /// Its file, without folders.
    pub file: Option<String>,
}

/// Symbols of programs and libraries. Questions are answered at once or not at all: an event is never lost for symbols.
pub trait Symbols: Send + Sync {
    /// Whether there are any; asked before stacks are taken apart.
    fn any_symbols(&self) -> bool;

    /// The symbols of an image.
    fn object(&self, project: u64, wanted: &WantedImage) -> Option<Arc<Object>>;

    /// Text of a source file of an image, by the path that its symbols name.
    fn source(&self, project: u64, wanted: &WantedImage, path: &str) -> Option<Arc<str>>;
}

/// No symbols at all.
pub struct NoSymbols;

impl Symbols for NoSymbols {
    fn any_symbols(&self) -> bool {
        false
    }

    fn object(&self, _: u64, _: &WantedImage) -> Option<Arc<Object>> {
        None
    }

    fn source(&self, _: u64, _: &WantedImage, _: &str) -> Option<Arc<str>> {
        None
    }
}
