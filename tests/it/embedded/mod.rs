//! The embedded store: exact, durable, shared.

mod exact;
mod files;
mod naive;
mod sessions;
mod writing;
