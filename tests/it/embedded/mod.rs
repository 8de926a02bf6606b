//! The embedded store: exact, durable, shared.

mod exact;
mod files;
mod maps;
mod naive;
mod sessions;
mod symbols;
mod writing;
