//! Signal stores: one folder each.

#[cfg(feature = "cluster")]
pub mod cluster;
pub mod embedded;
pub mod sentry;
