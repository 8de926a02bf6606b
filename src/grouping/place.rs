//! A frame as grouping sees it.

use crate::model::Frame;

/// One frame as grouping sees it.
pub(super) struct Place<'a> {
    pub(super) frame: &'a Frame,
    pub(super) module: String,
    /// `None`: anonymous, or named by a minifier.
    pub(super) name: Option<String>,
    pub(super) minified: bool,
}
