//! Signal stores: one folder each.

pub mod embedded;
pub mod sentry;
