//! Releases: which there are, what was announced of them, how much they are used.

pub(super) mod active;
pub(super) mod announced;
pub(super) mod crashed;
pub(super) mod releases;
pub(super) mod session_series;
pub(super) mod slower;
