//! The one integration binary; it mirrors `src`.
#![allow(clippy::unwrap_used, missing_docs)]

mod api;
mod architecture;
mod attribution;
mod change;
mod cli;
mod client;
mod clients;
mod embedded;
mod generated;
mod grouping;
mod ingest;
mod markers;
mod mcp;
mod program;
mod protocol;
mod release;
mod script;
mod sdks;
mod search;
mod sentry;
mod serve;
mod tools;
mod verify;
mod view;
mod world;
