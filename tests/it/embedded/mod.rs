//! The embedded store: exact, durable, shared.

mod answers;
mod exact;
mod files;
mod naive;
mod sessions;
mod writing;
