//! The embedded store: exact, durable, shared.

pub mod exact;
mod files;
mod maps;
pub mod naive;
mod sessions;
mod symbols;
mod writing;
